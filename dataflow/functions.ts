/**
 * The functions users write, as the operators call them.
 *
 * F1  Every call for a record happens on the task's thread, one at a time; nothing here is asynchronous but `open` and
 *     `close`.
 * F2  A function may hand on results through the collector, or return an iterable of them. The loop pulls an iterable as
 *     output becomes available, so that one record may yield any number of results; the collector has a bound
 *     (`limits.overdraftBytesMax`).
 * F3  A setup function runs once a task, before the first record; what it closes over belongs to that task alone.
 */
import { MillraceError } from '../core/errors.js';
import type { Key } from '../core/keys.js';
import type { Logger } from '../core/ports.js';
import type { AggregatingState, ListState, MapState, ReducingState, StateOptions, ValueState } from '../storage/state/contracts.js';
import type { AccumulatorShortcuts } from './accumulators/accumulator.js';
import type { TaskInfo } from './contracts.js';
import type { MetricGroup } from './metrics.js';

/** Takes results. */
export interface Collector<T> {
  /** Hands one result on, with the timestamp of the record that is being processed. */
  collect(value: T): void;
}

/** What a function may return: results to be pulled, or nothing. */
export type Results<T> = Iterable<T> | void;

/**
 * What is asked of a function whose results are `Out`, beside its type: that they are no promises, which nothing would wait
 * for. Meant for an intersection: `MapFunction<In, Out> & Synchronous<Out>`.
 */
export type Synchronous<Out> = 0 extends 1 & Out
  ? unknown
  : [Extract<Out, PromiseLike<unknown>>] extends [never]
    ? unknown
    : { readonly 'functions on records are synchronous: fetch beforehand, or in open()': never };

/** Makes one record of another. */
export type MapFunction<In, Out> = (value: In) => Out;
/** Whether a record goes on. */
export type FilterFunction<T> = (value: T) => boolean;
/** Makes any number of records of one (F2). */
export type FlatMapFunction<In, Out> = (value: In, out: Collector<Out>) => Results<Out>;
/** Combines two values of one key; may return either argument, and may change `accumulated`. */
export type ReduceFunction<T> = (accumulated: T, value: T) => T;

/**
 * What functions that are objects have besides: `open` comes before the first record of the task, `close` after the last
 * one, also when the task fails. Make the object inside the builder: it then belongs to one task (F3).
 */
export interface RichFunction<Context extends RuntimeContext = RuntimeContext> {
  open?(context: Context): void | Promise<void>;
  close?(): void | Promise<void>;
}

/**
 * What functions that hold something outside of states, or talk to the world outside, may have besides. None of them is
 * called for a record: no key is current, and nothing can be handed on. What they throw fails the task.
 */
export interface CheckpointedFunction {
  /** The state of this task is about to be kept: now is the time to put into operator state what is held elsewhere. */
  snapshotState?(checkpointId: number): void | Promise<void>;
  /** The checkpoint is complete and will be restored if the job fails now. One that was skipped is covered by the next. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>;
  /** The checkpoint will never be complete; a later one may be. */
  notifyCheckpointAborted?(checkpointId: number): void | Promise<void>;
}

/** A function, or what makes one for a task (F3). */
export type FunctionSetup<Made, Context extends RuntimeContext = RuntimeContext> = Made | ((runtime: Context) => Made);

/** A {@link MapFunction} that is opened and closed, and knows of its task and of checkpoints. */
export interface RichMapFunction<In, Out> extends RichFunction, CheckpointedFunction {
  map(value: In): Out;
}

/** A {@link FilterFunction} that is opened and closed, and knows of its task and of checkpoints. */
export interface RichFilterFunction<T> extends RichFunction, CheckpointedFunction {
  filter(value: T): boolean;
}

/** A {@link FlatMapFunction} that is opened and closed, and knows of its task and of checkpoints. */
export interface RichFlatMapFunction<In, Out> extends RichFunction, CheckpointedFunction {
  flatMap(value: In, out: Collector<Out>): Results<Out>;
}

/** A {@link ReduceFunction} that is opened and closed, and knows of its task and of checkpoints. */
export interface RichReduceFunction<T> extends RichFunction, CheckpointedFunction {
  /** Combines two values of one key; may return either argument, and may change `accumulated`. */
  reduce(accumulated: T, value: T): T;
}

/**
 * Folds values of type `In` into an accumulator, and makes a result of that. `add` and `merge` may change the accumulator
 * they get and return it; `getResult` must not change it. `merge` is asked for where accumulators of several windows or
 * slices become one, and may take either apart.
 */
export interface AggregateFunction<In, Acc, Out> {
  createAccumulator(): Acc;
  add(value: In, accumulator: Acc): Acc;
  getResult(accumulator: Acc): Out;
  merge(left: Acc, right: Acc): Acc;
}

declare const tagged: unique symbol;

/** Names a side output and the type of its records. Made by `outputTag`. */
export interface OutputTag<T> {
  readonly id: string;
  readonly [tagged]?: (value: T) => T;
}

/**
 * Names a side output: `outputTag<Order>('late')`. The id is unique among the side outputs of an operator: use one tag, not two
 * with the same id, where records are written and where they are read.
 */
export function outputTag<T>(id: string): OutputTag<T> {
  if (id === '') {
    const hint = "Give it a name: outputTag('late').";
    throw new MillraceError('OUTPUT_TAG_INVALID', 'The id of an output tag is empty.', { domain: 'user', recovery: 'fail-job', hint });
  }
  return { id };
}

