import type { Operator } from '../contracts.js';
import type { MapFunction } from '../functions.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

/** One result for every record. */
export function mapOperator<In, Out>(map: MapFunction<In, Out>): Operator<In, Out> {
  return {
    stage: () => ({ code: 'value = $map(value);', firstCode: 'value = $first($map(value));', uses: { map } }),
    bind: (out, { operatorName }) => {
      let isFirst = true;
      return (value, timestamp) => {
        let result: Out;
        try {
          result = map(value);
          if (isFirst) {
            synchronous(result);
            isFirst = false;
          }
        } catch (error) {
          failFunction(operatorName, error);
        }
        out(result, timestamp);
      };
    },
  };
}
