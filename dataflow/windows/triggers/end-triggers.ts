/** Triggers for windows that do not end by time. */
import type { Window } from '../window.js';
import type { Trigger } from './trigger.js';

const neverTrigger: Trigger<unknown, Window> = {
  onElement: () => 'CONTINUE',
  onEventTime: () => 'CONTINUE',
  onProcessingTime: () => 'CONTINUE',
  onMerge: () => undefined,
  clear: () => undefined,
};

/** Never fires: what a global window does without another trigger. */
export const NeverTrigger = { create: (): Trigger<unknown, Window> => neverTrigger } as const;

const endOfStreamTrigger: Trigger<unknown, Window> = {
  onElement: (_value, _timestamp, window, context) => {
    context.registerEventTimeTimer(window.maxTimestamp());
    return 'CONTINUE';
  },
  onEventTime: (time, window) => (time === window.maxTimestamp() ? 'FIRE_AND_PURGE' : 'CONTINUE'),
  onProcessingTime: () => 'CONTINUE',
  onMerge: (window, context) => context.registerEventTimeTimer(window.maxTimestamp()),
  clear: (window, context) => context.deleteEventTimeTimer(window.maxTimestamp()),
};

/** Fires once, when the input has ended. */
export const EndOfStreamTrigger = { create: (): Trigger<unknown, Window> => endOfStreamTrigger } as const;
