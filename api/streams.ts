/**
 * Streams as a builder sees them: every call adds an operator to the graph and returns the stream of its results.
 *
 * DS1  Nothing runs here; functions are kept for the slots. Types flow from source to sink without a cast.
 * DS2  A stream may be used any number of times; every use reads all of its records.
 */
import type { Key } from '../core/keys.js';
import type { KeySelector, Operator, Sink } from '../dataflow/contracts.js';
import type {
  FilterFunction,
  FlatMapFunction,
  KeyedProcessSetup,
  MapFunction,
  OutputTag,
  ProcessSetup,
  ReduceFunction,
  Synchronous,
} from '../dataflow/functions.js';
import { collectOperator } from '../dataflow/operators/collect.js';
import { filterOperator } from '../dataflow/operators/filter.js';
import { flatMapOperator } from '../dataflow/operators/flat-map.js';
import { keyedProcessOperator } from '../dataflow/operators/keyed-process.js';
import { keyedReduceOperator } from '../dataflow/operators/keyed-reduce.js';
import { mapOperator } from '../dataflow/operators/map.js';
import { printOperator } from '../dataflow/operators/print.js';
import { processOperator } from '../dataflow/operators/process.js';
import { fieldSelector, keyOfFields } from '../dataflow/records/pick-fields.js';
import { checkFields } from '../graph/field-names.js';
import type { CustomPartition, FieldUse, PartitionerKind } from '../graph/types.js';
import { extremeBy, extremeOf, sumOf, type NumericField, type OrderedField } from './aggregations.js';
import { DeclaredKeyedStream, DeclaredStream, type DeclaredStreamOptions } from './declared-fields.js';
import { keyFieldsUnknown, type FieldOf, type FieldsOf, type KeyFields, type KeyOfFields, type KnownKey } from './fields.js';
import type { GraphBuilder, NodeDraft, Origin } from './graph-builder.js';
import { NodeSettings } from './node-settings.js';
import { assertSynchronous, type Transformation } from './transformation.js';

/** Records of one type. */
export class DataStream<T> {
  protected readonly builder: GraphBuilder;
  protected readonly origins: readonly Origin[];
  /** Keeps streams of different types apart, though no record is ever held here. */
  declare protected readonly recordType: T;

  constructor(builder: GraphBuilder, origins: readonly Origin[]) {
    this.builder = builder;
    this.origins = origins;
  }

  /** One result for every record. */
  map<Out>(map: MapFunction<T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.transform({ type: 'map', name: 'Map', written: map, create: () => mapOperator(map) as Operator });
  }

  /** The records for which the function says true; a type guard narrows the type. */
  filter<Narrowed extends T>(isWanted: (value: T) => value is Narrowed): SingleOutputStream<Narrowed>;
  filter(isWanted: FilterFunction<T>): SingleOutputStream<T>;
  filter(isWanted: FilterFunction<T>): SingleOutputStream<T> {
    return this.transform({ type: 'filter', name: 'Filter', written: isWanted, create: () => filterOperator(isWanted) as Operator });
  }

  /**
   * Any number of results for every record: returned as an iterable (an array, or a generator for many), or handed to
   * the collector (then name the type: `flatMap<Word>((line, out) => …)`).
   */
  flatMap<Out>(flatMap: FlatMapFunction<T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.transform({ type: 'flat-map', name: 'Flat Map', written: flatMap, create: () => flatMapOperator(flatMap) as Operator });
  }

  /** A function with side outputs and a last word, or what makes one for each subtask. */
  process<Out>(setup: ProcessSetup<T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    return this.transform({ type: 'process', name: 'Process', written: setup, create: () => processOperator(setup) as Operator });
  }

  /**
   * The records with these fields only, in this order. Where they come over a channel, the others do not travel. Of an
   * instance of a class it makes a plain object.
   */
  select<const Fields extends FieldsOf<T>>(...fields: Fields): SingleOutputStream<Pick<T, Fields[number]>> {
    const create = () => mapOperator(fieldSelector(fields) as MapFunction<unknown, unknown>) as Operator;
    return this.transform({ type: 'select', name: 'Select', written: create, create, fieldUse: { fields, isPassedOn: false } });
  }

  /**
   * Says which fields the next function looks at: `stream.uses('a', 'b').filter(({ a, b }) => a > b)`. It gets records with
   * these fields only; what no other function uses does not travel either.
   */
  uses<const Fields extends FieldsOf<T>>(...fields: Fields): DeclaredStream<T, Fields[number]> {
    checkFields(fields, 'uses');
    return new DeclaredStream<T, Fields[number]>(this.declared(fields));
  }

