/**
 * Streams as a builder sees them: every call adds an operator to the graph and returns the stream of its results.
 *
 * DS1  Nothing runs here; functions are kept for the slots. Types flow from source to sink without a cast.
 * DS2  A stream may be used any number of times; every use reads all of its records.
 */
import type { Key } from '../../core/keys.js';
import type { KeySelector, Operator, Sink } from '../../dataflow/contracts.js';
import type {
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  ProcessSetup,
  RichFilterFunction,
  RichFlatMapFunction,
  RichMapFunction,
  Synchronous,
} from '../../dataflow/functions.js';
import { collectOperator } from '../../dataflow/operators/collect.js';
import { filterOperator } from '../../dataflow/operators/filter.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import { printOperator } from '../../dataflow/operators/print.js';
import { processOperator } from '../../dataflow/operators/process.js';
import type { GlobalWindow } from '../../dataflow/windows/window.js';
import { fieldSelector, keyOfFields } from '../../dataflow/records/pick-fields.js';
import { checkFields } from '../../graph/field-names.js';
import type { CustomPartition, PartitionerKind } from '../../graph/types.js';
import { apiError } from '../api-error.js';
import { DeclaredStream, type DeclaredStreamOptions } from '../declared-fields.js';
import type { FieldOf, FieldsOf, KeyFields, KeyOfFields } from '../fields.js';
import { assertMethods, assertObject, assertSynchronous, type Transformation } from '../transformation.js';
import { GlobalWindows } from '../windows/assigners.js';
import { countWindow } from '../windows/count-window.js';
import { CoGroupedKeys, JoinedKeys, PairedStreams } from '../windows/joined-streams.js';
import type { AnyWindows, WindowOf } from '../windows/window-settings.js';
import { windowed, type WindowedStream } from '../windows/windowed-stream.js';
import { BroadcastConnectedStream, BroadcastStream, stateNamesOf, type BroadcastDescriptor } from './broadcast-stream.js';
import type { ConnectedStreams } from './connected-streams.js';
import { timestampsAndWatermarks, type WatermarkStrategy } from '../watermark-strategy.js';
import type { KeyedStream } from './keyed-stream.js';
import type { SingleOutputStream } from './single-output-stream.js';
import { addOperator, partitionedOrigins, streamMakers, type PartitionSettings, type StreamHandle } from './stream-handle.js';
import type { StreamSink } from './stream-sink.js';

let readHandle: (stream: DataStream<unknown>) => StreamHandle;

/** Where a stream comes from, for what adds operators to it from outside its class. */
export function handleOf<T>(stream: DataStream<T>): StreamHandle {
  return readHandle(stream as DataStream<unknown>);
}

/** Refuses what is no stream, or none of a kind, while the job is built. */
export function assertStream(stream: unknown, where: string, kind: abstract new (...parts: never[]) => unknown = DataStream): void {
  if (stream instanceof kind) return;
  const isKeyMissing = stream instanceof DataStream;
  const got = isKeyMissing ? 'a stream without a key' : stream === null ? 'null' : typeof stream;
  throw apiError('STREAM_MISSING', `${where} got ${got} instead of a ${isKeyMissing ? 'keyed ' : ''}stream.`, {
    where,
    hint: isKeyMissing ? "Put keyBy('field') or keyBy(record => key) before it." : 'Pass a stream of the same job.',
  });
}

/** Records of one type. */
export class DataStream<T> {
  static {
    readHandle = (stream) => stream.#handle;
  }

  readonly #handle: StreamHandle;
  /** Keeps streams of different types apart, though no record is ever held here. */
  declare protected readonly recordType: T;

  constructor(handle: StreamHandle) {
    this.#handle = handle;
  }

  /** One result for every record. */
  map<Out>(map: (MapFunction<T, Out> | RichMapFunction<T, Out>) & Synchronous<Out>): SingleOutputStream<Out> {
    return this.transform({ type: 'map', name: 'Map', written: map, method: 'map', create: () => mapOperator<T, Out>(map) as Operator });
  }

  /** The records for which the function says true; a type guard narrows the type. */
  filter<Narrowed extends T>(isWanted: (value: T) => value is Narrowed): SingleOutputStream<Narrowed>;
  filter(isWanted: FilterFunction<T> | RichFilterFunction<T>): SingleOutputStream<T>;
  filter(isWanted: FilterFunction<T> | RichFilterFunction<T>): SingleOutputStream<T> {
    const create = () => filterOperator(isWanted) as Operator;
    return this.transform({ type: 'filter', name: 'Filter', written: isWanted, method: 'filter', create });
  }