/** Who and where a function runs. Valid for the life of the task. */
export interface RuntimeContext extends AccumulatorShortcuts {
  readonly task: TaskInfo;
  readonly operatorName: string;
  readonly logger: Logger;
  readonly metrics: MetricGroup;
  /** State of this subtask, of no key: its elements are dealt out one by one when the parallelism changes. */
  operatorListState<T>(name: string): ListState<T>;
  /** State of this subtask, of no key: after a restart every subtask sees the elements of all. */
  unionListState<T>(name: string): ListState<T>;
  /** State that every subtask has a copy of, and changes in the same way. */
  broadcastState<K extends Key, V>(name: string): MapState<K, V>;
}

/** The states of the current key. A state is declared by asking for it; the same name again gives the same state. */
export interface KeyedStates {
  valueState<T>(name: string, options?: StateOptions<T>): ValueState<T>;
  listState<T>(name: string, options?: StateOptions<T>): ListState<T>;
  mapState<K extends Key, V>(name: string, options?: StateOptions<V>): MapState<K, V>;
  /** Reduces the values added to it to one. */
  reducingState<T>(name: string, reduce: (accumulated: T, value: T) => T, options?: StateOptions<T>): ReducingState<T>;
  /** Folds the values added to it into an accumulator; versions and `migrate` are of the accumulator. */
  aggregatingState<In, Acc, Out>(
    name: string,
    aggregate: AggregateFunction<In, Acc, Out>,
    options?: StateOptions<Acc>,
  ): AggregatingState<In, Out>;
}

/** Besides, the states of the current key. */
export interface KeyedRuntimeContext extends RuntimeContext, KeyedStates {}

/** What time it is for an operator. */
export interface TimeService {
  /** Milliseconds since 1970-01-01T00:00Z. Differs between runs: results that depend on it are not repeatable. */
  currentProcessingTime(): number;
  /** Event time up to which the operator has seen everything. */
  currentWatermark(): number;
}

/** Timers of the current key. The same time registered twice fires once. */
export interface TimerService extends TimeService {
  registerEventTimeTimer(time: number): void;
  deleteEventTimeTimer(time: number): void;
  registerProcessingTimeTimer(time: number): void;
  deleteProcessingTimeTimer(time: number): void;
}

/** Valid during the call it is handed to. */
export interface ProcessContext {
  /** Event time of the record; undefined when it has none. */
  timestamp(): number | undefined;
  readonly time: TimeService;
  /** Hands a record to a side output; without a listener it is dropped. */
  output<T>(tag: OutputTag<T>, value: T): void;
}

/** What a keyed process function sees of the record it is called for: its key besides, and the timers of that key. */
export interface KeyedProcessContext<K> extends ProcessContext {
  readonly time: TimerService;
  currentKey(): K;
}

/** What `onTimer` sees: the key the timer was registered for is the current one. */
export interface OnTimerContext<K> extends KeyedProcessContext<K> {
  readonly domain: 'event' | 'processing';
}

/** Processes records one by one, with side outputs. */
export interface ProcessFunction<In, Out> extends RichFunction, CheckpointedFunction {
  processElement(value: In, context: ProcessContext, out: Collector<Out>): Results<Out>;
  /**
   * No record will come any more, and every timer up to the last watermark has fired. Once in every attempt, but for one that
   * goes on after the end. What is handed on has no timestamp.
   */
  endInput?(out: Collector<Out>): Results<Out>;
  /** After `endInput`: the last chance to hand something on. */
  finish?(out: Collector<Out>): Results<Out>;
}

/** Processes the records of one key at a time, with state and timers. */
export interface KeyedProcessFunction<K, In, Out> extends RichFunction<KeyedRuntimeContext>, CheckpointedFunction {
  processElement(value: In, context: KeyedProcessContext<K>, out: Collector<Out>): Results<Out>;
  /** `time` is the one registered. Records handed on carry it as timestamp in event time, none in processing time. */
  onTimer?(time: number, context: OnTimerContext<K>, out: Collector<Out>): Results<Out>;
  /**
   * No record will come any more, and every timer up to the last watermark has fired. Once in every attempt, but for one that
   * goes on after the end. What is handed on has no timestamp; there is no key, so no state of one.
   */
  endInput?(out: Collector<Out>): Results<Out>;
}

/**
 * What functions that hold something outside of states, or talk to the world outside, may have besides. None of them is
 * called for a record: no key is current, and nothing can be handed on. What they throw fails the task.
 */
export interface CheckpointedFunction {
  /** The state of this task is about to be kept: now is the time to put into operator state what is held elsewhere. */
  snapshotState?(checkpointId: number): void | Promise<void>;
  /** The checkpoint is complete and will be restored if the job fails now. One that was skipped is covered by the next. */
  notifyCheckpointComplete?(checkpointId: number): void | Promise<void>;
  /** The checkpoint will never be complete; a later one may be. */
  notifyCheckpointAborted?(checkpointId: number): void | Promise<void>;
}

/** A function, or what makes one for a task (F3). */
export type ProcessSetup<In, Out> = FunctionSetup<ProcessFunction<In, Out>>;
export type KeyedProcessSetup<K, In, Out> = FunctionSetup<KeyedProcessFunction<K, In, Out>, KeyedRuntimeContext>;
