/** Sinks for tests. */
import type { Sink } from '../../dataflow/contracts.js';

/** Takes anything and drops it. */
export function nothing(): Sink<unknown> {
  return { name: 'nothing', data: null, createWriter: () => ({ bind: () => () => undefined }) };
}
