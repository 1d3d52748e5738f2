/**
 * The functions users write for windows.
 *
 * WF1  A window function is called each time the window fires, with what the window holds then: all of it, not only what is
 *      new since the last time.
 * WF2  Its results have the last time of the window as timestamp.
 */
import type { Key } from '../../core/keys.js';
import type { ListState, MapState, ValueState } from '../../storage/state/contracts.js';
import type { Collector, OutputTag, Results, RuntimeContext } from '../functions.js';
import type { Window } from './window.js';

/** States by name. A state is declared by asking for it; the same name again gives the same state. */
export interface WindowStates {
  valueState<T>(name: string): ValueState<T>;
  listState<T>(name: string): ListState<T>;
  mapState<K extends Key, V>(name: string): MapState<K, V>;
}

/** Valid during the call it is handed to. */
export interface WindowContext<out W extends Window> {
  readonly window: W;
  currentWatermark(): number;
  currentProcessingTime(): number;
  /** States of the key and this window; they go with the window. Not for session windows, which become other windows. */
  windowState(): WindowStates;
  /** States of the key, for all its windows; nothing drops them. */
  globalState(): WindowStates;
  /** Hands a record to a side output, with the last time of the window; without a listener it is dropped. */
  output<S>(tag: OutputTag<S>, value: S): void;
}

/** Makes results of a window. Without keys (`windowAll`) the key is null. */
export interface ProcessWindowFunction<In, Out, K, W extends Window> {
  open?(context: RuntimeContext): void | Promise<void>;
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