  /**
   * Records with the same key meet in the same subtask, where state belongs to the key: the value of a field, a tuple of
   * several (`keyBy('a', 'b')`), or what a pure function makes of the record.
   */
  keyBy<const Fields extends KeyFields<T>>(...fields: Fields): KeyedStream<KeyOfFields<T, Fields>, T, Fields[number]>;
  keyBy<const K extends Key>(keyOf: (value: T) => K): KeyedStream<K, T>;
  keyBy(first: string | ((value: T) => Key), ...others: readonly string[]): KeyedStream<Key, T, FieldOf<T>> {
    if (typeof first !== 'string') return this.#keyedBy(first, first);
    const fields = [first, ...others];
    const keyOf = keyOfFields(fields);
    return this.#keyedBy(keyOf, keyOf, fields as FieldOf<T>[]);
  }

  /** All records of this stream and the others; their order against each other is not defined. */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    return new DataStream<T>(this.builder, [...this.origins, ...others.flatMap((other) => other.origins)]);
  }

  /** Each record stays in its subtask; refused when the parallelism changes. */
  forward(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('FORWARD'));
  }

  /** Records go to all subtasks in turn. */
  rebalance(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('REBALANCE'));
  }

  /**
   * Like `rebalance`, but each subtask shares its records out among a few neighbours only: from two to four subtasks, each
   * feeds two. Cheaper, and even only where the records come evenly.
   */
  rescale(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('RESCALE'));
  }

  /** Each record goes to a subtask drawn at random. */
  shuffle(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('SHUFFLE'));
  }

  /** Every record goes to the first subtask, which then is as fast as one subtask is. */
  global(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('GLOBAL'));
  }

  /**
   * Each record goes where `partition` says (Flink has its arguments the other way round): a whole number from 0 to `subtasks - 1`, anything else fails the job. The stream
   * is not keyed: there is no state of a key behind it.
   */
  partitionCustom<const K extends Key>(keyOf: (value: T) => K, partition: (key: NoInfer<K>, subtasks: number) => number): DataStream<T> {
    assertSynchronous(partition, 'partitionCustom');
    assertSynchronous(keyOf, 'partitionCustom');
    const origins = this.partitioned('CUSTOM', keyOf as KeySelector);
    return new DataStream<T>(
      this.builder,
      origins.map((origin) => ({ ...origin, customPartition: partition as CustomPartition })),
    );
  }

  /** Every record goes to every subtask. */
  broadcast(): DataStream<T> {
    return new DataStream<T>(this.builder, this.partitioned('BROADCAST'));
  }

  /**
   * Shows the records to the people who run the process, each as a line; after a failure some are shown again.
   * `label` begins each line.
   */
  print(label?: string): StreamSink {
    return this.sinkTo({ name: 'Print to Std. Out', data: label ?? null, createWriter: () => printOperator<T>(label) });
  }

  /** Hands the records to the result of the job under `name`, each exactly once. For small results of bounded jobs. */
  collect(name = 'collected'): StreamSink {
    return this.sinkTo({ name: `Collect ${name}`, data: name, createWriter: () => collectOperator<T>(name) });
  }

  /** Ends the stream in a sink. */
  sinkTo(sink: Sink<T>): StreamSink {
    const factory = { kind: 'operator', create: () => sink.createWriter() as Operator } as const;
    return new StreamSink(
      this.builder,
      this.builder.add({ kind: 'sink', type: 'sink', name: `Sink: ${sink.name}`, data: sink.data, inputs: this.origins, factory }),
    );
  }

  protected declared<F extends FieldOf<T>>(fields: readonly F[]): DeclaredStreamOptions<T, F> {
    return {
      fields,
      transform: (transformation) => this.transform(transformation),
      keyBy: (keyOf, written) => this.#keyedBy(keyOf, written, fields),
    };
  }

  protected transform<Out>({ written, create, ...node }: Transformation): SingleOutputStream<Out> {
    assertSynchronous(written, node.type);
    return new SingleOutputStream<Out>(
      this.builder,
      this.builder.add({ kind: 'operator', ...node, inputs: this.origins, factory: { kind: 'operator', create } }),
    );
  }

  /** Without `fields` the key may look at any. */
  #keyedBy<K extends Key, F extends FieldOf<T>>(keyOf: (value: T) => K, written: unknown, fields?: readonly F[]): KeyedStream<K, T, F> {
    assertSynchronous(written, 'keyBy', 'Pass the name of a field, or a function that makes the key.');
    return new KeyedStream<K, T, F>(this.builder, this.partitioned('HASH', keyOf as KeySelector, fields), keyOf);
  }

  private partitioned(partitioner: PartitionerKind, keySelector?: KeySelector, keyFields?: readonly string[]): readonly Origin[] {
    return this.origins.map((origin) => ({ ...origin, partitioner, keySelector, keyFields }));
  }
}

