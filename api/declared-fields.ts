/**
 * Streams whose next function says which fields of a record it looks at.
 *
 * DF1  The function gets records with exactly these fields, chained or not; its types let it see no others.
 * DF2  The planner counts on it: where records come over a channel, what nobody looks at does not travel.
 */
import type { Key } from '../core/keys.js';
import type { KeySelector, Operator } from '../dataflow/contracts.js';
import type {
  FilterFunction,
  FlatMapFunction,
  KeyedProcessSetup,
  MapFunction,
  ProcessSetup,
  ReduceFunction,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
  RichReduceFunction,
  Synchronous,
} from '../dataflow/functions.js';
import { filterOperator } from '../dataflow/operators/filter.js';
import { flatMapOperator } from '../dataflow/operators/flat-map.js';
import { keyedProcessOperator } from '../dataflow/operators/keyed-process.js';
import { keyedReduceOperator } from '../dataflow/operators/keyed-reduce.js';
import { mapOperator } from '../dataflow/operators/map.js';
import { filterOnFields, flatMapOnFields, mapOnFields, onFields, processOnFields } from '../dataflow/operators/on-fields.js';
import { processOperator } from '../dataflow/operators/process.js';
import type { GlobalWindow } from '../dataflow/windows/window.js';
import type { FieldOf } from './fields.js';
import type { KeyedStream, SingleOutputStream } from './streams.js';
import type { StreamHandle } from './streams/stream-handle.js';
import type { Transformation } from './transformation.js';
import { GlobalWindows } from './windows/assigners.js';
import { countWindow } from './windows/count-window.js';
import type { AnyWindows, WindowOf } from './windows/window-settings.js';
import { windowed, type WindowedStream } from './windows/windowed-stream.js';

type Transform = <Out>(transformation: Transformation) => SingleOutputStream<Out>;

export interface DeclaredStreamOptions<T, F extends FieldOf<T>> {
  readonly fields: readonly F[];
  readonly transform: Transform;
  /** Partitions the stream by a function of whole records that looks at these fields. */
  readonly keyBy: <K extends Key>(keyOf: (value: T) => K, written: unknown) => KeyedStream<K, T, F>;
}

/** What `uses('a', 'b')` returns: the stream, for functions that look at these fields only. */
export class DeclaredStream<T, F extends FieldOf<T>> {
  readonly #options: DeclaredStreamOptions<T, F>;

  constructor(options: DeclaredStreamOptions<T, F>) {
    this.#options = options;
  }

  /** One result for every record. */
  map<Out>(map: (MapFunction<Pick<T, F>, Out> | RichMapFunction<Pick<T, F>, Out>) & Synchronous<Out>): SingleOutputStream<Out> {
    const { fields, transform } = this.#options;
    const create = () => mapOperator(mapOnFields<Pick<T, F>, Out>(fields, map)) as Operator;
    return transform({ type: 'map', name: 'Map', written: map, method: 'map', create, fieldUse: { fields, isPassedOn: false } });
  }

  /** The records for which the function says true; the whole records. */
  filter(isWanted: FilterFunction<Pick<T, F>> | RichFilterFunction<Pick<T, F>>): SingleOutputStream<T> {
    const { fields, transform } = this.#options;
    const create = () => filterOperator(filterOnFields(fields, isWanted)) as Operator;
    return transform({
      type: 'filter',
      name: 'Filter',
      written: isWanted,
      method: 'filter',
      create,
      fieldUse: { fields, isPassedOn: true },
    });
  }

  /** Any number of results for every record. */
  flatMap<Out>(
    flatMap: (FlatMapFunction<Pick<T, F>, Out> | RichFlatMapFunction<Pick<T, F>, Out>) & Synchronous<Out>,
  ): SingleOutputStream<Out> {
    const { fields, transform } = this.#options;
    const create = () => flatMapOperator(flatMapOnFields<Pick<T, F>, Out>(fields, flatMap)) as Operator;
    return transform({
      type: 'flat-map',
      name: 'Flat Map',
      written: flatMap,
      method: 'flatMap',
      create,
      fieldUse: { fields, isPassedOn: false },
    });
  }

  /** A function with side outputs and a last word, or what makes one for each subtask. */
  process<Out>(setup: ProcessSetup<Pick<T, F>, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const { fields, transform } = this.#options;
    const create = () => processOperator(processOnFields(fields, setup)) as Operator;
    return transform({
      type: 'process',
      name: 'Process',
      written: setup,
      method: 'processElement',
      create,
      fieldUse: { fields, isPassedOn: false },
    });
  }

  /** Records with the same key meet in the same subtask; the key is made of these fields. The function must be pure. */
  keyBy<const K extends Key>(keyOf: (value: Pick<T, F>) => K): KeyedStream<K, T, F> {
    const { fields, keyBy } = this.#options;
    return keyBy(onFields(fields, keyOf), keyOf);
  }
}

export interface DeclaredKeyedStreamOptions<K extends Key, T, F extends FieldOf<T>> extends DeclaredStreamOptions<T, F> {
  readonly handle: StreamHandle;
  readonly keyOf: (value: T) => K;
}

/**
 * What `uses('a', 'b')` returns behind a key: functions get these fields and those of the key. Records come to a keyed
 * operator over a channel, always, and with just these fields: nothing is left to pick (DF1).
 */
export class DeclaredKeyedStream<K extends Key, T, F extends FieldOf<T>> extends DeclaredStream<T, F> {
  readonly #options: DeclaredKeyedStreamOptions<K, T, F>;

  constructor(options: DeclaredKeyedStreamOptions<K, T, F>) {
    super(options);
    this.#options = options;
  }

  /** A function with state and timers of the record's key, or what makes one for each subtask. */
  override process<Out>(setup: KeyedProcessSetup<K, Pick<T, F>, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const { keyOf } = this.#options;
    const create = () => keyedProcessOperator(keyOf, setup as KeyedProcessSetup<K, T, Out>) as Operator;
    return this.#keyed({ type: 'keyed-process', name: 'Keyed Process', written: setup, method: 'processElement', create });
  }

  /** Folds the records of each key into one; every record hands on the new value. */
  reduce(reduce: ReduceFunction<Pick<T, F>> | RichReduceFunction<Pick<T, F>>): SingleOutputStream<Pick<T, F>> {
    const keyOf = this.#options.keyOf as KeySelector;
    const create = () => keyedReduceOperator(keyOf, reduce as ReduceFunction<unknown>) as Operator;
    return this.#keyed({ type: 'reduce', name: 'Keyed Reduce', written: reduce, method: 'reduce', create });
  }

  /**
   * Cuts the records of each key into windows. Whatever looks at them (triggers, evictors, functions) gets records with these
   * fields, and so does the side output of late ones.
   */
  window<const A extends AnyWindows<Pick<T, F>>>(assigner: A): WindowedStream<K, Pick<T, F>, WindowOf<A>> {
    const { handle, keyOf, fields } = this.#options;
    return windowed({ handle, keyOf: keyOf as (value: Pick<T, F>) => K, fields }, assigner);
  }

  /** Windows of `size` records of a key; see `countWindow` of keyed streams. */
  countWindow(size: number, slide?: number): WindowedStream<K, Pick<T, F>, GlobalWindow> {
    return countWindow(this.window(GlobalWindows.create()), size, slide);
  }

  #keyed<Out>(transformation: Transformation): SingleOutputStream<Out> {
    const { fields, transform } = this.#options;
    return transform({ ...transformation, isKeyed: true, fieldUse: { fields, isPassedOn: false } });
  }
}
