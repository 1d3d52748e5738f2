import type { Operator } from '../contracts.js';
import type { FilterFunction } from '../functions.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

/** Hands on the records for which `isWanted` says true. */
export function filterOperator<T>(isWanted: FilterFunction<T>): Operator<T, T> {
  return {
    stage: () => ({
      code: 'if (!$isWanted(value)) return;',
      firstCode: 'if (!$first($isWanted(value))) return;',
      uses: { isWanted },
    }),
    bind: (out, { operatorName }) => {
      let isFirst = true;
      return (value, timestamp) => {
        let isKept: boolean;
        try {
          isKept = isWanted(value);
          if (isFirst) {
            synchronous(isKept);
            isFirst = false;
          }
        } catch (error) {
          failFunction(operatorName, error);
        }
        if (isKept) out(value, timestamp);
      };
    },
  };
}
