import type { Operator } from '../contracts.js';
import type { FilterFunction } from '../functions.js';

/** Hands on the records for which `isWanted` says true. */
export function filterOperator<T>(isWanted: FilterFunction<T>): Operator<T, T> {
  return {
    bind: (out) => (value, timestamp) => {
      if (isWanted(value)) out(value, timestamp);
    },
  };
}
