/**
 * Triggers that fire again and again while a window lasts.
 *
 * CT1  The first firing after a record is at the next multiple of the interval; then one follows every interval, the last at
 *      the end of the window.
 * CT2  A window without an end (the global one) fires once more when the input has ended, not once for each interval left.
 */
import { MillraceError } from '../../../core/errors.js';
import { maxWatermark, noTimestamp } from '../../contracts.js';
import type { Window } from '../window.js';
import { checkAmount } from './amounts.js';
import type { Trigger, TriggerContext } from './trigger.js';

const state = 'next-firing';
const earlier = (one: number, other: number): number => Math.min(one, other);
const firing = (context: TriggerContext) => context.foldedState(state, earlier);

/** Notes the next firing after `time` (CT1). */
function scheduleAfter(time: number, intervalMs: number, window: Window, context: TriggerContext): number {
  const end = window.maxTimestamp();
  const next = end === maxWatermark && context.currentWatermark() === maxWatermark ? end : Math.min(time + intervalMs, end);
  firing(context).add(next);
  return next;
}

const intervalStart = (time: number, intervalMs: number): number => Math.floor(time / intervalMs) * intervalMs;

/** Fires every `intervalMs` of event time, at multiples of it, and at the end of the window. */
export function continuousEventTimeTrigger(intervalMs: number): Trigger<unknown, Window> {
  checkAmount(intervalMs, 'ContinuousEventTimeTrigger', 'interval');
  const schedule = (time: number, window: Window, context: TriggerContext): void =>
    context.registerEventTimeTimer(scheduleAfter(time, intervalMs, window, context));
  return {
    onElement: (_value, timestamp, window, context) => {
      if (timestamp === noTimestamp) throw timestampMissing();
      if (window.maxTimestamp() <= context.currentWatermark()) return 'FIRE';
      context.registerEventTimeTimer(window.maxTimestamp());
      if (firing(context).get() === undefined) schedule(intervalStart(timestamp, intervalMs), window, context);
      return 'CONTINUE';
    },
    onEventTime: (time, window, context) => {
      if (time === window.maxTimestamp()) return 'FIRE';
      if (firing(context).get() !== time) return 'CONTINUE';
      firing(context).clear();
      schedule(time, window, context);
      return 'FIRE';
    },
    onProcessingTime: () => 'CONTINUE',
    onMerge: (window, context) => {
      context.mergeState(state, earlier);
      const next = firing(context).get();
      if (next !== undefined) context.registerEventTimeTimer(next);
      if (window.maxTimestamp() > context.currentWatermark()) context.registerEventTimeTimer(window.maxTimestamp());
    },
    clear: (window, context) => {
      const next = firing(context).get();
      if (next !== undefined) context.deleteEventTimeTimer(next);
      context.deleteEventTimeTimer(window.maxTimestamp());
      firing(context).clear();
    },
  };
}

/** Fires every `intervalMs` of the clock, at multiples of it. */
export function continuousProcessingTimeTrigger(intervalMs: number): Trigger<unknown, Window> {
  checkAmount(intervalMs, 'ContinuousProcessingTimeTrigger', 'interval');
  const schedule = (time: number, window: Window, context: TriggerContext): void =>
    context.registerProcessingTimeTimer(scheduleAfter(time, intervalMs, window, context));
  return {
    onElement: (_value, _timestamp, window, context) => {
      if (firing(context).get() === undefined) schedule(intervalStart(context.currentProcessingTime(), intervalMs), window, context);
      return 'CONTINUE';
    },
    onEventTime: () => 'CONTINUE',
    onProcessingTime: (time, window, context) => {
      if (firing(context).get() !== time) return 'CONTINUE';
      firing(context).clear();
      if (time < window.maxTimestamp()) schedule(time, window, context);
      return 'FIRE';
    },
    onMerge: (_window, context) => {
      context.mergeState(state, earlier);
      const next = firing(context).get();
      if (next !== undefined) context.registerProcessingTimeTimer(next);
    },
    clear: (_window, context) => {
      const next = firing(context).get();
      if (next !== undefined) context.deleteProcessingTimeTimer(next);
      firing(context).clear();
    },
  };
}

function timestampMissing(): MillraceError {
  return new MillraceError('WINDOW_TIMESTAMP_MISSING', 'A record without a timestamp reached a trigger in event time.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Assign timestamps with a watermark strategy before the window.',
  });
}
