/**
 * Evictors take records out of a window, before or after its function is evaluated.
 *
 * EV1  With an evictor a window keeps every record, also where its function needs a single value; sliding windows keep one
 *      for each window. So evictors cost what slices save.
 * EV2  What is taken out is gone: later firings of the window do not see it.
 */
import type { Window } from '../window.js';

/** A record of a window. `timestamp` is event time in ms; `noTimestamp` where it has none. */
export interface TimestampedValue<out T> {
  readonly value: T;
  readonly timestamp: number;
}

/** What time it is for an evictor. */
export interface EvictorContext {
  currentWatermark(): number;
  currentProcessingTime(): number;
}

/** Each says which records stay; records are in the order they came. A part that is absent keeps all of them. */
export interface Evictor<in T = unknown, in W extends Window = Window> {
  evictBefore?<V extends T>(elements: readonly TimestampedValue<V>[], window: W, context: EvictorContext): readonly TimestampedValue<V>[];
  evictAfter?<V extends T>(elements: readonly TimestampedValue<V>[], window: W, context: EvictorContext): readonly TimestampedValue<V>[];
}

/** When an evictor does what it does. */
export interface EvictorOptions {
  /** After the window function; default: before. */
  readonly evictsAfter?: boolean;
}

type Eviction<T> = <V extends T>(elements: readonly TimestampedValue<V>[]) => readonly TimestampedValue<V>[];

export function evictorOf<T>(evict: Eviction<T>, { evictsAfter = false }: EvictorOptions): Evictor<T, Window> {
  return evictsAfter ? { evictAfter: evict } : { evictBefore: evict };
}
