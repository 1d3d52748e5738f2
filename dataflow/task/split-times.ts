/**
 * What a reader of a source and the JobManager tell each other of time: how far its splits have come, and whether splits
 * elsewhere hold it back.
 *
 * SI1  Time is held until the JobManager says that every split it knows has a reader, and that this one has got all that
 *      are its own: one on the way counts.
 * SI2  One exchange is under way at a time. They go on, less and less often, while time is held or more splits may be
 *      found; once neither, they end.
 */
import { limits } from '../../core/limits.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { SplitTimeReply } from '../task-runtime.js';

export interface SplitTimesOptions {
  readonly clock: Clock;
  /** Splits may be found while the job runs. */
  readonly isOpen: boolean;
  /** Splits that came to this reader, in all. */
  readonly received: () => number;
  readonly exchange: () => Promise<SplitTimeReply>;
  readonly fail: (error: unknown) => void;
}

/** See the head of this file. */
export class SplitTimes {
  readonly #options: SplitTimesOptions;
  #timer: TimerHandle | undefined;
  #pauseMs: number = limits.splitTimesPauseMinMs;
  #isStopped = false;
  /** SI1. */
  isHeld = true;

  constructor(options: SplitTimesOptions) {
    this.#options = options;
  }

  start(): void {
    const { exchange, fail } = this.#options;
    exchange().then(
      (reply) => {
        if (!this.#isStopped) this.#take(reply);
      },
      (error: unknown) => {
        if (!this.#isStopped) fail(error);
      },
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #take({ holding, owned }: SplitTimeReply): void {
    const { clock, isOpen, received } = this.#options;
    this.isHeld = holding > 0 || owned > received();
    if (!this.isHeld && !isOpen) return;
    this.#timer = clock.setTimer(this.#pauseMs, () => this.start());
    this.#pauseMs = Math.min(2 * this.#pauseMs, limits.splitTimesPauseMaxMs);
  }
}
