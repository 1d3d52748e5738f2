import type { Key } from '../../core/keys.js';
import type { KeySelector, Operator } from '../../dataflow/contracts.js';
import type { KeyedProcessSetup, ReduceFunction, RichReduceFunction, Synchronous } from '../../dataflow/functions.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { keyedReduceOperator } from '../../dataflow/operators/keyed-reduce.js';
import { checkFields } from '../../graph/field-names.js';
import type { GlobalWindow } from '../../dataflow/windows/window.js';
import type { FieldUse } from '../../graph/types.js';
import { extremeBy, extremeOf, sumOf, type NumericField, type OrderedField } from '../aggregations.js';
import { DeclaredKeyedStream } from '../declared-fields.js';
import { GlobalWindows } from '../windows/assigners.js';
import { countWindow } from '../windows/count-window.js';
import type { AnyWindows, WindowOf } from '../windows/window-settings.js';
import { windowed, type WindowedStream } from '../windows/windowed-stream.js';
import { keyFieldsUnknown, type FieldOf, type FieldsOf, type KnownKey, type MatchingKey } from '../fields.js';
import { BroadcastStream, KeyedBroadcastConnectedStream } from './broadcast-stream.js';
import { KeyedConnectedStreams, type ConnectedStreams } from './connected-streams.js';
import { assertStream, DataStream, handleOf } from './data-stream.js';
import { IntervalJoin } from './interval-join.js';
import type { SingleOutputStream } from './single-output-stream.js';
import { streamMakers, type StreamHandle } from './stream-handle.js';

/** A keyed stream has `reduce`, others have not. */
interface NotKeyed {
  readonly reduce?: never;
}

let readKeySelector: (stream: KeyedStream<Key, unknown>) => (value: unknown) => Key;

/** How a keyed stream makes the key of a record. */
function keySelectorOf<K extends Key, T, F extends FieldOf<T>>(stream: KeyedStream<K, T, F>): (value: T) => K {
  return readKeySelector(stream as KeyedStream<Key, unknown>) as (value: T) => K;
}

/** Records that meet by key: state and timers belong to the key. `F` are the fields that the key is made of; never: not known. */
export class KeyedStream<K extends Key, T, F extends FieldOf<T> = never> extends DataStream<T> {
  static {
    readKeySelector = (stream) => stream.#keyOf;
  }

  readonly #keyOf: (value: T) => K;

  constructor(handle: StreamHandle, keyOf: (value: T) => K) {
    super(handle);
    this.#keyOf = keyOf;
  }

  /** A function with state and timers of the record's key, or what makes one for each subtask. */
  override process<Out>(setup: KeyedProcessSetup<K, T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const keyOf = this.#keyOf;
    return this.transform({
      type: 'keyed-process',
      name: 'Keyed Process',
      written: setup,
      method: 'processElement',
      isKeyed: true,
      create: () => keyedProcessOperator(keyOf, setup) as Operator,
    });
  }

  /**
   * Says which fields the next function looks at, beside those of the key: it gets records with these only, and the others
   * do not travel. The key must be one whose fields are known.
   */
  override uses<const Fields extends FieldsOf<T>>(...fields: Fields & KnownKey<F>): DeclaredKeyedStream<K, T, F | Fields[number]> {
    checkFields(fields, 'uses');
    const keyFields = handleOf(this).origins[0]?.keyFields as readonly F[] | undefined;
    if (keyFields === undefined) throw keyFieldsUnknown();
    return new DeclaredKeyedStream<K, T, F | Fields[number]>({
      ...this.declared([...new Set([...keyFields, ...(fields as Fields)])]),
      handle: handleOf(this),
      keyOf: this.#keyOf,
    });
  }

