import type { Operator } from '../contracts.js';
import type { Collector, FlatMapFunction } from '../functions.js';
import { ResultPump } from './result-pump.js';

/** Any number of results for a record, collected or returned; all carry its timestamp. */
export function flatMapOperator<In, Out>(flatMap: FlatMapFunction<In, Out>): Operator<In, Out> {
  let pump: ResultPump<Out> | undefined;
  return {
    bind: (out, context) => {
      const results = new ResultPump(out, context);
      pump = results;
      let now = 0;
      const collector: Collector<Out> = { collect: (value) => out(value, now) };
      return (value, timestamp) => {
        now = timestamp;
        results.take(flatMap(value, collector), timestamp);
      };
    },
    close: () => pump?.close(),
  };
}
