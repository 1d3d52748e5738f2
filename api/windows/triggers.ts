/** Triggers and evictors that take durations, as users name them. */
import { timeEvictor } from '../../dataflow/windows/evictors/time-evictor.js';
import type { Evictor, EvictorOptions } from '../../dataflow/windows/evictors/evictor.js';
import { continuousEventTimeTrigger, continuousProcessingTimeTrigger } from '../../dataflow/windows/triggers/continuous-trigger.js';
import { processingTimeoutTrigger, type ProcessingTimeout } from '../../dataflow/windows/triggers/processing-timeout-trigger.js';
import type { Trigger } from '../../dataflow/windows/triggers/trigger.js';
import type { Window } from '../../dataflow/windows/window.js';
import type { Duration } from '../duration.js';
import { positiveMs } from './assigners.js';

/** `of('10 s')`: fires every ten seconds of event time, and at the end of the window. */
export const ContinuousEventTimeTrigger = {
  of: (interval: Duration): Trigger<unknown, Window> =>
    continuousEventTimeTrigger(positiveMs(interval, 'ContinuousEventTimeTrigger', 'interval')),
} as const;

/** `of('10 s')`: fires every ten seconds of the clock. */
export const ContinuousProcessingTimeTrigger = {
  of: (interval: Duration): Trigger<unknown, Window> =>
    continuousProcessingTimeTrigger(positiveMs(interval, 'ContinuousProcessingTimeTrigger', 'interval')),
} as const;

/** `of(CountTrigger.of(100), '5 s')`: fires when the other trigger does, and when it has not for so long after a record came. */
export const ProcessingTimeoutTrigger = {
  of: <T, W extends Window>(nested: Trigger<T, W>, timeout: Duration, options: Omit<ProcessingTimeout, 'timeoutMs'> = {}): Trigger<T, W> =>
    processingTimeoutTrigger(nested, { ...options, timeoutMs: positiveMs(timeout, 'ProcessingTimeoutTrigger', 'timeout') }),
} as const;

/** `of('10 s')`: keeps the records that are less than ten seconds older than the newest. */
export const TimeEvictor = {
  of: (span: Duration, options?: EvictorOptions): Evictor<unknown, Window> => timeEvictor(positiveMs(span, 'TimeEvictor', 'span'), options),
} as const;
