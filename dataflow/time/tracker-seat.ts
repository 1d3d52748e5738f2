/**
 * The place in compiled code of the tracker whose records come: the code stays the same while splits take turns.
 *
 * SE1  Only one tracker sits at a time; before another one does, or it is asked anything, `settle` tells it what came.
 */
import { createRecordCount, type RecordCount } from '../fusion/record-count.js';
import { noTimestamp } from '../contracts.js';
import type { TimeTracker } from './time-tracker.js';

/** See the head of this file. */
export class TrackerSeat {
  /** At 0 the highest timestamp, at 1 the number of records. */
  readonly cell: RecordCount = createRecordCount();
  #tracker: TimeTracker | undefined;

  constructor() {
    this.cell[0] = noTimestamp;
  }

  /** The records that come now are those of this tracker. */
  take(tracker: TimeTracker): void {
    if (this.#tracker === tracker) return;
    this.settle();
    this.#tracker = tracker;
    this.cell[0] = tracker.highest;
    this.cell[1] = tracker.records;
  }

  /** Tells the tracker what came since it sat down. */
  settle(): void {
    const tracker = this.#tracker;
    if (tracker === undefined) return;
    if ((this.cell[0] as number) > tracker.highest) tracker.highest = this.cell[0] as number;
    tracker.records = this.cell[1] as number;
  }

  /** Of custom generators. */
  onEvent(value: unknown, timestamp: number): void {
    this.#tracker?.onEvent(value, timestamp);
  }
}
