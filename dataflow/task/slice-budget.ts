/**
 * How much a task does before it gives the thread back, and how often it looks around meanwhile.
 *
 * SB1  A slice ends after `limits.sliceMs`, so that a message waits for one slice of each task of the slot at most.
 * SB2  Where work takes no time (a simulated clock), it ends after a number of records and steps instead.
 * SB3  A source is asked for so many records at a time that asking costs little, but, once their cost is known, for no
 *      more than about a tenth of a slice.
 */
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import { RecordPace } from './record-pace.js';

const pollRecordsMax = 8_192;
const pollMs = limits.sliceMs / 10;

export interface SliceBudgetOptions {
  readonly clock: Clock;
  /** SB2. Undefined: only time counts. */
  readonly recordsPerSlice: number | undefined;
}

/** The budget of one task; see the head of this file. */
export class SliceBudget {
  readonly #clock: Clock;
  readonly #recordsMax: number;
  readonly #stepsMax: number;
  readonly #pace = new RecordPace({ recordsMax: pollRecordsMax, targetMs: pollMs });
  #startedAt = 0;
  #steppedAt = 0;
  #recordsAtStart = 0;
  #recordsAtStep = 0;
  #steps = 0;

  constructor({ clock, recordsPerSlice }: SliceBudgetOptions) {
    this.#clock = clock;
    this.#recordsMax = recordsPerSlice ?? Infinity;
    this.#stepsMax = recordsPerSlice === undefined ? Infinity : limits.stepsPerSlice;
  }

  /** Records to ask a source for (SB3). */
  get pollRecords(): number {
    return Math.min(this.#pace.records, this.#recordsMax);
  }

  /** A slice begins. */
  begin(now: number, records: number): void {
    this.#startedAt = now;
    this.#steppedAt = now;
    this.#recordsAtStart = records;
    this.#recordsAtStep = records;
    this.#steps = 0;
  }

  /** A step was done; `records`: of the task so far. Whether the slice is over. */
  isSpent(records: number): boolean {
    const now = this.#clock.monotonic();
    this.#pace.took(records - this.#recordsAtStep, now - this.#steppedAt);
    this.#steppedAt = now;
    this.#recordsAtStep = records;
    this.#steps += 1;
    if (this.#steps >= this.#stepsMax || records - this.#recordsAtStart >= this.#recordsMax) return true;
    return now - this.#startedAt >= limits.sliceMs;
  }
}
