import type { Window } from '../window.js';
import { checkAmount } from './amounts.js';
import { isFire, isPurge, type Trigger } from './trigger.js';

export interface ProcessingTimeout {
  readonly timeoutMs: number;
  /** The time-out begins anew with every record; default: with the first after a firing. */
  readonly isResetByRecords?: boolean;
  /** The state of the other trigger is dropped as well when time is out; the default. */
  readonly clearsOnTimeout?: boolean;
}

const state = 'timeout';

/** Fires when another trigger does, and when it has not for so long after a record came. */
export function processingTimeoutTrigger<T, W extends Window>(nested: Trigger<T, W>, options: ProcessingTimeout): Trigger<T, W> {
  const { timeoutMs, isResetByRecords = false, clearsOnTimeout = true } = options;
  checkAmount(timeoutMs, 'ProcessingTimeoutTrigger', 'timeout');
  const trigger: Trigger<T, W> = {
    onElement: (value, timestamp, window, context) => {
      const result = nested.onElement(value, timestamp, window, context);
      if (isFire(result)) {
        trigger.clear(window, context);
        return result;
      }
      const timeout = context.valueState<number>(state);
      const due = timeout.value();
      if (due !== undefined && !isResetByRecords) return result;
      if (due !== undefined) context.deleteProcessingTimeTimer(due);
      const next = context.currentProcessingTime() + timeoutMs;
      timeout.update(next);
      context.registerProcessingTimeTimer(next);
      return result;
    },
    onEventTime: (time, window, context) => {
      const result = nested.onEventTime(time, window, context);
      if (isFire(result) && clearsOnTimeout) trigger.clear(window, context);
      return result;
    },
    onProcessingTime: (time, window, context) => {
      const isDue = context.valueState<number>(state).value() === time;
      const result = nested.onProcessingTime(time, window, context);
      if (!isDue) return result;
      if (clearsOnTimeout) trigger.clear(window, context);
      else context.valueState<number>(state).clear();
      return isPurge(result) ? 'FIRE_AND_PURGE' : 'FIRE';
    },
    clear: (window, context) => {
      const timeout = context.valueState<number>(state);
      const due = timeout.value();
      if (due !== undefined) context.deleteProcessingTimeTimer(due);
      timeout.clear();
      nested.clear(window, context);
    },
  };
  return trigger;
}
