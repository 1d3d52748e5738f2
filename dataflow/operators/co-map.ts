import type { CoFlatMapFunction, CoMapFunction } from '../co-functions.js';
import type { Operator } from '../contracts.js';
import { flatMapOperator } from './flat-map.js';
import { mapOperator } from './map.js';
import { checkpointHooksOf } from './rich-function.js';
import { runtimeContextOf } from './runtime-context.js';

/** One result for every record of either input. */
export function coMapOperator<In1, In2, Out1, Out2>(functions: CoMapFunction<In1, In2, Out1, Out2>): Operator {
  const first = mapOperator((value) => functions.map1(value as In1));
  const second = mapOperator((value) => functions.map2(value as In2));
  return {
    ...checkpointHooksOf(() => functions),
    open: (context) => functions.open?.(runtimeContextOf(context)),
    bind: (out, context) => first.bind(out, context),
    bindSecond: (out, context) => second.bind(out, context),
    close: () => functions.close?.(),
  };
}

/** Any number of results for a record of either input; all carry its timestamp. */
export function coFlatMapOperator<In1, In2, Out1, Out2>(functions: CoFlatMapFunction<In1, In2, Out1, Out2>): Operator {
  const first = flatMapOperator((value, out) => functions.flatMap1(value as In1, out));
  const second = flatMapOperator((value, out) => functions.flatMap2(value as In2, out));
  return {
    ...checkpointHooksOf(() => functions),
    open: (context) => functions.open?.(runtimeContextOf(context)),
    bind: (out, context) => first.bind(out, context),
    bindSecond: (out, context) => second.bind(out, context),
    close: async () => {
      await first.close?.();
      await second.close?.();
      await functions.close?.();
    },
  };
}
