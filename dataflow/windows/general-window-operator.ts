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
 * GW5  Which windows there are, and the numbers their things stand under, is a matter of {@link WindowPlaces}.
 */
import { MillraceError } from '../../core/errors.js';
import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import { maxWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import { keyedStateOf } from '../operators/runtime-context.js';
import { failFunction } from '../operators/user-error.js';
import type { Evictor, TimestampedValue } from './evictors/evictor.js';
import { lateRecordsOf } from './late-records.js';
import { timestampMissing } from './timestamps.js';
import { TriggerScope } from './trigger-scope.js';
import { isFire, isPurge, type Trigger, type TriggerResult } from './triggers/trigger.js';
import type { WindowContents } from './window-contents.js';
import type { WindowFiring } from './window-firing.js';
import { openPlaces, type Place, type WindowPlaces } from './window-places.js';
import { contentsOf, evictableContents, firingOf, triggerOf, type WindowPlan } from './window-plan.js';
import type { Window } from './window.js';

export class GeneralWindowOperator<In, Acc, Mid, Out> implements Operator<In, Out> {
  readonly #plan: WindowPlan<In, Acc, Mid, Out>;
  readonly #trigger: Trigger<In, Window>;
  readonly #isEventTime: boolean;
  readonly #latenessMs: number;
  /** The latest time of the clock that was seen: a clock that is set back opens no window again. */
  #now = noTimestamp;
  #keyed!: KeyedStateBackend;
  #state!: ValueState<Acc>;
  #places!: WindowPlaces<In>;
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
    this.#places = openPlaces(this.#plan.assigner, {
      keyed: this.#keyed,
      context,
      hasEnded: (window) => this.#hasEnded(window),
      onMerge: (place, replaced) => this.#merge(place, replaced),
    });
    this.#scope = new TriggerScope(this.#keyed, context);
    return this.#firing.open();
  }

  onTimer(at: number, domain: 'event' | 'processing', namespace: number): void {
    const place = this.#places.at(namespace);
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
    const places = this.#places.of(value, this.#timeOf(timestamp));
    for (const place of places) this.#addTo(place, value, timestamp);
    if (places.length > 0 || !this.#isEventTime) return;
    if (timestamp + this.#latenessMs <= this.#context.currentWatermark()) this.#takeLate(value, timestamp);
  }

  /** What windows of a record go by. */
  #timeOf(timestamp: number): number {
    if (!this.#isEventTime) return (this.#now = Math.max(this.#now, this.#context.recordTime()));
    if (timestamp === noTimestamp) throw timestampMissing(this.#context.operatorName);
    return timestamp;
  }

  /** Trigger, timers and contents of the windows that became one. */
  #merge({ window, contentsId, windowId }: Place, replaced: readonly Place[]): void {
    const scope = this.#scope.enter(
      windowId,
      replaced.map((one) => one.windowId),
    );
    scope.ask((merging) => this.#trigger.onMerge?.(window, merging));
    for (const former of replaced) {
      scope.enter(former.windowId).ask((clearing) => this.#trigger.clear(former.window, clearing));
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
    const { window, stateId } = place;
    const { evictor } = this.#plan;
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
  #end(place: Place): void {
    const { window, contentsId, windowId, stateId } = place;
    this.#keyed.setCurrentNamespace(contentsId);
    this.#state.clear();
    this.#scope.enter(windowId).ask((scope) => this.#trigger.clear(window, scope));
    this.#firing.end(window, stateId);
    this.#places.remove(place);
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

function resultUnknown(result: unknown): MillraceError {
  return new MillraceError('TRIGGER_RESULT_UNKNOWN', `The trigger answered ${JSON.stringify(result) ?? 'nothing'}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: "Answer 'CONTINUE', 'FIRE', 'PURGE' or 'FIRE_AND_PURGE'.",
  });
}
