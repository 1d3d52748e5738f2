/**
 * The functions users write for windows.
 *
 * WF1  A window function is called each time the window fires, with what the window holds then: all of it, not only what is
 *      new since the last time.
 * WF2  Its results have the last time of the window as timestamp.
 * WF3  States of the key are the same wherever they are asked for: in `open`, or of `globalState()`.
 */
import type { Key } from '../../core/keys.js';
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from '../../storage/state/contracts.js';
import type { AggregateFunction, Collector, KeyedRuntimeContext, KeyedStates, OutputTag, Results } from '../functions.js';
import type { Window } from './window.js';

/** States of one window. A state is declared by asking for it; the same name again gives the same state. */
export interface WindowStates {
  valueState<T>(name: string): ValueState<T>;
  listState<T>(name: string): ListState<T>;
  mapState<K extends Key, V>(name: string): MapState<K, V>;
  /** Reduces the values added to it to one. */
  reducingState<T>(name: string, reduce: (accumulated: T, value: T) => T): ReducingState<T>;
  /** Folds the values added to it into an accumulator. */
  aggregatingState<In, Acc, Out>(name: string, aggregate: AggregateFunction<In, Acc, Out>): AggregatingState<In, Out>;
}

/** Valid during the call it is handed to. */
export interface WindowContext<out W extends Window> {
  readonly window: W;
  currentWatermark(): number;
  currentProcessingTime(): number;
  /** States of the key and this window; they go with the window. Not for session windows, which become other windows. */
  windowState(): WindowStates;
  /** States of the key, for all its windows; nothing drops them but a time to live. */
  globalState(): KeyedStates;
  /** Hands a record to a side output, with the last time of the window; without a listener it is dropped. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

/** Makes results of a window. Without keys (`windowAll`) the key is null. */
export interface ProcessWindowFunction<In, Out, K, W extends Window> {
  /** Before the first record of the task. The states it asks for belong to the key for which the function is called. */
  open?(context: KeyedRuntimeContext): void | Promise<void>;
  process(key: K, context: WindowContext<W>, elements: readonly In[], out: Collector<Out>): Results<Out>;
  /** The window ended and its states are about to go. */
  clear?(key: K, context: WindowContext<W>): void;
  close?(): void | Promise<void>;
}

/** The same where only the call matters. */
export type ProcessWindow<In, Out, K, W extends Window> =
  ProcessWindowFunction<In, Out, K, W> | ProcessWindowFunction<In, Out, K, W>['process'];

/** Makes results of a window, knowing nothing but key and window. */
export type WindowFunction<In, Out, K, W extends Window> = (
  key: K,
  window: W,
  elements: readonly In[],
  out: Collector<Out>,
) => Results<Out>;

/** The same with what opens and closes it. */
export interface RichWindowFunction<In, Out, K, W extends Window> {
  /** As that of {@link ProcessWindowFunction}. */
  open?(context: KeyedRuntimeContext): void | Promise<void>;
  apply(key: K, window: W, elements: readonly In[], out: Collector<Out>): Results<Out>;
  close?(): void | Promise<void>;
}
