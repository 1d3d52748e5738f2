import { MillraceError } from '../../../core/errors.js';
import type { Window } from '../window.js';
import type { Trigger } from './trigger.js';

/** How far a record is from another. */
export type DeltaFunction<T> = (from: T, to: T) => number;

/** Fires when a record is further than `threshold` from the one that fired last (at first: from the first one). */
function deltaTrigger<T>(threshold: number, delta: DeltaFunction<T>): Trigger<T, Window> {
  checkThreshold(threshold, 'DeltaTrigger');
  return {
    onElement: (value, _timestamp, _window, context) => {
      const last = context.valueState<T>('last');
      const from = last.value();
      if (from !== undefined && !(delta(from, value) > threshold)) return 'CONTINUE';
      last.update(value);
      return from === undefined ? 'CONTINUE' : 'FIRE';
    },
    onEventTime: () => 'CONTINUE',
    onProcessingTime: () => 'CONTINUE',
    clear: (_window, context) => context.valueState<T>('last').clear(),
  };
}

/** `DeltaTrigger.of(10, (from, to) => to.metres - from.metres)`. */
export const DeltaTrigger = { of: deltaTrigger } as const;

/** Refuses what is not a number. */
export function checkThreshold(threshold: number, where: string): void {
  if (typeof threshold === 'number' && !Number.isNaN(threshold)) return;
  throw new MillraceError('WINDOW_AMOUNT_INVALID', `${where}: the threshold cannot be ${String(threshold)}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Use a number.',
  });
}
