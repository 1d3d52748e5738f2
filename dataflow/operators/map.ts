import type { Operator } from '../contracts.js';
import type { MapFunction } from '../functions.js';
import { failFunction } from './user-error.js';

/** One result for every record. */
export function mapOperator<In, Out>(map: MapFunction<In, Out>): Operator<In, Out> {
  return {
    stage: () => ({ code: 'value = $map(value);', uses: { map } }),
    bind:
      (out, { operatorName }) =>
      (value, timestamp) => {
        let result: Out;
        try {
          result = map(value);
        } catch (error) {
          failFunction(operatorName, error);
        }
        out(result, timestamp);
      },
  };
}
