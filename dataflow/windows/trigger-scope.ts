/**
 * State and timers of triggers, in the namespace of the window a trigger is called for.
 *
 * TS1  Whoever calls a trigger makes its window current first, with {@link TriggerScope.enter}.
 * TS2  A timer of the clock for a time fires when that millisecond is over, as a watermark says it of event time: no record
 *      of that time comes after it. It is kept under the next millisecond.
 * TS3  What a trigger throws names the operator.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { KeyedStateBackend, ValueState } from '../../storage/state/contracts.js';
import type { OperatorContext } from '../contracts.js';
import { failFunction } from '../operators/user-error.js';
import type { FoldedState, MergeContext, TriggerResult } from './triggers/trigger.js';

/** How the names of their states begin. */
const triggerStates = 'trigger/';

export class TriggerScope implements MergeContext {
  readonly #keyed: KeyedStateBackend;
  readonly #context: OperatorContext;
  readonly #states = new Map<string, ValueState<unknown>>();
  readonly #folded = new Map<string, FoldedState<unknown>>();
  #namespace = 0;
  #merged: readonly number[] = [];

  constructor(keyed: KeyedStateBackend, context: OperatorContext) {
    this.#keyed = keyed;
    this.#context = context;
    keyed.announceStates(triggerStates);
  }

  /** Makes a window of the current key current; `merged` are those that became part of it. */
  enter(namespace: number, merged: readonly number[] = []): this {
    this.#namespace = namespace;
    this.#merged = merged;
    this.#keyed.setCurrentNamespace(namespace);
    return this;
  }

  /** Calls the trigger (TS3). */
  ask<Answer extends TriggerResult | void>(call: (scope: MergeContext) => Answer): Answer {
    try {
      return call(this);
    } catch (error) {
      const { operatorName } = this.#context;
      if (error instanceof MillraceError) return failFunction(operatorName, error);
      throw new MillraceError('TRIGGER_FAILED', `The trigger threw ${toErrorRecord(error).message}`, {
        domain: 'user',
        recovery: 'restart-job',
        where: operatorName,
        cause: error,
      });
    }
  }

  currentWatermark(): number {
    return this.#context.currentWatermark();
  }

  currentProcessingTime(): number {
    return this.#context.clock.now();
  }

  registerEventTimeTimer(time: number): void {
    this.#keyed.registerTimer('event', time, this.#namespace);
  }

  deleteEventTimeTimer(time: number): void {
    this.#keyed.deleteTimer('event', time, this.#namespace);
  }

  registerProcessingTimeTimer(time: number): void {
    this.#keyed.registerTimer('processing', time + 1, this.#namespace);
  }

  deleteProcessingTimeTimer(time: number): void {
    this.#keyed.deleteTimer('processing', time + 1, this.#namespace);
  }

  valueState<T>(name: string): ValueState<T> {
    const full = `${triggerStates}${name}`;
    let state = this.#states.get(full);
    if (state === undefined) {
      state = this.#keyed.valueState<unknown>(full, { isNamespaced: true });
      this.#states.set(full, state);
    }
    return state as ValueState<T>;
  }

  foldedState<T>(name: string, fold: (one: T, other: T) => T): FoldedState<T> {
    let folded = this.#folded.get(name);
    if (folded === undefined) {
      folded = folding(this.valueState<T>(name), fold) as FoldedState<unknown>;
      this.#folded.set(name, folded);
    }
    return folded as FoldedState<T>;
  }

  mergeState<T>(name: string, fold: (one: T, other: T) => T): void {
    const state = this.valueState<T>(name);
    const values: T[] = [];
    for (const namespace of this.#merged) {
      this.#keyed.setCurrentNamespace(namespace);
      const value = state.value();
      if (value !== undefined) values.push(value);
    }
    this.#keyed.setCurrentNamespace(this.#namespace);
    const target = this.foldedState<T>(name, fold);
    for (const value of values) target.add(value);
  }
}

function folding<T>(state: ValueState<T>, fold: (one: T, other: T) => T): FoldedState<T> {
  return {
    get: () => state.value(),
    add: (value) => {
      const before = state.value();
      state.update(before === undefined ? value : fold(before, value));
    },
    clear: () => state.clear(),
  };
}
