import { maxWatermark } from '../../contracts.js';
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

/** The same; and what is still open when the input has ended fires then. */
const orAtTheEnd: Trigger<unknown, Window> = {
  onElement: (value, timestamp, window, context) => {
    context.registerEventTimeTimer(maxWatermark);
    return processingTimeTrigger.onElement(value, timestamp, window, context);
  },
  onEventTime: (time) => (time === maxWatermark ? 'FIRE_AND_PURGE' : 'CONTINUE'),
  onProcessingTime: processingTimeTrigger.onProcessingTime,
  onMerge: (window, context) => {
    context.registerEventTimeTimer(maxWatermark);
    processingTimeTrigger.onMerge?.(window, context);
  },
  clear: (window, context) => {
    context.deleteEventTimeTimer(maxWatermark);
    processingTimeTrigger.clear(window, context);
  },
};

/** What processing-time windows do without another trigger. */
export const ProcessingTimeTrigger = {
  create: (): Trigger<unknown, Window> => processingTimeTrigger,
  /** Windows that are open when the input ends fire then, instead of being given up. */
  createWithEndOfStream: (): Trigger<unknown, Window> => orAtTheEnd,
} as const;