  /**
   * Any number of results for every record: returned as an iterable (an array, or a generator for many), or handed to
   * the collector (then name the type: `flatMap<Word>((line, out) => …)`).
   */
  flatMap<Out>(flatMap: (FlatMapFunction<T, Out> | RichFlatMapFunction<T, Out>) & Synchronous<Out>): SingleOutputStream<Out> {
    const create = () => flatMapOperator<T, Out>(flatMap) as Operator;
    return this.transform({ type: 'flat-map', name: 'Flat Map', written: flatMap, method: 'flatMap', create });
  }

  /** A function with side outputs and a last word, or what makes one for each subtask. */
  process<Out>(setup: ProcessSetup<T, Out> & Synchronous<Out>): SingleOutputStream<Out> {
    const create = () => processOperator(setup) as Operator;
    return this.transform({ type: 'process', name: 'Process', written: setup, method: 'processElement', create });
  }

  /**
   * Begins event time anew: records get the timestamps of the strategy, and its watermarks take the place of those that come
   * in, but for the last. Each subtask has one watermark for all it reads; `fromSource` knows the splits apart.
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): SingleOutputStream<T> {
    return this.transform(timestampsAndWatermarks(strategy));
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

  /** Pairs of records of this stream and another with the same key in the same window: `.where(…).equalTo(…).window(…).apply(…)`. */
  join<Other>(other: DataStream<Other>): PairedStreams<T, Other, JoinedKeys<T, Other>> {
    assertStream(other, 'join');
    return new PairedStreams(this, other, (left, right) => new JoinedKeys<T, Other>({ left: handleOf(left), right: handleOf(right) }));
  }

  /** The records of this stream and another by key and window, also those without a partner: as `join`. */
  coGroup<Other>(other: DataStream<Other>): PairedStreams<T, Other, CoGroupedKeys<T, Other>> {
    assertStream(other, 'coGroup');
    return new PairedStreams(this, other, (left, right) => new CoGroupedKeys<T, Other>({ left: handleOf(left), right: handleOf(right) }));
  }

  /**
   * Cuts all records into windows, whatever their keys: in one subtask. The functions of the windows get null as key.
   */
  windowAll<const A extends AnyWindows<T>>(assigner: A): WindowedStream<null, T, WindowOf<A>> {
    const { builder, origins } = this.#handle;
    const keyOf = (): null => null;
    const gathered = partitionedOrigins(origins, 'HASH', { keySelector: keyOf });
    return windowed({ handle: { builder, origins: gathered }, keyOf, isForAll: true }, assigner);
  }

  /** Windows of `size` records, whatever their keys; see `countWindow` of keyed streams. */
  countWindowAll(size: number, slide?: number): WindowedStream<null, T, GlobalWindow> {
    return countWindow(this.windowAll(GlobalWindows.create()), size, slide);
  }

