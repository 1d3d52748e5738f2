import { noTimestamp } from '../../contracts.js';
import { checkAmount } from '../triggers/amounts.js';
import type { Window } from '../window.js';
import { evictorOf, type Evictor, type EvictorOptions } from './evictor.js';

/** Keeps the records that are less than `spanMs` older than the newest. Without timestamps it keeps all. */
export function timeEvictor(spanMs: number, options: EvictorOptions = {}): Evictor<unknown, Window> {
  checkAmount(spanMs, 'TimeEvictor', 'span');
  return evictorOf((elements) => {
    if (elements[0]?.timestamp === noTimestamp) return elements;
    const newest = elements.reduce((latest, { timestamp }) => Math.max(latest, timestamp), noTimestamp);
    return elements.filter(({ timestamp }) => timestamp > newest - spanMs);
  }, options);
}
