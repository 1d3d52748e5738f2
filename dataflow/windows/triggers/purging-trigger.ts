import type { Window } from '../window.js';
import type { Trigger, TriggerResult } from './trigger.js';

const purging = (result: TriggerResult): TriggerResult => (result === 'FIRE' ? 'FIRE_AND_PURGE' : result);

/** Fires when another trigger does, and then drops the contents of the window. */
function purgingTrigger<T, W extends Window>(nested: Trigger<T, W>): Trigger<T, W> {
  return {
    onElement: (...call) => purging(nested.onElement(...call)),
    onEventTime: (...call) => purging(nested.onEventTime(...call)),
    onProcessingTime: (...call) => purging(nested.onProcessingTime(...call)),
    ...(nested.onMerge === undefined ? {} : { onMerge: (...call) => nested.onMerge?.(...call) }),
    clear: (...call) => nested.clear(...call),
  };
}

/** `PurgingTrigger.of(CountTrigger.of(100))`. */
export const PurgingTrigger = { of: purgingTrigger } as const;