  /** With a broadcast stream: a function on the records of a key, with its state, that goes by what was broadcast. */
  override connect<Broadcast>(other: BroadcastStream<Broadcast>): KeyedBroadcastConnectedStream<K, T, Broadcast>;
  /** With a stream that has no key: no state of a key is at hand. */
  override connect<Other>(other: DataStream<Other> & NotKeyed): ConnectedStreams<T, Other>;
  /**
   * With another keyed stream: functions that take the records of both, with state and timers that belong to the key. The
   * keys of both must have the same type.
   */
  override connect<K2 extends Key, Other, F2 extends FieldOf<Other>>(
    other: KeyedStream<K2, Other, F2> & MatchingKey<K, K2>,
  ): KeyedConnectedStreams<K | K2, T, Other>;
  override connect<Other>(
    other: DataStream<Other> | BroadcastStream<Other>,
  ): ConnectedStreams<T, Other> | KeyedBroadcastConnectedStream<K, T, Other> {
    if (other instanceof BroadcastStream) return new KeyedBroadcastConnectedStream<K, T, Other>(handleOf(this), other, this.#keyOf);
    if (!(other instanceof KeyedStream)) return super.connect(other);
    return new KeyedConnectedStreams<Key, T, Other>(this, other, { first: this.#keyOf, second: keySelectorOf(other) });
  }

  /** Cuts the records of each key into windows. */
  window<const A extends AnyWindows<T>>(assigner: A): WindowedStream<K, T, WindowOf<A>> {
    return windowed({ handle: handleOf(this), keyOf: this.#keyOf }, assigner);
  }

  /**
   * Windows of `size` records of a key: each fires when it is full; with a slide, after every `slide` records, with the last
   * `size` of them.
   */
  countWindow(size: number, slide?: number): WindowedStream<K, T, GlobalWindow> {
    return countWindow(this.window(GlobalWindows.create()), size, slide);
  }

  /**
   * Pairs of records of this stream (left) and another keyed one (right) with the same key and times not far from each other:
   * `left.intervalJoin(right).between('-5 s', '10 s').process(…)`. The keys of both must have the same type.
   */
  intervalJoin<K2 extends Key, Other, F2 extends FieldOf<Other>>(
    other: KeyedStream<K2, Other, F2> & MatchingKey<K, K2>,
  ): IntervalJoin<K | K2, T, Other> {
    assertStream(other, 'intervalJoin', KeyedStream);
    return new IntervalJoin<K | K2, T, Other>({
      left: handleOf(this),
      right: handleOf(other),
      keyOf: { first: this.#keyOf, second: keySelectorOf<K2, Other, F2>(other) },
    });
  }

  /** Folds the records of each key into one; every record hands on the new value. */
  reduce(reduce: ReduceFunction<T> | RichReduceFunction<T>): SingleOutputStream<T> {
    return this.#fold({ type: 'reduce', name: 'Keyed Reduce', reduce });
  }

  /** Adds up a field, in the first record of the key. */
  sum(field: NumericField<T>): SingleOutputStream<T> {
    return this.#aggregate('sum', field, sumOf(field));
  }

  /** The smallest value of a field so far, in the first record of the key. */
  min(field: OrderedField<T>): SingleOutputStream<T> {
    const reduce = extremeOf<T>(field, (candidate, best) => candidate < best);
    return this.#aggregate('min', field, reduce);
  }

  /** The largest value of a field so far, in the first record of the key. */
  max(field: OrderedField<T>): SingleOutputStream<T> {
    const reduce = extremeOf<T>(field, (candidate, best) => candidate > best);
    return this.#aggregate('max', field, reduce);
  }

  /** The record with the smallest value of a field so far; of equal ones the first. */
  minBy(field: OrderedField<T>): SingleOutputStream<T> {
    const reduce = extremeBy<T>(field, (candidate, best) => candidate < best);
    return this.#aggregate('min-by', field, reduce);
  }

  /** The record with the largest value of a field so far; of equal ones the first. */
  maxBy(field: OrderedField<T>): SingleOutputStream<T> {
    const reduce = extremeBy<T>(field, (candidate, best) => candidate > best);
    return this.#aggregate('max-by', field, reduce);
  }

  /** The records handed on are those that came in, but for the one field. */
  #aggregate(type: string, field: FieldOf<T>, reduce: ReduceFunction<T>): SingleOutputStream<T> {
    return this.#fold({ type, name: 'Keyed Aggregation', reduce, data: field, fieldUse: { fields: [field], isPassedOn: true } });
  }

  #fold({ reduce, ...transformation }: Fold<T>): SingleOutputStream<T> {
    const keyOf = this.#keyOf as KeySelector<T>;
    const create = () => keyedReduceOperator(keyOf, reduce) as Operator;
    return this.transform({ ...transformation, written: reduce, method: 'reduce', isKeyed: true, create });
  }
}

interface Fold<T> {
  readonly type: string;
  readonly name: string;
  readonly reduce: ReduceFunction<T> | RichReduceFunction<T>;
  readonly data?: string;
  readonly fieldUse?: FieldUse;
}

streamMakers.keyed = (handle, keyOf) => new KeyedStream(handle, keyOf);
