/**
 * How event time passes in a stream: where timestamps come from, and when time may go on.
 *
 * WS1  A strategy is a value: every `with…` returns another one. Nothing is made before the task starts; then each split of
 *      a source, or each subtask of `assignTimestampsAndWatermarks`, gets a generator of its own.
 */
import type { AlignmentSettings, TimeAssignment } from '../dataflow/time/time-assignment.js';
import type { TimestampAssigner, WatermarkGenerator } from '../dataflow/time/watermark-generator.js';
import type { Operator } from '../dataflow/contracts.js';
import { timestampsAndWatermarksOperator } from '../dataflow/operators/timestamps-and-watermarks.js';
import { apiError } from './api-error.js';
import { milliseconds, shownDuration, type Duration } from './duration.js';
import { assertSynchronous, type Transformation } from './transformation.js';

/** Made by one of the four functions below; see the head of this file. */
export class WatermarkStrategy<T> {
  readonly #assignment: TimeAssignment<T>;

  private constructor(assignment: TimeAssignment<T>) {
    this.#assignment = assignment;
  }

  /** Timestamps never go back within a split: the watermark is a millisecond behind the latest. */
  static forMonotonousTimestamps<T>(): WatermarkStrategy<T> {
    return WatermarkStrategy.#of<T>({ kind: 'bounded-out-of-orderness', delayMs: 0 });
  }

  /** A record comes at most `maxOutOfOrderness` behind the latest before it: the watermark is that and a millisecond behind it. */
  static forBoundedOutOfOrderness<T>(maxOutOfOrderness: Duration): WatermarkStrategy<T> {
    return WatermarkStrategy.#of<T>({
      kind: 'bounded-out-of-orderness',
      delayMs: milliseconds(maxOutOfOrderness, 'forBoundedOutOfOrderness'),
    });
  }

  /** Records get timestamps, but time does not pass before the end of the input. */
  static noWatermarks<T>(): WatermarkStrategy<T> {
    return WatermarkStrategy.#of<T>({ kind: 'none' });
  }

  /** A generator of your own, made for each split or subtask. */
  static forGenerator<T>(create: () => WatermarkGenerator<T>): WatermarkStrategy<T> {
    assertSynchronous(create, 'forGenerator', 'Pass a function that makes a generator.');
    return WatermarkStrategy.#of<T>({ kind: 'custom', create });
  }

  static #of<T>(generator: TimeAssignment<T>['generator']): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ assign: undefined, generator, idleAfterMs: undefined, alignment: undefined });
  }

  /** Takes the timestamp from the record: milliseconds since 1970. Without one, records keep the timestamps the source gave. */
  withTimestampAssigner(assign: TimestampAssigner<T>): WatermarkStrategy<T> {
    assertSynchronous(assign, 'withTimestampAssigner', 'Pass a function that takes the timestamp from the record.');
    return new WatermarkStrategy<T>({ ...this.#assignment, assign });
  }

  /** Without a record for `timeout`, the split or subtask holds nobody's time back. Time under back-pressure does not count. */
  withIdleness(timeout: Duration): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ ...this.#assignment, idleAfterMs: positive(timeout, 'withIdleness') });
  }

  /**
   * Readers of all sources of the job with this `group` wait for each other: none goes on while it is more than `maxDrift`
   * of event time ahead of the slowest. `updateInterval` (default 1 s) is how often they tell each other. Of sources only.
   */
  withWatermarkAlignment(group: string, maxDrift: Duration, updateInterval: Duration = '1 s'): WatermarkStrategy<T> {
    const where = 'withWatermarkAlignment';
    if (group === '') throw apiError('ALIGNMENT_GROUP_EMPTY', 'The name of the alignment group is empty.', { where, hint: 'Name it.' });
    const alignment: AlignmentSettings = {
      group,
      maxDriftMs: milliseconds(maxDrift, where),
      updateIntervalMs: positive(updateInterval, where),
    };
    return new WatermarkStrategy<T>({ ...this.#assignment, alignment });
  }

  /** For the runtime. */
  toAssignment(): TimeAssignment<T> {
    return this.#assignment;
  }
}

/** What a strategy comes to; anything else is refused by the name of the method it was given to. */
export function assignmentOf<T>(strategy: WatermarkStrategy<T>, where: string): TimeAssignment<T> {
  if (strategy instanceof WatermarkStrategy) return strategy.toAssignment();
  throw apiError('STRATEGY_MISSING', `${where} got ${strategy === null ? 'null' : typeof strategy} instead of a watermark strategy.`, {
    where,
    hint: 'Make one: WatermarkStrategy.forMonotonousTimestamps().',
  });
}

/** The operator that gives a stream the timestamps and watermarks of a strategy. */
export function timestampsAndWatermarks<T>(strategy: WatermarkStrategy<T>): Transformation {
  const where = 'assignTimestampsAndWatermarks';
  const assignment = assignmentOf(strategy, where);
  if (assignment.alignment !== undefined) {
    throw apiError('ALIGNMENT_WITHOUT_SOURCE', 'Only the readers of sources can be aligned.', {
      where,
      hint: 'Give the strategy to fromSource, or leave withWatermarkAlignment out.',
    });
  }
  return {
    type: 'timestamps-and-watermarks',
    name: 'Timestamps/Watermarks',
    written: strategy,
    create: () => timestampsAndWatermarksOperator(assignment) as Operator,
  };
}

function positive(duration: Duration, where: string): number {
  const ms = milliseconds(duration, where);
  if (ms > 0) return ms;
  throw apiError('DURATION_INVALID', `${shownDuration(duration)} is no time to wait.`, { where, hint: 'Use more than 0 ms.' });
}
