/**
 * Triggers decide when a window hands on its results.
 *
 * TG1  A trigger is called for every record added to a window, for the timers it registered for it, when windows were
 *      merged, and once when the window ends. What it answers is done at once: FIRE evaluates the window function, PURGE
 *      drops the contents, and nothing else of the window.
 * TG2  Its state and timers belong to one key and one window. It is one object for all of them: it keeps nothing itself.
 * TG3  Without `onMerge` a trigger cannot be used with session windows: that is refused when the job is built.
 */
import type { ValueState } from '../../../storage/state/contracts.js';
import type { Window } from '../window.js';

/** What becomes of a window: nothing, its function is called (`FIRE`), its contents go (`PURGE`), or one after the other. */
export type TriggerResult = 'CONTINUE' | 'FIRE' | 'PURGE' | 'FIRE_AND_PURGE';

export const isFire = (result: TriggerResult): boolean => result === 'FIRE' || result === 'FIRE_AND_PURGE';
export const isPurge = (result: TriggerResult): boolean => result === 'PURGE' || result === 'FIRE_AND_PURGE';

/** A value that values are folded into. */
export interface FoldedState<T> {
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

/** State and timers of one key and window, valid during the call. */
export interface TriggerContext {
  currentWatermark(): number;
  currentProcessingTime(): number;
  /** The same time registered twice fires once. */
  registerEventTimeTimer(time: number): void;
  deleteEventTimeTimer(time: number): void;
  registerProcessingTimeTimer(time: number): void;
  deleteProcessingTimeTimer(time: number): void;
  /** A state is declared by asking for it; the same name again gives the same state. */
  valueState<T>(name: string): ValueState<T>;
  /** As `valueState`; values added are folded into one, always by the same function, and so are those of windows that merge. */
  foldedState<T>(name: string, fold: (one: T, other: T) => T): FoldedState<T>;
}

/** The same for the window that others were merged into. */
export interface MergeContext extends TriggerContext {
  /** Folds a state of the windows that were merged into that of the new one. */
  mergeState<T>(name: string, fold: (one: T, other: T) => T): void;
}

/** When a window hands on its results; see the head of this file. */
export interface Trigger<in T = unknown, in W extends Window = Window> {
  /** A record was added. `timestamp` is its event time, in ms; below every other number (`Number.MIN_SAFE_INTEGER`) where it has none. */
  onElement(value: T, timestamp: number, window: W, context: TriggerContext): TriggerResult;
  /** A timer in event time is due: one of the trigger's, or the end of the window with its allowed lateness. */
  onEventTime(time: number, window: W, context: TriggerContext): TriggerResult;
  /** The same in processing time. */
  onProcessingTime(time: number, window: W, context: TriggerContext): TriggerResult;
  /** Others were merged into the window (TG3). Their state is still there; they are cleared after this. */
  onMerge?(window: W, context: MergeContext): void;
  /** The window ended, or became part of another: drop state and timers. */
  clear(window: W, context: TriggerContext): void;
}
