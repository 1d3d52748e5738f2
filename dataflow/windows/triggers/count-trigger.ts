import type { Window } from '../window.js';
import { checkAmount } from './amounts.js';
import type { Trigger } from './trigger.js';

const add = (one: number, other: number): number => one + other;

/** Fires each time `count` more records were added to the window. */
function countTrigger(count: number): Trigger<unknown, Window> {
  checkAmount(count, 'CountTrigger', 'count');
  return {
    onElement: (_value, _timestamp, _window, context) => {
      const counted = context.foldedState('count', add);
      counted.add(1);
      if ((counted.get() ?? 0) < count) return 'CONTINUE';
      counted.clear();
      return 'FIRE';
    },
    onEventTime: () => 'CONTINUE',
    onProcessingTime: () => 'CONTINUE',
    onMerge: (_window, context) => context.mergeState('count', add),
    clear: (_window, context) => context.foldedState('count', add).clear(),
  };
}

/** `CountTrigger.of(100)`. */
export const CountTrigger = { of: countTrigger } as const;
