/**
 * Functions on a stream and a broadcast one: what the broadcast records say is kept in state that every subtask has a
 * copy of (see ./functions.ts for what holds of all functions).
 *
 * BF1  Every subtask gets every broadcast record. Only `processBroadcastElement` may change broadcast state, and must do
 *      so in the same way everywhere: by nothing but the record and the state.
 * BF2  The order between the two streams is not defined, and records of several broadcasting subtasks may come to two
 *      subtasks in different orders.
 * BF3  Every subtask keeps its copy in checkpoints; with another parallelism, new subtasks get the copy of a former one.
 */
import { MillraceError } from '../core/errors.js';
import type { Key } from '../core/keys.js';
import type { MapState } from '../storage/state/contracts.js';
import type {
  CheckpointedFunction,
  Collector,
  FunctionSetup,
  KeyedProcessContext,
  KeyedRuntimeContext,
  OnTimerContext,
  ProcessContext,
  Results,
  RichFunction,
} from './functions.js';

declare const described: unique symbol;

/** Names a broadcast state, with the types of its entries. Made by `mapStateDescriptor`. */
export interface MapStateDescriptor<K extends Key, V> {
  readonly name: string;
  readonly [described]?: (key: K, value: V) => readonly [K, V];
}

/** Names a broadcast state: `mapStateDescriptor<string, Rule>('rules')`. */
export function mapStateDescriptor<K extends Key, V>(name: string): MapStateDescriptor<K, V> {
  if (typeof name !== 'string' || name === '') {
    const hint = "Give it a name: mapStateDescriptor('rules').";
    throw new MillraceError('STATE_NAME_INVALID', 'The name of a broadcast state is empty.', {
      domain: 'user',
      recovery: 'fail-job',
      hint,
    });
  }
  return { name };
}

export type ReadOnlyMapState<K, V> = Pick<MapState<K, V>, 'get' | 'has' | 'entries' | 'keys' | 'values' | 'isEmpty'>;

/** Reads the broadcast states that were declared with `stream.broadcast(descriptor, …)`; others are refused. */
export interface ReadsBroadcastState {
  broadcastState<K extends Key, V>(descriptor: MapStateDescriptor<K, V>): ReadOnlyMapState<K, V>;
}

export type ReadOnlyBroadcastContext = ProcessContext & ReadsBroadcastState;
export type KeyedReadOnlyBroadcastContext<K> = KeyedProcessContext<K> & ReadsBroadcastState;
export type OnTimerBroadcastContext<K> = OnTimerContext<K> & ReadsBroadcastState;

/** What the broadcast side is called with: here the state may be changed. */
export interface BroadcastContext extends ProcessContext {
  broadcastState<K extends Key, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
}

/** Any state of a key: of one value, a list, a map. */
export interface KeyedState {
  clear(): void;
}

export interface KeyedBroadcastContext<K> extends BroadcastContext {
  /**
   * Calls `apply` for every key of this subtask for which the state, declared by this function, holds something. During the
   * call the key is the current one, for every state. Costs a pass over all entries. With a time to live, keys whose value
   * has expired may be among them: they read as nothing.
   */
  applyToKeyedState<S extends KeyedState>(state: S, apply: (key: K, state: S) => void): void;
}

/** Processes records in the light of what was broadcast. */
export interface BroadcastProcessFunction<In, Broadcast, Out> extends RichFunction, CheckpointedFunction {
  processElement(value: In, context: ReadOnlyBroadcastContext, out: Collector<Out>): Results<Out>;
  processBroadcastElement(value: Broadcast, context: BroadcastContext, out: Collector<Out>): Results<Out>;
  /**
   * The stream (1) or the broadcast one (2) has no record any more; the other may go on. Once for each in every
   * attempt, but for one that goes on after the end of both. What is handed on has no timestamp.
   */
  endInput?(input: 1 | 2, out: Collector<Out>): Results<Out>;
  /** Neither stream has another record: the last chance to hand something on. */
  finish?(out: Collector<Out>): Results<Out>;
}

/** Processes the records of one key at a time, with state and timers, in the light of what was broadcast. */
export interface KeyedBroadcastProcessFunction<K, In, Broadcast, Out> extends RichFunction<KeyedRuntimeContext>, CheckpointedFunction {
  processElement(value: In, context: KeyedReadOnlyBroadcastContext<K>, out: Collector<Out>): Results<Out>;
  processBroadcastElement(value: Broadcast, context: KeyedBroadcastContext<K>, out: Collector<Out>): Results<Out>;
  /** `time` is the one registered. Records handed on carry it as timestamp in event time, none in processing time. */
  onTimer?(time: number, context: OnTimerBroadcastContext<K>, out: Collector<Out>): Results<Out>;
  /**
   * The stream (1) or the broadcast one (2) has no record any more; the other may go on. Once for each in every
   * attempt, but for one that goes on after the end of both. What is handed on has no timestamp; there is no key, so no state of one.
   */
  endInput?(input: 1 | 2, out: Collector<Out>): Results<Out>;
}

/** A function, or what makes one for a task (F3). */
export type BroadcastProcessSetup<In, Broadcast, Out> = FunctionSetup<BroadcastProcessFunction<In, Broadcast, Out>>;
export type KeyedBroadcastProcessSetup<K, In, Broadcast, Out> = FunctionSetup<
  KeyedBroadcastProcessFunction<K, In, Broadcast, Out>,
  KeyedRuntimeContext
>;
