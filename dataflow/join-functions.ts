/** Functions on pairs of records, as the operators call them (see ./functions.ts for what holds of all functions). */
import type { Collector, KeyedRuntimeContext, OutputTag, Results } from './functions.js';

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
export interface ProcessJoinFunction<K, Left, Right, Out> {
  open?(context: KeyedRuntimeContext): void | Promise<void>;
  processElement(left: Left, right: Right, context: ProcessJoinContext<K>, out: Collector<Out>): Results<Out>;
  close?(): void | Promise<void>;
}

/** A function, or what makes one for a task (F3). */
export type ProcessJoinSetup<K, Left, Right, Out> =
  ProcessJoinFunction<K, Left, Right, Out> | ((runtime: KeyedRuntimeContext) => ProcessJoinFunction<K, Left, Right, Out>);
