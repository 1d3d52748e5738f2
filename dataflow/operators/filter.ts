import type { Operator } from '../contracts.js';
import type { FilterFunction } from '../functions.js';
import { failFunction } from './user-error.js';

/** Hands on the records for which `isWanted` says true. */
export function filterOperator<T>(isWanted: FilterFunction<T>): Operator<T, T> {
  return {
    stage: () => ({ code: 'if (!$isWanted(value)) return;', uses: { isWanted } }),
    bind:
      (out, { operatorName }) =>
      (value, timestamp) => {
        let isKept: boolean;
        try {
          isKept = isWanted(value);
        } catch (error) {
          failFunction(operatorName, error);
        }
        if (isKept) out(value, timestamp);
      },
  };
}
