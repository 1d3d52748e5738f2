import { noTimestamp, type Operator } from '../contracts.js';
import type { FlatMapFunction, RichFlatMapFunction } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import type { ResultPump } from './result-pump.js';
import { lifeOf, richOf } from './rich-function.js';

/** Any number of results for a record, collected or returned; all carry its timestamp. */
export function flatMapOperator<In, Out>(written: FlatMapFunction<In, Out> | RichFlatMapFunction<In, Out>): Operator<In, Out> {
  const rich = richOf<RichFlatMapFunction<In, Out>>(written);
  const { close, ...life } = lifeOf(rich);
  let pump: ResultPump<In, Out> | undefined;
  return {
    ...life,
    bind: (out, context) => {
      const cell: ProcessCell = { now: noTimestamp };
      const collector = createCollector(out, cell);
      const flatMap = typeof written === 'function' ? written : (value: In) => written.flatMap(value, collector);
      const call = createProcessCall<In, Out>({
        cell,
        out,
        context,
        process: (value) => flatMap(value, collector),
        code: rich === undefined ? 'flatMap(value, collector)' : 'rich.flatMap(value, collector)',
        uses: { flatMap, rich, collector },
      });
      pump = call.pump;
      return call.accept;
    },
    close: () => {
      pump?.close();
      return close?.();
    },
  };
}
