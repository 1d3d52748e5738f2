/**
 * Joins records of two keyed streams whose times are not far from each other (Flink's IntervalJoinOperator).
 *
 * IJ1  A left record at `l` and a right one at `r` with the same key are a pair when `l + lower ≤ r ≤ l + upper`. Each pair
 *      is made once, when the later of the two comes; its results carry the later time of the two.
 * IJ2  A record whose time is before the watermark is late: it goes to the side output of its side, or is counted
 *      (`numLateRecordsDropped`) and dropped, and is in no pair. Any other is in all its pairs, also one at the watermark.
 * IJ3  A record is kept until the watermark has passed everything that it, or any of its slice, could still meet: a left one
 *      `upper` ms after its slice, a right one `-lower` ms, but no shorter than until its slice is over. A slice is as
 *      long as the interval: a record looks at two of them, whatever else is kept (JS1).
 * IJ4  Pairs are made as output is available, so that one record may meet any number of others.
 */
import { MillraceError } from '../../core/errors.js';
import { keyHashOf, type Key } from '../../core/keys.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import type { Collector, OutputTag, Results } from '../functions.js';
import { createCollector, type ProcessCell } from '../fusion/process-call.js';
import type { ProcessJoinContext, ProcessJoinFunction, ProcessJoinSetup } from '../join-functions.js';
import { lateRecordsOf } from '../windows/late-records.js';
import type { KeysOfInputs } from './co-process.js';
import { KeyKinds, watchedKey } from './key-kinds.js';
import { JoinSlices, type SlicedRecord } from './join-slices.js';
import { madeFunction } from './made-function.js';
import { keyedRuntimeContextOf, keyedStateOf, sideOutputsOf } from './runtime-context.js';
import { iteratorOf } from './results.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

export interface IntervalJoinOptions<K extends Key, Left, Right, Out> {
  readonly keyOf: KeysOfInputs<K, Left, Right>;
  /** Of `right - left`, in whole ms; both are inside (IJ1). */
  readonly lower: number;
  readonly upper: number;
  /** Tags for late records. */
  readonly lateLeft: string | undefined;
  readonly lateRight: string | undefined;
  readonly setup: ProcessJoinSetup<K, Left, Right, Out>;
}

/** See the head of this file. */
export function intervalJoinOperator<K extends Key, Left, Right, Out>(options: IntervalJoinOptions<K, Left, Right, Out>): Operator {
  return new IntervalJoinOperator(options as IntervalJoinOptions<Key, unknown, unknown, unknown>);
}

type Join = ProcessJoinFunction<Key, unknown, unknown, unknown>;

/** One of both sides, as the other sees it. */
interface Side {
  readonly isLeft: boolean;
  /** Of `other - own`. */
  readonly lower: number;
  readonly upper: number;
  readonly keyOf: (value: unknown) => Key;
  readonly late: (value: unknown, timestamp: number) => void;
  readonly own: JoinSlices;
  readonly other: JoinSlices;
}

/** What is left of a record whose pairs did not all have room (IJ4). */
interface Unfinished {
  readonly side: Side;
  readonly value: unknown;
  readonly timestamp: number;
  readonly key: Key;
  /** Of the other side: the slice it is at, the last one, the records there and the next of them. */
  slice: number;
  readonly lastSlice: number;
  records: readonly SlicedRecord[];
  next: number;
  results: Iterator<unknown> | undefined;
}

class IntervalJoinOperator implements Operator {
  readonly #options: IntervalJoinOptions<Key, unknown, unknown, unknown>;
  readonly #cell: ProcessCell<Join> = { now: noTimestamp };
  /** Times of the pair being processed. */
  readonly #pair = { left: noTimestamp, right: noTimestamp };
  #left!: Side;
  #right!: Side;
  #out!: Emit<unknown>;
  #context!: OperatorContext;
  #keyed!: KeyedStateBackend;
  #collector!: Collector<unknown>;
  #joinContext!: ProcessJoinContext<Key>;
  #unfinished: Unfinished | undefined;
  readonly #kinds = new KeyKinds();
  /** Until a result was looked at (SY1). */
  #isFirst = true;

  constructor(options: IntervalJoinOptions<Key, unknown, unknown, unknown>) {
    this.#options = options;
  }

  bind(out: Emit<unknown>, context: OperatorContext): Emit<unknown> {
    this.#out = out;
    this.#context = context;
    this.#collector = createCollector(out, this.#cell);
    return (value, timestamp, keyHash) => this.#take(this.#left, value, timestamp, keyHash);
  }

  bindSecond(): Emit<unknown> {
    return (value, timestamp, keyHash) => this.#take(this.#right, value, timestamp, keyHash);
  }

