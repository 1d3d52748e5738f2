/**
 * The event time of one reader of a source: the lowest of its splits, each with a tracker of its own.
 *
 * SM1  A split that is known holds time, read or not: while one waits for a reader, or is on its way to this one, time stands
 *      (see SplitTimes). One that waits here holds with what it had come to in the checkpoint, a new one with its minimum.
 * SM2  A split that was read to its end holds nothing. That no more will come is said by the end of the input alone.
 * SM3  Idle: all its splits are, or it has none and every split that is known has a reader.
 * SM4  How far a split has come stands in the checkpoint beside its position.
 * SM5  Splits that are read side by side are each idle, or too far ahead, on their own.
 */
import { limits } from '../../core/limits.js';
import { shortened } from '../../core/shortened.js';
import { CombinedWatermark } from '../time/combined-watermark.js';
import type { AlignmentSettings, TimeAssignment } from '../time/time-assignment.js';
import type { TimeHolders, TimeOrigin } from '../time/time-origin.js';
import { TimeTracker } from '../time/time-tracker.js';
import type { WatermarkOutput } from '../time/watermark-generator.js';
import type { TrackerSeat } from '../time/tracker-seat.js';

export interface SourceTimeOptions {
  readonly assignment: TimeAssignment;
  readonly seat: TrackerSeat;
  /** Keeps the task from the next record until what is due was handed on. */
  readonly onDue: () => void;
}

/** What is known of the splits of the other readers. */
export interface SplitHolds {
  /** One of them holds time back. */
  readonly isHeld: boolean;
  /** A split of this reader has come further than those it is aligned with allow. */
  isAhead(splitId: string): boolean;
}

/** See the head of this file. */
export class SourceTime implements TimeOrigin, WatermarkOutput {
  readonly #options: SourceTimeOptions;
  readonly #splits = new Map<string, TimeTracker>();
  readonly #combined = new CombinedWatermark();
  #held: SplitHolds = { isHeld: true, isAhead: () => false };
  /** Splits that are read. */
  readonly #begun = new Set<string>();
  /** The one of them whose records come. */
  #reading: string | undefined;
  /** Splits that came to this reader, in all. */
  received = 0;

  constructor(options: SourceTimeOptions) {
    this.#options = options;
  }

  get alignment(): AlignmentSettings | undefined {
    return this.#options.assignment.alignment;
  }

  get watermark(): number {
    return this.#combined.watermark;
  }

  get isIdle(): boolean {
    return this.#combined.isIdle;
  }

  /** Of a source that makes time: the split that is read has come so far. */
  emitWatermark(time: number): void {
    this.#trackerRead?.emitWatermark(time);
    this.#onDue();
  }

  /** Of a source that makes time: nothing is to be expected of the split that is read. */
  markIdle(): void {
    this.#trackerRead?.markIdle();
    this.#onDue();
  }

  markActive(): void {
    this.#trackerRead?.markActive();
    this.#onDue();
  }

  /** Something else changed than what records say. */
  refresh(): void {
    this.#combine();
  }

  /** What knows of the splits elsewhere. */
  follow(times: SplitHolds): void {
    this.#held = times;
  }

  holders(): TimeHolders {
    this.#options.seat.settle();
    const splits = [...this.#splits];
    const active = splits.filter(([, { isIdle }]) => !isIdle);
    const counts = { idle: splits.length - active.length, finished: this.received - splits.length };
    if (this.#held.isHeld) return { heldBy: { kind: 'unread-splits' }, ...counts };
    const [first, ...others] = active;
    if (first === undefined) return { heldBy: null, ...counts };
    const [splitId] = others.reduce((lowest, split) => (split[1].watermark < lowest[1].watermark ? split : lowest), first);
    return { heldBy: { kind: 'split', splitId: shortened(splitId, limits.taskNameMax) }, ...counts };
  }

  /** A split came; `highest` is what it had come to. */
  add(splitId: string, highest?: number): void {
    if (this.#splits.has(splitId)) return;
    this.received += 1;
    const { assignment } = this.#options;
    this.#splits.set(splitId, new TimeTracker({ ...assignment, highest, onDue: () => this.#onDue() }));
  }

  /** One that was read to its end before the checkpoint. */
  addFinished(): void {
    this.received += 1;
  }

  /** This split is read from now on: records that do not come are missed. */
  begin(splitId: string): void {
    this.#begun.add(splitId);
  }

  /** The records that come now are of this split. */
  read(splitId: string): void {
    if (this.#reading === splitId) return;
    this.#reading = splitId;
    const tracker = this.#splits.get(splitId);
    if (tracker !== undefined) this.#options.seat.take(tracker);
  }

  /** SM2. */
  finish(splitId: string): void {
    this.#options.seat.settle();
    this.#splits.delete(splitId);
    this.#begun.delete(splitId);
    this.#reading = undefined;
  }

  /** SM4. */
  highestOf(splitId: string): number | undefined {
    this.#options.seat.settle();
    return this.#splits.get(splitId)?.highest;
  }

  onPeriodicEmit(now: number): void {
    this.#options.seat.settle();
    for (const [splitId, tracker] of this.#splits) {
      // A split that is not read misses no records.
      if (!this.#begun.has(splitId) || this.#held.isAhead(splitId)) tracker.excuse();
      tracker.onPeriodicEmit(now);
    }
    this.#combine();
  }

  followRecords(): void {
    this.#options.seat.settle();
    for (const tracker of this.#splits.values()) tracker.advance();
    this.#combine();
  }

  /** How far the splits that are read have come, by the lowest of them; undefined: none is, or they are idle. */
  readWatermark(): number | undefined {
    let lowest: number | undefined;
    for (const splitId of this.#begun) {
      const watermark = this.watermarkOf(splitId);
      if (watermark !== undefined && (lowest === undefined || watermark < lowest)) lowest = watermark;
    }
    return lowest;
  }

  /** How far a split has come; undefined while it is idle. */
  watermarkOf(splitId: string): number | undefined {
    const tracker = this.#splits.get(splitId);
    if (tracker === undefined || tracker.isIdle) return undefined;
    this.#options.seat.settle();
    return tracker.advance();
  }

  get #trackerRead(): TimeTracker | undefined {
    return this.#reading === undefined ? undefined : this.#splits.get(this.#reading);
  }

  #onDue(): void {
    this.#combine();
    this.#options.onDue();
  }

  #combine(): void {
    const { isHeld } = this.#held;
    if (this.#splits.size === 0) this.#combined.isIdle = !isHeld;
    else if (isHeld) this.#combined.isIdle = false;
    else this.#combined.update(this.#splits.values());
  }
}
