import type { Window } from '../window.js';
import type { Trigger } from './trigger.js';

/** Fires when the watermark passes the end of the window, and again for each record that is late but allowed. */
const eventTimeTrigger: Trigger<unknown, Window> = {
  onElement: (_value, _timestamp, window, context) => {
    if (window.maxTimestamp() <= context.currentWatermark()) return 'FIRE';
    context.registerEventTimeTimer(window.maxTimestamp());
    return 'CONTINUE';
  },
  onEventTime: (time, window) => (time === window.maxTimestamp() ? 'FIRE' : 'CONTINUE'),
  onProcessingTime: () => 'CONTINUE',
  onMerge: (window, context) => {
    if (window.maxTimestamp() > context.currentWatermark()) context.registerEventTimeTimer(window.maxTimestamp());
  },
  clear: (window, context) => context.deleteEventTimeTimer(window.maxTimestamp()),
};

/** What event-time windows do without another trigger. */
export const EventTimeTrigger = { create: (): Trigger<unknown, Window> => eventTimeTrigger } as const;
