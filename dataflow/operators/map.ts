import type { Operator } from '../contracts.js';
import type { MapFunction } from '../functions.js';

/** One result for every record. */
export function mapOperator<In, Out>(map: MapFunction<In, Out>): Operator<In, Out> {
  return { bind: (out) => (value, timestamp) => out(map(value), timestamp) };
}
