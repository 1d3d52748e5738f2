import type { Operator } from '../contracts.js';
import type { MapFunction, RichMapFunction } from '../functions.js';
import { lifeOf, richOf } from './rich-function.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

/** One result for every record. */
export function mapOperator<In, Out>(written: MapFunction<In, Out> | RichMapFunction<In, Out>): Operator<In, Out> {
  const rich = richOf<RichMapFunction<In, Out>>(written);
  const call = rich === undefined ? '$map(value)' : '$rich.map(value)';
  return {
    ...lifeOf(rich),
    stage: () => ({ code: `value = ${call};`, firstCode: `value = $first(${call});`, uses: { map: written, rich } }),
    bind: (out, { operatorName }) => {
      const map = typeof written === 'function' ? written : (value: In) => written.map(value);
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
