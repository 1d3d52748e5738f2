import { noTimestamp, type Operator } from '../contracts.js';
import type { FlatMapFunction } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import type { ResultPump } from './result-pump.js';

/** Any number of results for a record, collected or returned; all carry its timestamp. */
export function flatMapOperator<In, Out>(flatMap: FlatMapFunction<In, Out>): Operator<In, Out> {
  let pump: ResultPump<In, Out> | undefined;
  return {
    bind: (out, context) => {
      const cell: ProcessCell = { now: noTimestamp };
      const collector = createCollector(out, cell);
      const call = createProcessCall<In, Out>({
        cell,
        out,
        context,
        process: (value) => flatMap(value, collector),
        code: 'flatMap(value, collector)',
        uses: { flatMap, collector },
      });
      pump = call.pump;
      return call.accept;
    },
    close: () => pump?.close(),
  };
}