  /** All records of this stream and the others; their order against each other is not defined. */
  union(...others: readonly DataStream<T>[]): DataStream<T> {
    for (const other of others) assertStream(other, 'union');
    const { builder, origins } = this.#handle;
    return new DataStream<T>({ builder, origins: [...origins, ...others.flatMap((other) => other.#handle.origins)] });
  }

  /** This stream and one that was broadcast with the states it is kept in, for a function that goes by them: `process`. */
  connect<Broadcast>(other: BroadcastStream<Broadcast>): BroadcastConnectedStream<T, Broadcast>;
  /**
   * This stream and another of any type, for functions that take the records of both and share what they remember:
   * `map`, `flatMap`, `process`. Their order against each other is not defined.
   */
  connect<Other>(other: DataStream<Other>): ConnectedStreams<T, Other>;
  connect<Other>(other: DataStream<Other> | BroadcastStream<Other>): ConnectedStreams<T, Other> | BroadcastConnectedStream<T, Other> {
    if (other instanceof BroadcastStream) return new BroadcastConnectedStream<T, Other>(this.#handle, other);
    assertStream(other, 'connect');
    return streamMakers.connected<T, Other>(this, other);
  }

  /** Each record stays in its subtask; refused when the parallelism changes. */
  forward(): DataStream<T> {
    return this.#partitioned('FORWARD');
  }

  /** Records go to all subtasks in turn. */
  rebalance(): DataStream<T> {
    return this.#partitioned('REBALANCE');
  }

  /**
   * Like `rebalance`, but each subtask shares its records out among a few neighbours only: from two to four subtasks, each
   * feeds two. Cheaper, and even only where the records come evenly.
   */
  rescale(): DataStream<T> {
    return this.#partitioned('RESCALE');
  }

  /** Each record goes to a subtask drawn at random. */
  shuffle(): DataStream<T> {
    return this.#partitioned('SHUFFLE');
  }

  /** Every record goes to the first subtask, which then is as fast as one subtask is. */
  global(): DataStream<T> {
    return this.#partitioned('GLOBAL');
  }

  /**
   * Each record goes where `partition` says (Flink has its arguments the other way round): a whole number from 0 to
   * `subtasks - 1`, anything else fails the job. The stream is not keyed: there is no state of a key behind it.
   */
  partitionCustom<const K extends Key>(keyOf: (value: T) => K, partition: (key: NoInfer<K>, subtasks: number) => number): DataStream<T> {
    assertSynchronous(partition, 'partitionCustom');
    assertSynchronous(keyOf, 'partitionCustom');
    return this.#partitioned('CUSTOM', { keySelector: keyOf as KeySelector, customPartition: partition as CustomPartition });
  }

  /** Every record goes to every subtask. */
  broadcast(): DataStream<T>;
  /**
   * The same, with the states that what the records say is kept in: for `connect`, where a function on the records of
   * another stream goes by them.
   */
  broadcast(...descriptors: readonly [BroadcastDescriptor, ...BroadcastDescriptor[]]): BroadcastStream<T>;
  broadcast(...descriptors: readonly BroadcastDescriptor[]): DataStream<T> | BroadcastStream<T> {
    const stream = this.#partitioned('BROADCAST');
    return descriptors.length === 0 ? stream : new BroadcastStream<T>(stream.#handle, stateNamesOf(descriptors));
  }

  /**
   * Shows the records to the people who run the process, each as a line; after a failure some are shown again.
   * `label` begins each line.
   */
  print(label?: string): StreamSink<T> {
    return this.sinkTo({ name: 'Print to Std. Out', data: label ?? null, createWriter: () => printOperator<T>(label) });
  }

  /** Hands the records to the result of the job under `name`, each exactly once. For small results of bounded jobs. */
  collect(name = 'collected'): StreamSink<T> {
    return this.sinkTo({ name: `Collect ${name}`, data: name, createWriter: () => collectOperator<T>(name) });
  }

  /** Ends the stream in a sink. */
  sinkTo(sink: Sink<T>): StreamSink<T> {
    assertObject(sink, 'sinkTo', 'Pass a sink such as fileSink(directory).');
    assertMethods(sink, 'sinkTo', ['createWriter']);
    const { builder, origins: inputs } = this.#handle;
    const factory = { kind: 'operator', create: () => sink.createWriter() as Operator } as const;
    return streamMakers.sink<T>(
      builder,
      builder.add({ kind: 'sink', type: 'sink', name: `Sink: ${sink.name}`, data: sink.data, inputs, factory }),
    );
  }

  protected declared<F extends FieldOf<T>>(fields: readonly F[]): DeclaredStreamOptions<T, F> {
    return {
      fields,
      transform: (transformation) => this.transform(transformation),
      keyBy: (keyOf, written) => this.#keyedBy(keyOf, written, fields),
    };
  }

  protected transform<Out>(transformation: Transformation): SingleOutputStream<Out> {
    return addOperator<Out>(this.#handle, transformation);
  }

  /** Without `fields` the key may look at any. */
  #keyedBy<K extends Key, F extends FieldOf<T>>(keyOf: (value: T) => K, written: unknown, fields?: readonly F[]): KeyedStream<K, T, F> {
    assertSynchronous(written, 'keyBy', 'Pass the name of a field, or a function that makes the key.');
    const { builder, origins } = this.#handle;
    const keyed = partitionedOrigins(origins, 'HASH', { keySelector: keyOf as KeySelector, keyFields: fields });
    return streamMakers.keyed<K, T, F>({ builder, origins: keyed }, keyOf);
  }

  #partitioned(partitioner: PartitionerKind, settings?: PartitionSettings): DataStream<T> {
    const { builder, origins } = this.#handle;
    return new DataStream<T>({ builder, origins: partitionedOrigins(origins, partitioner, settings) });
  }
}
