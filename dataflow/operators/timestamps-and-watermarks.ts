/**
 * Begins time anew in the middle of a stream.
 *
 * TW1  The watermarks of what comes in end here, but for the last one; those of the strategy take their place.
 * TW2  How far time has come is part of the snapshot, so that after a restart it does not begin from nothing. When the
 *      states of several former subtasks come together, the earliest counts.
 */
import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import type { RecordStage } from '../fusion/record-stage.js';
import type { TimeAssignment } from '../time/time-assignment.js';
import type { TimeHolders, TimeOrigin } from '../time/time-origin.js';
import { TimeTracker } from '../time/time-tracker.js';
import { timestampFunction, timestampStage } from '../time/timestamp-stage.js';
import { TrackerSeat } from '../time/tracker-seat.js';
import { failFunction } from './user-error.js';

/** Gives records the timestamps and the stream the watermarks of a strategy. */
export function timestampsAndWatermarksOperator<T>(assignment: TimeAssignment<T>): Operator<T, T> {
  return new TimestampsAndWatermarks(assignment as TimeAssignment) as Operator<T, T>;
}

const finished = (): boolean => true;

class TimestampsAndWatermarks implements Operator, TimeOrigin {
  readonly #assignment: TimeAssignment;
  readonly #seat = new TrackerSeat();
  #tracker: TimeTracker | undefined;

  constructor(assignment: TimeAssignment) {
    this.#assignment = assignment;
  }

  get time(): TimeOrigin {
    return this;
  }

  get watermark(): number {
    return (this.#tracker as TimeTracker).watermark;
  }

  get isIdle(): boolean {
    return (this.#tracker as TimeTracker).isIdle;
  }

  holders(): TimeHolders {
    return { heldBy: this.isIdle ? null : { kind: 'records' }, idle: 0, finished: 0 };
  }

  onPeriodicEmit(now: number): void {
    this.#seat.settle();
    this.#tracker?.onPeriodicEmit(now);
  }

  followRecords(): void {
    this.#seat.settle();
    this.#tracker?.advance();
  }

  stage(context: OperatorContext): RecordStage {
    this.#track(context);
    return timestampStage({ assignment: this.#assignment, seat: this.#seat });
  }

  bind(out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    this.#track(context);
    const stamp = timestampFunction({ assignment: this.#assignment, seat: this.#seat });
    return (value, recordTimestamp) => {
      let timestamp: number;
      try {
        timestamp = stamp(value, recordTimestamp);
      } catch (error) {
        failFunction(context.operatorName, error);
      }
      out(value, timestamp);
    };
  }

  snapshot(): number {
    this.#seat.settle();
    return this.#tracker?.highest ?? noTimestamp;
  }

  /** Restored before the first record: the seat must know what was highest. */
  #track({ restored, park }: OperatorContext): void {
    if (this.#tracker !== undefined) return;
    const highest = restored?.length ? Math.min(...restored.map((one) => (typeof one === 'number' ? one : noTimestamp))) : undefined;
    // Nothing is left to do: it only keeps the loop from the next record until the watermark has gone.
    this.#tracker = new TimeTracker({ ...this.#assignment, highest, onDue: () => park(finished) });
    this.#seat.take(this.#tracker);
  }
}
