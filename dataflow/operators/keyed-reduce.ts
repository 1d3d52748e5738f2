import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { keptResult } from '../../storage/state/heap/kept-result.js';
import type { KeySelector, Operator } from '../contracts.js';
import type { ReduceFunction, RichReduceFunction } from '../functions.js';
import { lifeOf, richOf } from './rich-function.js';
import { keyedStateOf } from './runtime-context.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

/** Folds the records of each key into one, and hands on every intermediate value. State: one value a key. */
export function keyedReduceOperator<T>(keyOf: KeySelector<T>, written: ReduceFunction<T> | RichReduceFunction<T>): Operator<T, T> {
  const rich = richOf<RichReduceFunction<T>>(written);
  const life = lifeOf(rich);
  const state: { keyed?: KeyedStateBackend; accumulated?: ValueState<T> } = {};
  return {
    ...life,
    stage: () => {
      const call = rich === undefined ? '$reduce(before, value)' : '$rich.reduce(before, value)';
      const code = (reduced: string): string => `{
      const key = $keyOf(value);
      $state.keyed.setCurrentKey(key, keyHash === undefined ? $keyHashOf(key) : keyHash);
      const before = $state.accumulated.value();
      if (before !== undefined) {
        value = ${reduced};
        if (value === undefined) $kept(value);
      }
      $state.accumulated.update(value);
    }`;
      return {
        uses: { keyOf, reduce: written, rich, state, keyHashOf, kept: keptResult },
        code: code(call),
        firstCode: code(`$first(${call})`),
      };
    },
    bind: (out, { operatorName }) => {
      const reduce = typeof written === 'function' ? written : (before: T, value: T) => written.reduce(before, value);
      let isFirst = true;
      return (value, timestamp, keyHash) => {
        let after: T;
        try {
          const { keyed, accumulated } = state as Required<typeof state>;
          const key = keyOf(value);
          keyed.setCurrentKey(key, keyHash ?? keyHashOf(key));
          const before = accumulated.value();
          after = before === undefined ? value : reduce(before, value);
          if (before !== undefined) keptResult(after);
          if (isFirst && before !== undefined) {
            synchronous(after);
            isFirst = false;
          }
          accumulated.update(after);
        } catch (error) {
          failFunction(operatorName, error);
        }
        out(after, timestamp);
      };
    },
    open: (context) => {
      state.keyed = keyedStateOf(context);
      state.accumulated = state.keyed.valueState('accumulated');
      return life.open?.(context);
    },
  };
}
