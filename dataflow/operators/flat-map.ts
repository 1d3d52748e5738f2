import { noTimestamp, type Operator } from '../contracts.js';
import type { FlatMapFunction } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import { ResultPump } from './result-pump.js';
import { failFunction } from './user-error.js';

/** Any number of results for a record, collected or returned; all carry its timestamp. */
export function flatMapOperator<In, Out>(flatMap: FlatMapFunction<In, Out>): Operator<In, Out> {
  let pump: ResultPump<In, Out> | undefined;
  return {
    bind: (out, context) => {
      const cell: ProcessCell = { now: noTimestamp };
      const collector = createCollector(out, cell);
      pump = new ResultPump<In, Out>({
        out,
        context,
        process: (...record) => process(...record),
        onResume: (timestamp) => void (cell.now = timestamp),
      });
      const process = createProcessCall({
        cell,
        pump,
        fail: (error) => failFunction(context.operatorName, error),
        process: (value) => flatMap(value, collector),
        code: 'flatMap(value, collector)',
        uses: { flatMap, collector },
      });
      return process;
    },
    close: () => pump?.close(),
  };
}
