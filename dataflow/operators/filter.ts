import type { Operator } from '../contracts.js';
import type { FilterFunction, RichFilterFunction } from '../functions.js';
import { lifeOf, richOf } from './rich-function.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

/** Hands on the records for which the function says true. */
export function filterOperator<T>(written: FilterFunction<T> | RichFilterFunction<T>): Operator<T, T> {
  const rich = richOf<RichFilterFunction<T>>(written);
  const call = rich === undefined ? '$isWanted(value)' : '$rich.filter(value)';
  return {
    ...lifeOf(rich),
    stage: () => ({
      code: `if (!${call}) return;`,
      firstCode: `if (!$first(${call})) return;`,
      uses: { isWanted: written, rich },
    }),
    bind: (out, { operatorName }) => {
      const isWanted = typeof written === 'function' ? written : (value: T) => written.filter(value);
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
