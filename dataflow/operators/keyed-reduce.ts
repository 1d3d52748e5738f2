import { keyGroupOf } from '../../graph/key-groups.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import type { KeySelector, Operator } from '../contracts.js';
import type { ReduceFunction } from '../functions.js';
import { keyedStateOf } from './runtime-context.js';
import { failFunction } from './user-error.js';

/** Folds the records of each key into one, and hands on every intermediate value. State: one value a key. */
export function keyedReduceOperator<T>(keyOf: KeySelector<T>, reduce: ReduceFunction<T>): Operator<T, T> {
  let keyed: KeyedStateBackend;
  let accumulated: ValueState<T>;
  return {
    bind: (out, context) => {
      const { operatorName, task } = context;
      return (value, timestamp) => {
        let after: T;
        try {
          const key = keyOf(value);
          keyed.setCurrentKey(key, keyGroupOf(key, task.maxParallelism));
          const before = accumulated.value();
          after = before === undefined ? value : reduce(before, value);
          accumulated.update(after);
        } catch (error) {
          failFunction(operatorName, error);
        }
        out(after, timestamp);
      };
    },
    open: (context) => {
      keyed = keyedStateOf(context);
      accumulated = keyed.valueState('accumulated');
    },
  };
}
