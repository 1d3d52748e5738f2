import { keyGroupOf } from '../../graph/key-groups.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import type { KeySelector, Operator } from '../contracts.js';
import type { ReduceFunction } from '../functions.js';
import { keyedStateOf } from './runtime-context.js';

/** Folds the records of each key into one, and hands on every intermediate value. State: one value a key. */
export function keyedReduceOperator<T>(keyOf: KeySelector<T>, reduce: ReduceFunction<T>): Operator<T, T> {
  let keyed: KeyedStateBackend;
  let accumulated: ValueState<T>;
  return {
    bind: (out, context) => {
      const maxParallelism = context.task.maxParallelism;
      return (value, timestamp) => {
        const key = keyOf(value);
        keyed.setCurrentKey(key, keyGroupOf(key, maxParallelism));
        const before = accumulated.value();
        const after = before === undefined ? value : reduce(before, value);
        accumulated.update(after);
        out(after, timestamp);
      };
    },
    open: (context) => {
      keyed = keyedStateOf(context);
      accumulated = keyed.valueState('accumulated');
    },
  };
}
