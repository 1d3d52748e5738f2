/**
 * Windows over two inputs: the records of both with the same key meet in the same window.
 *
 * JW1  Everything that holds for windows of one input holds for both together: which windows there are, when they fire and
 *      end, what is late. A session takes the records of both.
 * JW2  Triggers, evictors, gaps and side outputs see the records as they came in.
 */
import type { Emit, KeySelector, Operator, OperatorContext } from '../contracts.js';
import type { WindowAssigner } from './custom-windows.js';
import { KeyKinds, watchedKey } from '../operators/key-kinds.js';
import type { Evictor, TimestampedValue } from './evictors/evictor.js';
import { EventTimeTrigger } from './triggers/event-time-trigger.js';
import { ProcessingTimeTrigger } from './triggers/processing-time-trigger.js';
import type { Trigger } from './triggers/trigger.js';
import type { Windowing } from './window-assigner.js';
import type { SidedRecord, Sides } from './window-contents.js';
import { windowOperator } from './window-operator.js';
import type { WindowPlan } from './window-plan.js';
import type { Window } from './window.js';

/** A window plan as its user wrote it: for records of either input. */
export interface JoinPlan<Out> {
  readonly keysOf: readonly [left: KeySelector<never>, right: KeySelector<never>];
  readonly assigner: Windowing<never>;
  readonly trigger: Trigger<never, Window> | undefined;
  readonly evictor: Evictor<never, Window> | undefined;
  readonly allowedLatenessMs: number;
  readonly lateTag: string | undefined;
  readonly run: NonNullable<WindowPlan<SidedRecord, Sides, Sides, Out>['run']>;
}

export function joinedWindowOperator<Out>(plan: JoinPlan<Out>): Operator {
  return new JoinedWindowOperator(plan) as Operator as Operator<unknown>;
}

class JoinedWindowOperator<Out> implements Operator<unknown, Out> {
  readonly #lateTag: string | undefined;
  readonly #windows: Operator<SidedRecord, Out>;
  readonly #kinds = new KeyKinds();
  #take!: Emit<SidedRecord>;

  constructor(plan: JoinPlan<Out>) {
    const left = watchedKey(plan.keysOf[0], this.#kinds, 0);
    const right = watchedKey(plan.keysOf[1], this.#kinds, 1);
    this.#lateTag = plan.lateTag;
    this.#windows = windowOperator<SidedRecord, Sides, Sides, Out>({
      ...plan,
      keyOf: ({ isLeft, value }) => (isLeft ? left(value as never) : right(value as never)),
      assigner: sidedAssigner(plan.assigner),
      trigger: plan.trigger === undefined ? undefined : sidedTrigger(plan.trigger),
      evictor: plan.evictor === undefined ? undefined : sidedEvictor(plan.evictor),
      folding: { kind: 'sides' },
    });
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<unknown> {
    const lateTag = this.#lateTag;
    this.#take = this.#windows.bind(out, {
      ...context,
      sideOutput: (tag) => {
        const emit = context.sideOutput(tag);
        return tag === lateTag ? (record, timestamp) => emit((record as SidedRecord).value, timestamp) : emit;
      },
    });
    return (value, timestamp, keyHash) => this.#take({ isLeft: true, value }, timestamp, keyHash);
  }

  bindSecond(): Emit<unknown> {
    return (value, timestamp, keyHash) => this.#take({ isLeft: false, value }, timestamp, keyHash);
  }

  open(context: OperatorContext): void | Promise<void> {
    return this.#windows.open?.(context);
  }

  onTimer(time: number, domain: 'event' | 'processing', namespace: number): void {
    this.#windows.onTimer?.(time, domain, namespace);
  }

  endInput(): void {
    this.#kinds.end();
  }

  close(): void | Promise<void> {
    return this.#windows.close?.();
  }
}

function sidedAssigner(assigner: Windowing<never>): Windowing<SidedRecord> {
  if (assigner.kind === 'custom') return { ...assigner, assigner: sidedCustom(assigner.assigner) };
  if (assigner.kind !== 'session') return assigner;
  const { gap } = assigner;
  return { ...assigner, gap: typeof gap === 'number' ? gap : ({ value }) => gap(value as never) };
}

function sidedCustom(assigner: WindowAssigner<never>): WindowAssigner<SidedRecord> {
  const { isEventTime, defaultTrigger } = assigner;
  return {
    isEventTime,
    ...(defaultTrigger === undefined ? {} : { defaultTrigger: sidedTrigger(defaultTrigger as Trigger<never, Window>) }),
    assignWindows: ({ value }, timestamp, context) => assigner.assignWindows(value as never, timestamp, context),
  };
}

/** Its own trigger stays what it is: windows then need no general operator. */
function sidedTrigger(trigger: Trigger<never, Window>): Trigger<SidedRecord, Window> {
  const { onMerge } = trigger;
  if (isForAnyRecord(trigger)) return trigger;
  return {
    onElement: ({ value }, ...call) => trigger.onElement(value as never, ...call),
    onEventTime: (...call) => trigger.onEventTime(...call),
    onProcessingTime: (...call) => trigger.onProcessingTime(...call),
    ...(onMerge === undefined ? {} : { onMerge: (...call) => trigger.onMerge?.(...call) }),
    clear: (...call) => trigger.clear(...call),
  };
}

const anyRecordTriggers: readonly unknown[] = [EventTimeTrigger.create(), ProcessingTimeTrigger.create()];
const isForAnyRecord = (trigger: Trigger<never, Window>): trigger is Trigger<unknown, Window> => anyRecordTriggers.includes(trigger);

function sidedEvictor(evictor: Evictor<never, Window>): Evictor<SidedRecord, Window> {
  type Evict = NonNullable<Evictor<SidedRecord, Window>['evictBefore']>;
  /** What stays of the records themselves, as records of their sides. */
  const sided = (evict: NonNullable<Evictor['evictBefore']>): Evict => {
    return (elements, window, context) => {
      const bare = elements.map(({ value, timestamp }): TimestampedValue<unknown> => ({ value: value.value, timestamp }));
      const kept = new Set(evict(bare, window, context));
      return elements.filter((_element, index) => kept.has(bare[index] as TimestampedValue<unknown>));
    };
  };
  const { evictBefore, evictAfter } = evictor as Evictor;
  return {
    ...(evictBefore === undefined ? {} : { evictBefore: sided((...call) => (evictor as Evictor).evictBefore?.(...call) ?? call[0]) }),
    ...(evictAfter === undefined ? {} : { evictAfter: sided((...call) => (evictor as Evictor).evictAfter?.(...call) ?? call[0]) }),
  };
}
