import type { Key } from '../../core/keys.js';
import type { OutputTag, Synchronous } from '../../dataflow/functions.js';
import type { ProcessJoinSetup } from '../../dataflow/join-functions.js';
import type { KeysOfInputs } from '../../dataflow/operators/co-process.js';
import { intervalJoinOperator } from '../../dataflow/operators/interval-join.js';
import { apiError } from '../api-error.js';
import { milliseconds, type Duration } from '../duration.js';
import { assertTag, type AnyTag, type NamedTag } from '../output-tags.js';
import { assertMethods } from '../transformation.js';
import type { SingleOutputStream } from './single-output-stream.js';
import { addOperator, type StreamHandle } from './stream-handle.js';

export interface IntervalJoinParts<K extends Key, Left, Right> {
  readonly left: StreamHandle;
  readonly right: StreamHandle;
  readonly keyOf: KeysOfInputs<K, Left, Right>;
}

interface Bounds {
  readonly lower: number;
  readonly upper: number;
  readonly isLowerExclusive: boolean;
  readonly isUpperExclusive: boolean;
  readonly lateLeft: AnyTag | undefined;
  readonly lateRight: AnyTag | undefined;
}

/** Two keyed streams to be joined by time: say how far their times may be apart. */
export class IntervalJoin<K extends Key, Left, Right> {
  readonly #parts: IntervalJoinParts<K, Left, Right>;

  constructor(parts: IntervalJoinParts<K, Left, Right>) {
    this.#parts = parts;
  }

  /**
   * A left record at time `l` meets the right ones with the same key from `l + lower` to `l + upper`, both included.
   * Either may be negative: `between('-5 s', '10 s')`. Whole milliseconds.
   */
  between(lower: Duration, upper: Duration): IntervalJoined<K, Left, Right> {
    return new IntervalJoined(this.#parts, {
      lower: signedMilliseconds(lower, 'the lower bound of an interval join'),
      upper: signedMilliseconds(upper, 'the upper bound of an interval join'),
      isLowerExclusive: false,
      isUpperExclusive: false,
      lateLeft: undefined,
      lateRight: undefined,
    });
  }
}

/** Two keyed streams and the interval they are joined by. */
export class IntervalJoined<K extends Key, Left, Right> {
  readonly #parts: IntervalJoinParts<K, Left, Right>;
  readonly #bounds: Bounds;

  constructor(parts: IntervalJoinParts<K, Left, Right>, bounds: Bounds) {
    this.#parts = parts;
    this.#bounds = bounds;
  }

  /** Right records exactly at the lower bound are out. */
  lowerBoundExclusive(): IntervalJoined<K, Left, Right> {
    return new IntervalJoined(this.#parts, { ...this.#bounds, isLowerExclusive: true });
  }

  /** Right records exactly at the upper bound are out. */
  upperBoundExclusive(): IntervalJoined<K, Left, Right> {
    return new IntervalJoined(this.#parts, { ...this.#bounds, isUpperExclusive: true });
  }

  /** Left records that come after the watermark go there; without a tag they are counted and dropped. */
  sideOutputLeftLateData(tag: OutputTag<Left>): IntervalJoined<K, Left, Right> {
    assertTag(tag, 'sideOutputLeftLateData');
    return new IntervalJoined(this.#parts, { ...this.#bounds, lateLeft: tag });
  }

  /** Right records that come after the watermark go there; without a tag they are counted and dropped. */
  sideOutputRightLateData(tag: OutputTag<Right>): IntervalJoined<K, Left, Right> {
    assertTag(tag, 'sideOutputRightLateData');
    return new IntervalJoined(this.#parts, { ...this.#bounds, lateRight: tag });
  }

  /** A function on each pair, or what makes one for each subtask. Results carry the later time of the two. */
  process<Out>(setup: ProcessJoinSetup<K, Left, Right, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const type = 'interval-join';
    assertMethods(setup, type, ['processElement']);
    const { left, right, keyOf } = this.#parts;
    const { lateLeft, lateRight } = this.#bounds;
    const { lower, upper } = inclusive(this.#bounds);
    const create = () => intervalJoinOperator({ keyOf, lower, upper, lateLeft: lateLeft?.id, lateRight: lateRight?.id, setup });
    const sideOutputs: readonly NamedTag[] = [
      ...(lateLeft === undefined ? [] : [{ tag: lateLeft, use: 'sideOutputLeftLateData' }]),
      ...(lateRight === undefined ? [] : [{ tag: lateRight, use: 'sideOutputRightLateData' }]),
    ];
    const node = { type, name: 'Interval Join', written: setup, isKeyed: true, data: [lower, upper], sideOutputs, create };
    return addOperator<Out>(left, node, right);
  }
}

function inclusive({ lower, upper, isLowerExclusive, isUpperExclusive }: Bounds): { readonly lower: number; readonly upper: number } {
  const bounds = { lower: isLowerExclusive ? lower + 1 : lower, upper: isUpperExclusive ? upper - 1 : upper };
  if (bounds.lower <= bounds.upper) return bounds;
  const shown = `${isLowerExclusive ? 'above' : 'from'} ${lower} ms to ${isUpperExclusive ? 'below ' : ''}${upper} ms`;
  throw apiError('INTERVAL_EMPTY', `No time lies ${shown}.`, {
    where: 'interval-join',
    hint: 'The lower bound must not be above the upper one; exclusive bounds take a millisecond away on their side.',
  });
}

/** Whole ms; text may begin with a minus. */
function signedMilliseconds(bound: Duration, what: string): number {
  const isNegative = typeof bound === 'string' ? bound.trimStart().startsWith('-') : bound < 0;
  const magnitude = typeof bound === 'string' ? bound.replace('-', '') : Math.abs(bound);
  const ms = milliseconds((isNegative ? magnitude : bound) as Duration, what);
  if (Number.isSafeInteger(ms)) return isNegative ? -ms : ms;
  throw apiError('DURATION_INVALID', `${ms} ms is no whole number of milliseconds.`, {
    where: what,
    hint: 'Times are in whole milliseconds.',
  });
}
