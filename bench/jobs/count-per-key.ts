import type { KeyedProcessFunction, KeyedRuntimeContext } from 'millrace';
import type { Visit } from './keyed-functions.js';

/** Visits per page, in keyed state; hands on the new count with every record. */
export function countPerKey(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Visit, number> {
  const visits = runtime.valueState<number>('visits');
  return {
    processElement: (visit, _context, out) => {
      const known = (visits.value() ?? 0) + visit.visits;
      visits.update(known);
      out.collect(known);
    },
  };
}
