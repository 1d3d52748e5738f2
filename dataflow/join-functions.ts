/** Functions on pairs of records, as the operators call them (see ./functions.ts for what holds of all functions). */
import type { Collector, FunctionSetup, KeyedRuntimeContext, OutputTag, Results, RichFunction } from './functions.js';

/** Valid during the call it is handed to. Times are event time in ms. */
export interface ProcessJoinContext<K> {
  leftTimestamp(): number;
  rightTimestamp(): number;
  /** The later one of both, which the results carry. */
  timestamp(): number;
  currentKey(): K;
  /** Hands a record to a side output, with the timestamp of the pair; without a listener it is dropped. */
  output<T>(tag: OutputTag<T>, value: T): void;
}

/** Processes pairs of records with the same key. */
export interface ProcessJoinFunction<K, Left, Right, Out> extends RichFunction<KeyedRuntimeContext> {
  processElement(left: Left, right: Right, context: ProcessJoinContext<K>, out: Collector<Out>): Results<Out>;
}

/** A function, or what makes one for a task (F3). */
export type ProcessJoinSetup<K, Left, Right, Out> = FunctionSetup<ProcessJoinFunction<K, Left, Right, Out>, KeyedRuntimeContext>;
