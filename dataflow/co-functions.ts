/**
 * Functions on two connected streams, as the operators call them: one method for each input (see ./functions.ts for what
 * holds of all functions).
 *
 * CF1  One record is processed at a time, whichever input it comes from; the order between the inputs is not defined.
 * CF2  Both methods see the same state. In a keyed function it belongs to the key of the record, made by the key function
 *      of its own input.
 * CF3  The watermark is the lower one of both inputs.
 */
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

/** One result for every record of either stream; the two may make results of different types. */
export interface CoMapFunction<In1, In2, Out1, Out2 = Out1> extends RichFunction, CheckpointedFunction {
  map1(value: In1): Out1;
  map2(value: In2): Out2;
}

/** Any number of results for every record of either stream: collected, or returned as an iterable. */
export interface CoFlatMapFunction<In1, In2, Out1, Out2 = Out1> extends RichFunction, CheckpointedFunction {
  flatMap1(value: In1, out: Collector<Out1>): Results<Out1>;
  flatMap2(value: In2, out: Collector<Out2>): Results<Out2>;
}

/** Processes the records of both streams one by one, with side outputs. */
export interface CoProcessFunction<In1, In2, Out> extends RichFunction, CheckpointedFunction {
  processElement1(value: In1, context: ProcessContext, out: Collector<Out>): Results<Out>;
  processElement2(value: In2, context: ProcessContext, out: Collector<Out>): Results<Out>;
  /**
   * One of the streams has no record any more: its last one was processed, the other stream may go on. Once for each in every
   * attempt, but for one that goes on after the end of both. What is handed on has no timestamp.
   */
  endInput?(input: 1 | 2, out: Collector<Out>): Results<Out>;
  /** Neither stream has another record: the last chance to hand something on. */
  finish?(out: Collector<Out>): Results<Out>;
}

/** Processes the records of one key of both streams, with state and timers. */
export interface KeyedCoProcessFunction<K, In1, In2, Out> extends RichFunction<KeyedRuntimeContext>, CheckpointedFunction {
  processElement1(value: In1, context: KeyedProcessContext<K>, out: Collector<Out>): Results<Out>;
  processElement2(value: In2, context: KeyedProcessContext<K>, out: Collector<Out>): Results<Out>;
  /** `time` is the one registered. Records handed on carry it as timestamp in event time, none in processing time. */
  onTimer?(time: number, context: OnTimerContext<K>, out: Collector<Out>): Results<Out>;
  /**
   * One of the streams has no record any more: its last one was processed, the other stream may go on. Once for each in every
   * attempt, but for one that goes on after the end of both. What is handed on has no timestamp; there is no key, so no state of one.
   */
  endInput?(input: 1 | 2, out: Collector<Out>): Results<Out>;
}

/** A function, or what makes one for a task (F3). */
export type CoProcessSetup<In1, In2, Out> = FunctionSetup<CoProcessFunction<In1, In2, Out>>;
export type KeyedCoProcessSetup<K, In1, In2, Out> = FunctionSetup<KeyedCoProcessFunction<K, In1, In2, Out>, KeyedRuntimeContext>;
