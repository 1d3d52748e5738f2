import { checkAmount } from '../triggers/amounts.js';
import type { Window } from '../window.js';
import { evictorOf, type Evictor, type EvictorOptions } from './evictor.js';

/** Keeps the last `count` records. */
function countEvictor(count: number, options: EvictorOptions = {}): Evictor<unknown, Window> {
  checkAmount(count, 'CountEvictor', 'count');
  return evictorOf((elements) => (elements.length <= count ? elements : elements.slice(-count)), options);
}

/** `CountEvictor.of(100)`. */
export const CountEvictor = { of: countEvictor } as const;
