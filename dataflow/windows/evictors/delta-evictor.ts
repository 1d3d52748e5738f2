import { checkThreshold, type DeltaFunction } from '../triggers/delta-trigger.js';
import type { Window } from '../window.js';
import { evictorOf, type Evictor, type EvictorOptions, type TimestampedValue } from './evictor.js';

/** Keeps the records that are less than `threshold` from the last one. */
function deltaEvictor<T>(threshold: number, delta: DeltaFunction<T>, options: EvictorOptions = {}): Evictor<T, Window> {
  checkThreshold(threshold, 'DeltaEvictor');
  return evictorOf<T>((elements) => {
    const last = elements.at(-1) as TimestampedValue<T>;
    // A distance that is no number takes nothing away.
    return elements.filter(({ value }) => !(delta(value, last.value) >= threshold));
  }, options);
}

/** `DeltaEvictor.of(10, (from, to) => to.metres - from.metres)`. */
export const DeltaEvictor = { of: deltaEvictor } as const;
