/**
 * Reducing and aggregating state, over a state of one value.
 *
 * FS1  An accumulator of an aggregating state that `add` returns is copied, unless it is the one it got and holds numbers
 *      and booleans only: then nothing of the record can have got into it. So the common accumulators cost no copy a record.
 * FS2  What `get` of an aggregating state returns shares nothing with the accumulator.
 */
import type { AggregatingState, Aggregation, ReducingState, ValueState } from '../contracts.js';
import { keptResult } from './kept-result.js';

export class FoldedState<T> implements ReducingState<T> {
  readonly #held: ValueState<T>;
  readonly #reduce: (accumulated: T, value: T) => T;

  constructor(held: ValueState<T>, reduce: (accumulated: T, value: T) => T) {
    this.#held = held;
    this.#reduce = reduce;
  }

  get(): T | undefined {
    return this.#held.value();
  }

  add(value: T): void {
    const before = this.#held.value();
    this.#held.update(before === undefined ? value : keptResult(this.#reduce(before, value)));
  }

  clear(): void {
    this.#held.clear();
  }
}

export interface AccumulatedStateOptions<In, Acc, Out> {
  /** Keeps what it is given as it is. */
  readonly held: ValueState<Acc>;
  readonly aggregation: Aggregation<In, Acc, Out>;
  readonly copy: <T>(value: T) => T;
}

export class AccumulatedState<In, Acc, Out> implements AggregatingState<In, Out> {
  readonly #held: ValueState<Acc>;
  readonly #aggregation: Aggregation<In, Acc, Out>;
  readonly #copy: <T>(value: T) => T;

  constructor({ held, aggregation, copy }: AccumulatedStateOptions<In, Acc, Out>) {
    this.#held = held;
    this.#aggregation = aggregation;
    this.#copy = copy;
  }

  get(): Out | undefined {
    const accumulator = this.#held.value();
    return accumulator === undefined ? undefined : this.#copy(this.#aggregation.getResult(accumulator));
  }

  add(value: In): void {
    const before = this.#held.value();
    const after = keptResult(this.#aggregation.add(value, before ?? this.#aggregation.createAccumulator()));
    this.#held.update(after === before && isOfNumbers(after) ? after : this.#copy(after));
  }

  clear(): void {
    this.#held.clear();
  }
}

/** Whether there is nothing in it that anybody else could hold, too. */
function isOfNumbers(accumulator: unknown): boolean {
  if (typeof accumulator !== 'object' || accumulator === null) return true;
  if (Object.getPrototypeOf(accumulator) !== Object.prototype) return false;
  for (const name in accumulator) {
    const field = (accumulator as Record<string, unknown>)[name];
    if (typeof field !== 'number' && typeof field !== 'boolean') return false;
  }
  return true;
}
