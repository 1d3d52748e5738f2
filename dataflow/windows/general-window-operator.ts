/**
 * Windows with any trigger and evictor: each window keeps its own contents (Flink's WindowOperator).
 *
 * GW1  A record is added to each of its windows that has not ended; the trigger is asked, its answer carried out, and the
 *      end of the window registered. A window has ended when its last time and the allowed lateness are behind the watermark.
 * GW2  A record that no window took, and that is older than the allowed lateness permits, is late; one that is merely in no
 *      window is dropped.
 * GW3  At a timer the trigger is asked; then, when it is the end of the window, everything of the window goes: contents, state
 *      and timers of the trigger, states of the window function, its place among the sessions.
 * GW4  A window without contents does not fire. When an evictor left nothing, there is nothing to call the function with.
 * GW5  Contents of fixed windows stand under their start, those of sessions under the numbers of {@link SessionSet}.
 */
import { assert, MillraceError } from '../../core/errors.js';
import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { maxWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import { keyedStateOf } from '../operators/runtime-context.js';
import { failFunction } from '../operators/user-error.js';
import type { Evictor, TimestampedValue } from './evictors/evictor.js';
import { lateRecordsOf } from './late-records.js';
import { addToSessions, emptySessions, removeSession, type Merge, type Session, type SessionSet } from './merging-windows.js';
import { checkedGap, timestampMissing } from './timestamps.js';
import { TriggerScope } from './trigger-scope.js';
import { isFire, isPurge, type Trigger, type TriggerResult } from './triggers/trigger.js';
import { windowsAt, type SessionWindows } from './window-assigner.js';
import type { WindowContents } from './window-contents.js';
import type { WindowFiring } from './window-firing.js';
import { contentsOf, evictableContents, firingOf, triggerOf, type WindowPlan } from './window-plan.js';
import { globalWindow, TimeWindow, type Window } from './window.js';

/** A window and where its things are. */
interface Place {
  readonly window: Window;
  readonly contentsId: number;
  /** Of trigger state, timers and states of the window function. */
  readonly windowId: number;
  readonly session: Session | undefined;
}

const soleId = 0;

export class GeneralWindowOperator<In, Acc, Mid, Out> implements Operator<In, Out> {
  readonly #plan: WindowPlan<In, Acc, Mid, Out>;
  readonly #trigger: Trigger<In, Window>;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  /** The latest time of the clock that was seen: a clock that is set back opens no window again. */
  #now = noTimestamp;
  #keyed!: KeyedStateBackend;
  #state!: ValueState<Acc>;
  #sessions!: ValueState<SessionSet>;
  #scope!: TriggerScope;
  #contents!: WindowContents<In, Acc, Mid>;
  #firing!: WindowFiring<Mid>;
  #context!: OperatorContext;
  #takeLate!: (value: unknown, timestamp: number) => void;

  constructor(plan: WindowPlan<In, Acc, Mid, Out>) {
    this.#plan = plan;
    this.#trigger = triggerOf(plan);
    this.#isEventTime = plan.assigner.kind !== 'global' && plan.assigner.time === 'event';
    this.#latenessMs = this.#isEventTime ? plan.allowedLatenessMs : 0;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    this.#context = context;
    this.#contents = this.#plan.evictor === undefined ? contentsOf(this.#plan, context) : evictableContents(this.#plan, context);
    this.#firing = firingOf(this.#plan, out, context);
    this.#takeLate = lateRecordsOf(context, this.#plan.lateTag);
    const { keyOf } = this.#plan;
    return (value, timestamp, keyHash) => {
      try {
        const key = keyOf(value);
        this.#keyed.setCurrentKey(key, keyHash ?? keyHashOf(key));
        this.#take(value, timestamp);
      } catch (error) {
        failFunction(context.operatorName, error);
      }
    };
  }

  open(context: OperatorContext): void | Promise<void> {
    this.#keyed = keyedStateOf(context);
    this.#state = this.#keyed.valueState('contents', { isNamespaced: true, isOwned: true });
    if (this.#plan.assigner.kind === 'session') this.#sessions = this.#keyed.valueState('sessions', { isOwned: true });
    this.#scope = new TriggerScope(this.#keyed, context);
    return this.#firing.open();
  }

  onTimer(at: number, domain: 'event' | 'processing', namespace: number): void {
    const place = this.#placeOf(namespace);
    if (place === undefined) return;
    const { window, windowId } = place;
    const isEvent = domain === 'event';
    // TS2.
    const time = isEvent ? at : at - 1;
    try {
      this.#scope.enter(windowId);
      const result = this.#scope.ask((scope) =>
        isEvent ? this.#trigger.onEventTime(time, window, scope) : this.#trigger.onProcessingTime(time, window, scope),
      );
      this.#carryOut(result, place);
      if (isEvent === this.#isEventTime && time === this.#endOf(window)) this.#end(place);
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
  }

  close(): void | Promise<void> {
    return this.#firing?.close();
  }

  /** The current key is set. */
  #take(value: In, timestamp: number): void {
    const { assigner } = this.#plan;
    if (assigner.kind === 'global') {
      this.#addTo({ window: globalWindow, contentsId: soleId, windowId: soleId, session: undefined }, value, timestamp);
      return;
    }
    if (this.#isEventTime && timestamp === noTimestamp) throw timestampMissing(this.#context.operatorName);
    if (!this.#isEventTime) this.#now = Math.max(this.#now, this.#context.clock.now());
    const time = this.#isEventTime ? timestamp : this.#now;
    const isTaken =
      assigner.kind === 'session'
        ? this.#takeInSession(assigner, time, value, timestamp)
        : windowsAt(time, assigner).filter((window) => this.#takeIn(window, value, timestamp)).length > 0;
    if (!isTaken && this.#isEventTime && timestamp + this.#latenessMs <= this.#context.currentWatermark()) this.#takeLate(value, timestamp);
  }

  #takeIn(window: TimeWindow, value: In, timestamp: number): boolean {
    if (this.#hasEnded(window)) return false;
    this.#addTo({ window, contentsId: window.start, windowId: window.start, session: undefined }, value, timestamp);
    return true;
  }

  #takeInSession({ gap }: SessionWindows<In>, time: number, value: In, timestamp: number): boolean {
    const gapMs = typeof gap === 'number' ? gap : checkedGap(gap(value), this.#context.operatorName);
    const set = this.#sessions.value() ?? emptySessions();
    const merge = addToSessions(set, time, Math.min(time + gapMs, maxWatermark + 1));
    const place = placeOfSession(merge.session);
    if (merge.replaced.length > 0) this.#merge(merge, place);
    const hasEnded = this.#hasEnded(place.window);
    if (hasEnded) removeSession(set, merge.session);
    this.#keep(set);
    if (hasEnded) return false;
    this.#addTo(place, value, timestamp);
    return true;
  }

  /** Trigger, timers and contents of the sessions that became one. */
  #merge({ replaced }: Merge, { window, contentsId, windowId }: Place): void {
    assert(!this.#hasEnded(window), 'Sessions were merged into one that had ended before.');
    const scope = this.#scope.enter(
      windowId,
      replaced.map((one) => one.windowId),
    );
    scope.ask((merging) => this.#trigger.onMerge?.(window, merging));
    for (const one of replaced) {
      const former = placeOfSession(one);
      scope.enter(one.windowId).ask((clearing) => this.#trigger.clear(former.window, clearing));
      this.#deleteEnd(former);
    }
    const parts: Acc[] = [];
    for (const one of replaced) {
      this.#keyed.setCurrentNamespace(one.contentsId);
      const part = this.#state.value();
      if (part !== undefined) parts.push(part);
      this.#state.clear();
    }
    const [first, ...others] = parts;
    if (first === undefined) return;
    this.#keyed.setCurrentNamespace(contentsId);
    this.#state.update(others.reduce((merged, part) => this.#contents.merge(merged, part), first));
  }

  /** GW1. */
  #addTo(place: Place, value: In, timestamp: number): void {
    const { window, contentsId, windowId } = place;
    this.#keyed.setCurrentNamespace(contentsId);
    const before = this.#state.value();
    this.#state.update(before === undefined ? this.#contents.begin(value, timestamp) : this.#contents.add(value, before, timestamp));
    this.#scope.enter(windowId);
    this.#carryOut(
      this.#scope.ask((scope) => this.#trigger.onElement(value, timestamp, window, scope)),
      place,
    );
    const end = this.#endOf(window);
    if (end === undefined) return;
    if (this.#isEventTime) this.#keyed.registerTimer('event', end, windowId);
    else this.#keyed.registerTimer('processing', end + 1, windowId);
  }

  #carryOut(result: TriggerResult, place: Place): void {
    if (result === 'CONTINUE') return;
    if (!isFire(result) && !isPurge(result)) throw resultUnknown(result);
    this.#keyed.setCurrentNamespace(place.contentsId);
    const contents = this.#state.value();
    if (isPurge(result)) this.#state.clear();
    if (isFire(result) && contents !== undefined) this.#fire(place, contents, isPurge(result));
  }

  /** GW4. */
  #fire(place: Place, contents: Acc, isPurged: boolean): void {
    const { window, session, windowId } = place;
    const { evictor } = this.#plan;
    const stateId = session === undefined ? windowId : undefined;
    if (evictor === undefined) {
      this.#firing.fire(this.#contents.values(isPurged ? contents : this.#contents.copy(contents)), window, stateId);
      return;
    }
    const elements = contents as TimestampedValue<In>[];
    const kept = evictor.evictBefore?.(elements, window, this.#scope) ?? elements;
    if (kept.length > 0) this.#firing.fire(this.#contents.values(kept as Acc), window, stateId);
    if (!isPurged) this.#evict(place, elements, kept, evictor);
  }

  /** What an evictor leaves in the window. */
  #evict(
    { window, contentsId }: Place,
    before: readonly unknown[],
    kept: readonly TimestampedValue<In>[],
    evictor: Evictor<In, Window>,
  ): void {
    const left = evictor.evictAfter?.(kept, window, this.#scope) ?? kept;
    if (left === before) return;
    this.#keyed.setCurrentNamespace(contentsId);
    if (left.length === 0) this.#state.clear();
    else this.#state.update([...left] as Acc);
  }

  /** GW3. */
  #end({ window, contentsId, windowId, session }: Place): void {
    this.#keyed.setCurrentNamespace(contentsId);
    this.#state.clear();
    this.#scope.enter(windowId).ask((scope) => this.#trigger.clear(window, scope));
    this.#firing.end(window, session === undefined ? windowId : undefined);
    if (session === undefined) return;
    const set = this.#sessions.value();
    if (set === undefined) return;
    removeSession(set, session);
    this.#keep(set);
  }

  #keep(set: SessionSet): void {
    if (set.sessions.length === 0) this.#sessions.clear();
    else this.#sessions.update(set);
  }

  /** The window that a timer belongs to; undefined when it became part of another. */
  #placeOf(namespace: number): Place | undefined {
    const { assigner } = this.#plan;
    if (assigner.kind === 'global') return { window: globalWindow, contentsId: soleId, windowId: soleId, session: undefined };
    if (assigner.kind === 'fixed') {
      const window = new TimeWindow(namespace, namespace + assigner.sizeMs);
      return { window, contentsId: namespace, windowId: namespace, session: undefined };
    }
    const session = this.#sessions.value()?.sessions.find(({ windowId }) => windowId === namespace);
    return session === undefined ? undefined : placeOfSession(session);
  }

  /** When everything of a window goes; undefined: never. */
  #endOf(window: Window): number | undefined {
    const end = window.maxTimestamp() + this.#latenessMs;
    return end < maxWatermark ? end : undefined;
  }

  #hasEnded(window: Window): boolean {
    const end = this.#endOf(window);
    return this.#isEventTime && end !== undefined && end <= this.#context.currentWatermark();
  }

  #deleteEnd({ window, windowId }: Place): void {
    const end = this.#endOf(window);
    if (end === undefined) return;
    if (this.#isEventTime) this.#keyed.deleteTimer('event', end, windowId);
    else this.#keyed.deleteTimer('processing', end + 1, windowId);
  }
}

function placeOfSession(session: Session): Place {
  return { window: new TimeWindow(session.start, session.end), contentsId: session.contentsId, windowId: session.windowId, session };
}

function resultUnknown(result: unknown): MillraceError {
  return new MillraceError('TRIGGER_RESULT_UNKNOWN', `The trigger answered ${JSON.stringify(result) ?? 'nothing'}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: "Answer 'CONTINUE', 'FIRE', 'PURGE' or 'FIRE_AND_PURGE'.",
  });
}
