import type { Key } from '../../core/keys.js';
import type { CoFlatMapFunction, CoMapFunction, CoProcessSetup, KeyedCoProcessSetup } from '../../dataflow/co-functions.js';
import type { Synchronous } from '../../dataflow/functions.js';
import { coFlatMapOperator, coMapOperator } from '../../dataflow/operators/co-map.js';
import { coProcessOperator, keyedCoProcessOperator, type KeysOfInputs } from '../../dataflow/operators/co-process.js';
import { checkFields } from '../../graph/field-names.js';
import { keyFieldsUnknown, type FieldsOf, type KeyBy, type KeyMadeBy, type MatchingKey } from '../fields.js';
import { assertMethods, type Transformation } from '../transformation.js';
import { handleOf, type DataStream } from './data-stream.js';
import type { KeyedStream } from './keyed-stream.js';
import type { SingleOutputStream } from './single-output-stream.js';
import { addOperator, streamMakers } from './stream-handle.js';

/** The fields that functions look at. */
interface FieldsOfInputs {
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** Two streams whose records come to the same functions, each by a method of its own. */
export class ConnectedStreams<T1, T2> {
  readonly #first: DataStream<T1>;
  readonly #second: DataStream<T2>;

  readonly #fields: FieldsOfInputs | undefined;

  constructor(first: DataStream<T1>, second: DataStream<T2>, fields?: FieldsOfInputs) {
    this.#first = first;
    this.#second = second;
    this.#fields = fields;
  }

  /**
   * Says which fields of either stream the next function looks at, beside those of the key: it gets records with these only,
   * and the others do not travel (an operator with two inputs always gets its records over a channel). Behind keys, they must
   * be such whose fields are known: `keyBy('field')`.
   */
  uses<const F1 extends FieldsOf<T1>, const F2 extends FieldsOf<T2>>(
    first: F1,
    second: F2,
  ): ConnectedStreams<Pick<T1, F1[number]>, Pick<T2, F2[number]>> {
    return new ConnectedStreams(this.#first, this.#second, checkedFields(first, second)) as never;
  }

  /** One result for every record: `map1` takes those of the first stream, `map2` those of the second. */
  map<Out1, Out2 = Out1>(functions: CoMapFunction<T1, T2, Out1, Out2> & Synchronous<Out1 | Out2>): SingleOutputStream<Out1 | Out2> {
    assertMethods(functions, 'co-map', ['map1', 'map2']);
    return this.transform({ type: 'co-map', name: 'Co-Map', written: functions, create: () => coMapOperator(functions) });
  }

  /** Any number of results for every record, by `flatMap1` and `flatMap2`: returned as an iterable, or collected. */
  flatMap<Out1, Out2 = Out1>(functions: CoFlatMapFunction<T1, T2, Out1, Out2> & Synchronous<Out1 | Out2>): SingleOutputStream<Out1 | Out2> {
    assertMethods(functions, 'co-flat-map', ['flatMap1', 'flatMap2']);
    const create = () => coFlatMapOperator(functions);
    return this.transform({ type: 'co-flat-map', name: 'Co-Flat Map', written: functions, create });
  }

  /** A function with side outputs and a last word, or what makes one for each subtask. */
  process<Out>(setup: CoProcessSetup<T1, T2, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    assertMethods(setup, 'co-process', ['processElement1', 'processElement2']);
    return this.transform({ type: 'co-process', name: 'Co-Process', written: setup, create: () => coProcessOperator(setup) });
  }

  /**
   * Records of both streams with the same key meet in the same subtask, where state belongs to the key: for each stream a
   * field, or a function that makes the key. Both keys must have the same type. (For keys of several fields:
   * `first.keyBy('a', 'b').connect(second.keyBy('c', 'd'))`.)
   */
  keyBy<const By1 extends KeyBy<T1>, const By2 extends KeyBy<T2>>(
    first: By1,
    second: By2 & MatchingKey<KeyMadeBy<T1, By1>, KeyMadeBy<T2, By2>>,
  ): KeyedConnectedStreams<KeyMadeBy<T1, By1> | KeyMadeBy<T2, By2>, T1, T2> {
    // One signature for fields and functions; that of the stream has one for each.
    const firstKeyed: KeyedStream<Key, T1> = this.#first.keyBy(first as never);
    const secondKeyed: KeyedStream<Key, T2> = this.#second.keyBy(second as never);
    const keyed = firstKeyed.connect(secondKeyed);
    const fields = this.#fields;
    return (fields === undefined ? keyed : keyed.uses(fields.first as never, fields.second as never)) as KeyedConnectedStreams<
      never,
      T1,
      T2
    >;
  }

  protected transform<Out>(transformation: Transformation): SingleOutputStream<Out> {
    const fields = this.#fields;
    const uses =
      fields === undefined
        ? {}
        : { fieldUse: { fields: fields.first, isPassedOn: false }, secondFieldUse: { fields: fields.second, isPassedOn: false } };
    return addOperator<Out>(handleOf(this.#first), { ...transformation, ...uses }, handleOf(this.#second));
  }
}

/** Two streams whose records meet by key: state and timers belong to the key, whichever stream a record is of. */
export class KeyedConnectedStreams<K extends Key, T1, T2> extends ConnectedStreams<T1, T2> {
  readonly #first: KeyedStream<K, T1>;
  readonly #second: KeyedStream<K, T2>;
  readonly #keyOf: KeysOfInputs<K, T1, T2>;

  constructor(first: KeyedStream<K, T1>, second: KeyedStream<K, T2>, keyOf: KeysOfInputs<K, T1, T2>, fields?: FieldsOfInputs) {
    super(first, second, fields);
    this.#first = first;
    this.#second = second;
    this.#keyOf = keyOf;
  }

  override uses<const F1 extends FieldsOf<T1>, const F2 extends FieldsOf<T2>>(
    first: F1,
    second: F2,
  ): KeyedConnectedStreams<K, Pick<T1, F1[number]>, Pick<T2, F2[number]>> {
    const handles = [handleOf(this.#first), handleOf(this.#second)];
    const isKnown = handles.every(({ origins }) => origins.every(({ keyFields }) => keyFields !== undefined));
    if (!isKnown) throw keyFieldsUnknown();
    return new KeyedConnectedStreams<K, T1, T2>(this.#first, this.#second, this.#keyOf, checkedFields(first, second)) as never;
  }

  /** A function with state and timers of the record's key, or what makes one for each subtask. */
  override process<Out>(setup: KeyedCoProcessSetup<K, T1, T2, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const keyOf = this.#keyOf;
    assertMethods(setup, 'keyed-co-process', ['processElement1', 'processElement2']);
    return this.transform({
      type: 'keyed-co-process',
      name: 'Keyed Co-Process',
      written: setup,
      isKeyed: true,
      create: () => keyedCoProcessOperator(keyOf, setup),
    });
  }
}

function checkedFields(first: readonly string[], second: readonly string[]): FieldsOfInputs {
  checkFields(first, 'uses');
  checkFields(second, 'uses');
  return { first, second };
}

streamMakers.connected = (first, second) => new ConnectedStreams(first, second);