/** The results of one operator, whose settings can be made here. Every setter returns the same stream. */
export class SingleOutputStream<T> extends DataStream<T> {
  readonly #node: NodeDraft;
  readonly #settings: NodeSettings;

  constructor(builder: GraphBuilder, node: NodeDraft) {
    super(builder, [{ node, partitioner: undefined, sideOutput: undefined, keySelector: undefined }]);
    this.#node = node;
    this.#settings = new NodeSettings(builder, node);
  }

  /** Shown in plans, logs and errors; unique in the job. Without a uid, state belongs to it. */
  name(name: string): this {
    this.#settings.name(name);
    return this;
  }

  /** What state belongs to, for the life of the job; unique in the job. */
  uid(uid: string): this {
    this.#settings.uid(uid);
    return this;
  }

  setParallelism(parallelism: number): this {
    this.#settings.parallelism(parallelism);
    return this;
  }

  /** Key groups; fixed once there is state. */
  setMaxParallelism(maxParallelism: number): this {
    this.#settings.maxParallelism(maxParallelism);
    return this;
  }

  /** The operator begins a chain: it is not called by the one before it directly. */
  startNewChain(): this {
    this.#settings.chaining('HEAD');
    return this;
  }

  /** The operator runs in a task of its own. */
  disableChaining(): this {
    this.#settings.chaining('NEVER');
    return this;
  }

  /** Operators of different groups never share a slot. */
  slotSharingGroup(group: string): this {
    this.#settings.slotSharingGroup(group);
    return this;
  }

  /** What the operator handed to this tag. A tag it never uses gives an empty stream. */
  getSideOutput<S>(tag: OutputTag<S>): DataStream<S> {
    return new DataStream<S>(this.builder, [{ node: this.#node, partitioner: undefined, sideOutput: tag.id, keySelector: undefined }]);
  }
}

/** Records that meet by key: state and timers belong to the key. `F` are the fields that the key is made of; never: not known. */
export class KeyedStream<K extends Key, T, F extends FieldOf<T> = never> extends DataStream<T> {
  readonly #keyOf: (value: T) => K;

  constructor(builder: GraphBuilder, origins: readonly Origin[], keyOf: (value: T) => K) {
    super(builder, origins);
    this.#keyOf = keyOf;
  }

  /** A function with state and timers of the record's key, or what makes one for each subtask. */
  override process<Out>(setup: KeyedProcessSetup<K, T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const keyOf = this.#keyOf;
    return this.transform({
      type: 'keyed-process',
      name: 'Keyed Process',
      written: setup,
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
    const keyFields = this.origins[0]?.keyFields as readonly F[] | undefined;
    if (keyFields === undefined) throw keyFieldsUnknown();
    return new DeclaredKeyedStream<K, T, F | Fields[number]>({
      ...this.declared([...new Set([...keyFields, ...(fields as Fields)])]),
      keyOf: this.#keyOf,
    });
  }

  /** Folds the records of each key into one; every record hands on the new value. */
  reduce(reduce: ReduceFunction<T>): SingleOutputStream<T> {
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
    return this.transform({ ...transformation, written: reduce, isKeyed: true, create });
  }
}

interface Fold<T> {
  readonly type: string;
  readonly name: string;
  readonly reduce: ReduceFunction<T>;
  readonly data?: string;
  readonly fieldUse?: FieldUse;
}

/** The end of a stream, whose settings can be made here. */
export class StreamSink {
  readonly #settings: NodeSettings;

  constructor(builder: GraphBuilder, node: NodeDraft) {
    this.#settings = new NodeSettings(builder, node);
  }

  /** Shown in plans, logs and errors; unique in the job. Without a uid, pending transactions belong to it. */
  name(name: string): this {
    this.#settings.name(name);
    return this;
  }

  /** What pending transactions belong to, for the life of the job; unique in the job. */
  uid(uid: string): this {
    this.#settings.uid(uid);
    return this;
  }

  setParallelism(parallelism: number): this {
    this.#settings.parallelism(parallelism);
    return this;
  }

  /** The sink runs in a task of its own. */
  disableChaining(): this {
    this.#settings.chaining('NEVER');
    return this;
  }

  /** Operators of different groups never share a slot. */
  slotSharingGroup(group: string): this {
    this.#settings.slotSharingGroup(group);
    return this;
  }
}
