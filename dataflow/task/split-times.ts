/**
 * What a reader of a source and the JobManager tell each other of time: whether splits elsewhere hold it back, and, where
 * readers wait for each other, how far this one has come and may read.
 *
 * SI1  Time is held until the JobManager says that every split it knows has a reader, and that this one has got all that
 *      are its own: one on the way counts.
 * SI2  One exchange is under way at a time. While time is held there is one whenever a split comes to this reader; besides they
 *      go on, less and less often, while time is held or more splits may be found, and at the interval of the alignment where there is one; without any of these they end.
 * SI3  A reader that is at its end says so once: it holds nobody any more.
 */
import { limits } from '../../core/limits.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { SplitTimeReply, SplitTimeReport } from '../task-runtime.js';
import type { AlignmentSettings } from '../time/time-assignment.js';
import type { SourceTime, SplitHolds } from './source-time.js';

export interface SplitTimesOptions {
  readonly clock: Clock;
  /** Splits may be found while the job runs. */
  readonly isOpen: boolean;
  readonly alignment: AlignmentSettings | undefined;
  readonly time: Pick<SourceTime, 'received' | 'readWatermark' | 'watermarkOf' | 'refresh'>;
  readonly exchange: (alignment?: SplitTimeReport) => Promise<SplitTimeReply>;
  /** It may read further. */
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/** See the head of this file. */
export class SplitTimes implements SplitHolds {
  readonly #options: SplitTimesOptions;
  #timer: TimerHandle | undefined;
  #pauseMs: number = limits.splitTimesPauseMinMs;
  #readUpTo = Infinity;
  #hasEnded = false;
  #hasToldEnd = false;
  #isStopped = false;
  #isUnderWay = false;
  /** Since the exchange that is under way, or the last one, began. */
  #haveSplitsMoved = false;
  /** SI1. */
  isHeld = true;

  constructor(options: SplitTimesOptions) {
    this.#options = options;
  }

  /** Whether a split is so far ahead of the group that it must wait; `wake` is called when it may be read further. */
  isAhead(splitId: string): boolean {
    if (this.#readUpTo === Infinity) return false;
    return (this.#options.time.watermarkOf(splitId) ?? -Infinity) > this.#readUpTo;
  }

  /** A split came, or the word that none will: what held time may hold it no more. */
  splitsMoved(): void {
    this.#haveSplitsMoved = true;
    if (this.isHeld && !this.#isUnderWay) this.start();
  }

  start(): void {
    this.#timer?.cancel();
    this.#isUnderWay = true;
    this.#haveSplitsMoved = false;
    const { exchange, alignment, time, fail } = this.#options;
    const watermark = this.#hasEnded ? null : (time.readWatermark() ?? null);
    this.#hasToldEnd = this.#hasEnded;
    exchange(alignment && { group: alignment.group, maxDriftMs: alignment.maxDriftMs, watermark }).then(
      (reply) => {
        this.#isUnderWay = false;
        if (!this.#isStopped) this.#take(reply);
      },
      (error: unknown) => {
        if (!this.#isStopped) fail(error);
      },
    );
  }

  /** SI3. What it said before is answered first, so that it cannot arrive after. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#timer?.cancel();
    if (!this.#isUnderWay) this.#tellEnd();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #take({ holding, owned, readUpTo = Infinity }: SplitTimeReply): void {
    const { isOpen, alignment, time, wake } = this.#options;
    const wasHeld = this.isHeld;
    this.isHeld = holding > 0 || owned > time.received;
    if (wasHeld && !this.isHeld) {
      time.refresh();
      wake();
    }
    const mayReadFurther = readUpTo > this.#readUpTo;
    this.#readUpTo = readUpTo;
    if (mayReadFurther) wake();
    if (this.#hasEnded) {
      this.#tellEnd();
      return;
    }
    if (this.isHeld && this.#haveSplitsMoved) this.start();
    else if (this.isHeld || isOpen) {
      this.#again(Math.min(this.#pauseMs, alignment?.updateIntervalMs ?? this.#pauseMs));
      this.#pauseMs = Math.min(2 * this.#pauseMs, limits.splitTimesPauseMaxMs);
    } else if (alignment !== undefined) this.#again(alignment.updateIntervalMs);
  }

  #tellEnd(): void {
    if (this.#options.alignment !== undefined && !this.#hasToldEnd) this.start();
  }

  #again(pauseMs: number): void {
    this.#timer = this.#options.clock.setTimer(pauseMs, () => this.start());
  }
}