  open(context: OperatorContext): void | Promise<void> {
    const keyed = keyedStateOf(context);
    this.#keyed = keyed;
    const { keyOf, lower, upper, lateLeft, lateRight, setup } = this.#options;
    const sliceMs = upper - lower + 1;
    const left = new JoinSlices({ keyed, sliceMs, stateName: 'interval-join/left', keptMs: Math.max(0, upper) });
    const right = new JoinSlices({ keyed, sliceMs, stateName: 'interval-join/right', keptMs: Math.max(0, -lower) });
    const bounds = { lower, upper };
    const first = watchedKey(keyOf.first, this.#kinds, 0);
    const second = watchedKey(keyOf.second, this.#kinds, 1);
    const mirrored = { lower: -upper, upper: -lower };
    this.#left = { ...bounds, isLeft: true, own: left, other: right, keyOf: first, late: lateRecordsOf(context, lateLeft) };
    this.#right = { ...mirrored, isLeft: false, own: right, other: left, keyOf: second, late: lateRecordsOf(context, lateRight) };
    this.#joinContext = this.#contextOf(context, keyed);
    const runtime = keyedRuntimeContextOf(context);
    const run = madeFunction(setup, runtime, ['processElement']);
    this.#cell.run = run;
    return run.open?.(runtime);
  }

  /** IJ3. */
  onTimer(time: number, _domain: 'event' | 'processing', namespace: number): void {
    this.#left.own.onTimer(time, namespace);
    this.#right.own.onTimer(time, namespace);
  }

  endInput(): void {
    this.#kinds.end();
  }

  close(): void | Promise<void> {
    this.#unfinished?.results?.return?.();
    this.#unfinished = undefined;
    return this.#cell.run?.close?.();
  }

  #take(side: Side, value: unknown, timestamp: number, keyHash: number | undefined): void {
    if (timestamp === noTimestamp) throw this.#timestampMissing(side);
    if (timestamp < this.#context.currentWatermark()) {
      side.late(value, timestamp);
      return;
    }
    const keyed = this.#keyed;
    let key: Key;
    try {
      key = side.keyOf(value);
      keyed.setCurrentKey(key, keyHash ?? keyHashOf(key));
      side.own.add(timestamp, value);
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
    const { other } = side;
    const slice = other.sliceOf(timestamp + side.lower);
    const lastSlice = other.sliceOf(timestamp + side.upper);
    const unfinished: Unfinished = { side, value, timestamp, key, slice, lastSlice, records: other.of(slice), next: 0, results: undefined };
    if (this.#join(unfinished)) return;
    this.#unfinished = unfinished;
    this.#context.park(this.#resume);
  }

  readonly #resume = (): boolean => {
    const unfinished = this.#unfinished as Unfinished;
    this.#keyed.setCurrentKey(unfinished.key, keyHashOf(unfinished.key));
    if (!this.#join(unfinished)) return false;
    this.#unfinished = undefined;
    return true;
  };

  /** Makes the pairs of a record as long as there is room; whether all are made. */
  #join(record: Unfinished): boolean {
    const { side, timestamp, lastSlice } = record;
    const from = timestamp + side.lower;
    const to = timestamp + side.upper;
    for (;;) {
      if (record.results !== undefined && !this.#pull(record, record.results)) return false;
      const other = record.records[record.next];
      if (other === undefined) {
        if (record.slice === lastSlice) return true;
        record.slice += 1;
        record.records = side.other.of(record.slice);
        record.next = 0;
        continue;
      }
      record.next += 1;
      const [otherTimestamp, value] = other;
      if (otherTimestamp < from || otherTimestamp > to) continue;
      record.results = this.#call(record, otherTimestamp, value);
      if (!this.#context.isOutputAvailable()) return false;
    }
  }

  /** Hands on results that the function returned; whether all are. */
  #pull(record: Unfinished, results: Iterator<unknown>): boolean {
    while (this.#context.isOutputAvailable()) {
      let next: IteratorResult<unknown>;
      try {
        next = results.next();
        if (next.done === true) {
          record.results = undefined;
          return true;
        }
        if (this.#isFirst) synchronous(next.value);
        this.#isFirst = false;
      } catch (error) {
        failFunction(this.#context.operatorName, error);
      }
      this.#out(next.value, this.#cell.now);
    }
    return false;
  }

  #call({ side, value, timestamp }: Unfinished, otherTimestamp: number, other: unknown): Iterator<unknown> | undefined {
    const pair = this.#pair;
    pair.left = side.isLeft ? timestamp : otherTimestamp;
    pair.right = side.isLeft ? otherTimestamp : timestamp;
    this.#cell.now = Math.max(timestamp, otherTimestamp);
    let results: Results<unknown>;
    try {
      const run = this.#cell.run as Join;
      results = side.isLeft
        ? run.processElement(value, other, this.#joinContext, this.#collector)
        : run.processElement(other, value, this.#joinContext, this.#collector);
      return results === undefined ? undefined : iteratorOf(results, this.#context.operatorName);
    } catch (error) {
      return failFunction(this.#context.operatorName, error);
    }
  }

  #contextOf(context: OperatorContext, keyed: KeyedStateBackend): ProcessJoinContext<Key> {
    const toSide = sideOutputsOf(context);
    const pair = this.#pair;
    const cell = this.#cell;
    return {
      leftTimestamp: () => pair.left,
      rightTimestamp: () => pair.right,
      timestamp: () => cell.now,
      currentKey: () => keyed.currentKey(),
      output: <T>(tag: OutputTag<T>, value: T) => toSide(tag, value, cell.now),
    };
  }

  #timestampMissing({ isLeft }: Side): MillraceError {
    return new MillraceError('JOIN_TIMESTAMP_MISSING', `A record of the ${isLeft ? 'left' : 'right'} stream has no timestamp.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: 'An interval join goes by event time: assign timestamps with a watermark strategy before it.',
    });
  }
}
