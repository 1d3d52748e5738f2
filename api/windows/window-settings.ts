/** What may be said of the windows of a stream, or of a join; what cannot work is refused. */
import type { Evictor } from '../../dataflow/windows/evictors/evictor.js';
import { triggerOf } from '../../dataflow/windows/window-plan.js';
import type { Trigger } from '../../dataflow/windows/triggers/trigger.js';
import type { WindowAssigner } from '../../dataflow/windows/custom-windows.js';
import { isMergingWindowing, type BuiltInWindows, type Windowing } from '../../dataflow/windows/window-assigner.js';
import type { GlobalWindow, TimeWindow, Window } from '../../dataflow/windows/window.js';
import { apiError } from '../api-error.js';
import { milliseconds, type Duration } from '../duration.js';
import type { AnyTag, NamedTag } from '../output-tags.js';
import { assertMethods, assertObject } from '../transformation.js';

/** What `window` takes: windows that come with Millrace, or an assigner of one's own. */
export type AnyWindows<T> = BuiltInWindows<T> | WindowAssigner<T>;

/** The windows that an assigner makes. */
export type WindowOf<A> = A extends { readonly kind: 'global' } ? GlobalWindow : TimeWindow;

export interface WindowSettings<T, W extends Window> {
  readonly assigner: Windowing<T>;
  readonly trigger: Trigger<T, W> | undefined;
  readonly evictor: Evictor<T, W> | undefined;
  readonly allowedLatenessMs: number;
  readonly lateTag: AnyTag | undefined;
  /** Records are folded where they are made, before they are sent. */
  readonly isPreAggregated: boolean;
}

/** An assigner and nothing else; `where` asked for it. */
export function settingsOf<T, W extends Window>(assigner: AnyWindows<T>, where: string): WindowSettings<T, W> {
  return {
    assigner: windowingOf(assigner, where),
    trigger: undefined,
    evictor: undefined,
    allowedLatenessMs: 0,
    lateTag: undefined,
    isPreAggregated: false,
  };
}

export function withTrigger<T, W extends Window>(settings: WindowSettings<T, W>, trigger: Trigger<T, W>): WindowSettings<T, W> {
  assertTrigger(trigger, 'trigger');
  return { ...settings, trigger };
}

function assertTrigger(trigger: unknown, where: string): void {
  assertObject(trigger, where, 'Pass a trigger such as CountTrigger.of(100), or an object with the methods of one.');
  assertMethods(trigger, where, ['onElement', 'onEventTime', 'onProcessingTime', 'clear']);
}

/** An evictor has at least one of its two parts: one with neither is a mistake in a name. */
export function withEvictor<T, W extends Window>(settings: WindowSettings<T, W>, evictor: Evictor<T, W>): WindowSettings<T, W> {
  const hint = 'Pass an evictor such as CountEvictor.of(100), or an object with evictBefore or evictAfter.';
  assertObject(evictor, 'evictor', hint);
  const parts = (['evictBefore', 'evictAfter'] as const).filter((part) => evictor[part] !== undefined);
  if (parts.length === 0) {
    throw apiError('FUNCTION_MISSING', 'evictor got an object without evictBefore() and evictAfter().', { where: 'evictor', hint });
  }
  assertMethods(evictor, 'evictor', parts);
  return { ...settings, evictor };
}

export function withLateness<T, W extends Window>(settings: WindowSettings<T, W>, lateness: Duration): WindowSettings<T, W> {
  const { assigner } = settings;
  const allowedLatenessMs = milliseconds(lateness, 'allowedLateness');
  if (allowedLatenessMs > 0 && (assigner.kind === 'global' || assigner.time === 'processing')) {
    throw apiError('WINDOW_LATENESS_USELESS', 'Records are never late in windows that do not go by event time.', {
      where: 'allowedLateness',
      hint: 'Use windows in event time, or leave the lateness out.',
    });
  }
  return { ...settings, allowedLatenessMs };
}

/** The settings as operators take them: the kind of the assigner says which windows there are (WindowOf), so narrower types hold. */
export function planOf<T, W extends Window>(settings: WindowSettings<T, W>) {
  const { assigner, trigger, evictor, allowedLatenessMs, lateTag } = settings;
  const plan = {
    assigner,
    trigger: trigger as Trigger<T, Window> | undefined,
    evictor: evictor as Evictor<T, Window> | undefined,
    allowedLatenessMs,
    lateTag: lateTag?.id,
  };
  assertMergeable(plan);
  return plan;
}

/** Sessions merge, so their trigger must be able to. */
function assertMergeable<T>(plan: { readonly assigner: Windowing<T>; readonly trigger: Trigger<T, Window> | undefined }): void {
  if (!isMergingWindowing(plan.assigner) || triggerOf(plan).onMerge !== undefined) return;
  throw apiError('TRIGGER_CANNOT_MERGE', 'These windows merge, as sessions do, and this trigger cannot.', {
    where: 'trigger',
    hint: 'Give the trigger an onMerge(), or use windows that do not merge.',
  });
}

/** What counts in the fingerprint of a job: functions do not, that there is one does. */
export function dataOf<T, W extends Window>({ assigner, allowedLatenessMs, lateTag }: WindowSettings<T, W>): object {
  return { assigner: shownWindowing(assigner), allowedLatenessMs, lateTag: lateTag?.id ?? null };
}

/** For {@link Transformation}. */
export function sideOutputsOf<T, W extends Window>({ lateTag }: WindowSettings<T, W>): readonly NamedTag[] {
  return lateTag === undefined ? [] : [{ tag: lateTag, use: 'sideOutputLateData' }];
}

function shownWindowing(windowing: Windowing<never>): object {
  if (windowing.kind === 'custom') return { kind: 'custom', time: windowing.time, isMerging: windowing.isMerging };
  return windowing.kind === 'session' && typeof windowing.gap === 'function' ? { ...windowing, gap: 'dynamic' } : windowing;
}

function windowingOf<T>(assigner: AnyWindows<T>, where: string): Windowing<T> {
  if (typeof assigner !== 'object' || assigner === null) throw assignerMissing(assigner === null ? 'null' : typeof assigner, where);
  if ('kind' in assigner) return assigner;
  if (!('assignWindows' in assigner)) throw assignerMissing('an object without assignWindows()', where);
  assertMethods(assigner, `${where} assigner`, ['assignWindows']);
  const { isEventTime, isMerging = false, defaultTrigger } = assigner;
  if (typeof isEventTime !== 'boolean' || typeof isMerging !== 'boolean') {
    throw apiError('WINDOW_ASSIGNER_INVALID', 'An assigner of windows says isEventTime, and perhaps isMerging, as true or false.', {
      where,
      hint: 'Set isEventTime to true for windows that end with the watermark, and to false for windows that end with the clock.',
    });
  }
  if (defaultTrigger !== undefined) assertTrigger(defaultTrigger, `${where} assigner defaultTrigger`);
  return { kind: 'custom', time: isEventTime ? 'event' : 'processing', isMerging, assigner };
}

function assignerMissing(got: string, where: string): Error {
  return apiError('WINDOW_ASSIGNER_MISSING', `${where} got ${got} instead of an assigner of windows.`, {
    where,
    hint: "Pass one such as TumblingEventTimeWindows.of('1 min'), or an object with isEventTime and assignWindows().",
  });
}
