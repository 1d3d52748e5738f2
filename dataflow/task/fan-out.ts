import type { Emit } from '../contracts.js';
import { copyRecord } from '../records/copy-record.js';

const drop: Emit<unknown> = () => {};

/** One emit for several takers (CW2); channels among them copy for themselves, which a second copy does not harm. */
export function fanOut(takers: readonly Emit<unknown>[], isObjectReuse: boolean): Emit<unknown> {
  const [first, ...others] = takers;
  if (first === undefined) return drop;
  if (others.length === 0) return first;
  return (value, timestamp) => {
    for (const taker of others) taker(isObjectReuse ? value : copyRecord(value), timestamp);
    first(value, timestamp);
  };
}
