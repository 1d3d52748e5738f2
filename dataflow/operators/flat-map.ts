import { noTimestamp, type Operator } from '../contracts.js';
import type { Collector, FlatMapFunction, Results } from '../functions.js';
import { ResultPump } from './result-pump.js';
import { failFunction } from './user-error.js';

/** Any number of results for a record, collected or returned; all carry its timestamp. */
export function flatMapOperator<In, Out>(flatMap: FlatMapFunction<In, Out>): Operator<In, Out> {
  let pump: ResultPump<In, Out> | undefined;
  return {
    bind: (out, context) => {
      const { operatorName } = context;
      let now = noTimestamp;
      const collector: Collector<Out> = { collect: (value) => void out(value, now) };
      const results = new ResultPump<In, Out>({
        out,
        context,
        process: (value, timestamp) => {
          now = timestamp;
          let returned: Results<Out>;
          try {
            returned = flatMap(value, collector);
          } catch (error) {
            failFunction(operatorName, error);
          }
          results.take(returned, timestamp);
        },
        onResume: (timestamp) => void (now = timestamp),
      });
      pump = results;
      return results.accept;
    },
    close: () => pump?.close(),
  };
}
