import type { Window } from '../window.js';
import type { Trigger } from './trigger.js';

/** Fires once, when the clock passes the end of the window. */
const processingTimeTrigger: Trigger<unknown, Window> = {
  onElement: (_value, _timestamp, window, context) => {
    context.registerProcessingTimeTimer(window.maxTimestamp());
    return 'CONTINUE';
  },
  onEventTime: () => 'CONTINUE',
  onProcessingTime: () => 'FIRE',
  onMerge: (window, context) => {
    if (window.maxTimestamp() > context.currentProcessingTime()) context.registerProcessingTimeTimer(window.maxTimestamp());
  },
  clear: (window, context) => context.deleteProcessingTimeTimer(window.maxTimestamp()),
};

/** What processing-time windows do without another trigger. */
export const ProcessingTimeTrigger = { create: (): Trigger<unknown, Window> => processingTimeTrigger } as const;
