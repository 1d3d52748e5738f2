/**
 * Accumulators: what the functions of a job count and gather, merged by name over all subtasks, seen while the job runs and
 * in its result.
 *
 * AC1  Each record counts once, as for state: what an attempt that failed had added since the checkpoint that the next one
 *      starts from does not count.
 * AC2  A name belongs to the whole job. Operators that use it with one type share it; with two it is an error.
 */
import type { MergeRules } from '../../core/accumulator-state.js';

/**
 * Gathers values of type `In`. One of your own says how its states become one by `rules`, because they are merged where the
 * code of the job is not: a rule for a state, or one for each field of it.
 */
export interface Accumulator<In = never, State = unknown> {
  /** Names the kind, for people and where two kinds meet under one name. */
  readonly type: string;
  readonly rules: MergeRules;
  add(value: In): void;
  /** What this attempt has gathered: plain data that fits `rules`. */
  state(): State;
}

/** The built-in ones, by name; asked for again by the same operator, they are the same. */
export interface AccumulatorShortcuts {
  /**
   * Adds an accumulator under a name, and returns it. Throws when this operator has one under it, or another operator of
   * the task one of another type.
   */
  addAccumulator<A extends Accumulator>(name: string, accumulator: A): A;
  intCounter(name: string): IntCounter;
  longCounter(name: string): LongCounter;
  doubleCounter(name: string): DoubleCounter;
  average(name: string): AverageAccumulator;
  histogram(name: string): Histogram;
}

abstract class Counter implements Accumulator<number, number> {
  abstract readonly type: string;
  readonly rules = 'sum' as const;
  protected sum = 0;

  /** What this attempt has counted. */
  get value(): number {
    return this.sum;
  }

  /** `by`: default 1. */
  add(by = 1): void {
    this.sum += by;
  }

  state(): number {
    return this.sum;
  }
}

/** Counts whole numbers, up or down. */
export class IntCounter extends Counter {
  readonly type: string = 'IntCounter';

  override add(by = 1): void {
    this.sum += whole(by);
  }
}

/** As {@link IntCounter}: both count exactly up to 2⁵³. */
export class LongCounter extends IntCounter {
  override readonly type = 'LongCounter';
}

/** Adds up numbers. */
export class DoubleCounter extends Counter {
  readonly type = 'DoubleCounter';

  override add(by = 1): void {
    this.sum += finite(by);
  }
}

abstract class Extreme implements Accumulator<number, number | null> {
  abstract readonly type: string;
  abstract readonly rules: 'min' | 'max';
  readonly #check: (value: number) => number;
  #value: number | null = null;

  constructor(check: (value: number) => number) {
    this.#check = check;
  }

  /** Of this attempt; null before the first value. */
  get value(): number | null {
    return this.#value;
  }

  add(value: number): void {
    const checked = this.#check(value);
    if (this.#value === null || (this.rules === 'min' ? checked < this.#value : checked > this.#value)) this.#value = checked;
  }

  state(): number | null {
    return this.#value;
  }
}

/** The smallest whole number; null without one. */
export class IntMinimum extends Extreme {
  readonly type: string = 'IntMinimum';
  readonly rules = 'min';

  constructor() {
    super(whole);
  }
}

/** The largest whole number; null without one. */
export class IntMaximum extends Extreme {
  readonly type: string = 'IntMaximum';
  readonly rules = 'max';

  constructor() {
    super(whole);
  }
}

/** As {@link IntMinimum}. */
export class LongMinimum extends IntMinimum {
  override readonly type = 'LongMinimum';
}

/** As {@link IntMaximum}. */
export class LongMaximum extends IntMaximum {
  override readonly type = 'LongMaximum';
}

/** The smallest number; null without one. */
export class DoubleMinimum extends Extreme {
  readonly type = 'DoubleMinimum';
  readonly rules = 'min';

  constructor() {
    super(finite);
  }
}

/** The largest number; null without one. */
export class DoubleMaximum extends Extreme {
  readonly type = 'DoubleMaximum';
  readonly rules = 'max';

  constructor() {
    super(finite);
  }
}

/** The mean of numbers; null without one. */
export class AverageAccumulator implements Accumulator<number, { readonly sum: number; readonly count: number }> {
  readonly type = 'AverageAccumulator';
  readonly rules = { sum: 'sum', count: 'sum' } as const;
  #sum = 0;
  #count = 0;

  add(value: number): void {
    this.#sum += finite(value);
    this.#count += 1;
  }

  state(): { readonly sum: number; readonly count: number } {
    return { sum: this.#sum, count: this.#count };
  }
}

/** How often each whole number came. For values that are few; a metric histogram is for many. */
export class Histogram implements Accumulator<number, Readonly<Record<string, number>>> {
  readonly type = 'Histogram';
  readonly rules = 'counts';
  readonly #counts = new Map<number, number>();

  add(value: number): void {
    this.#counts.set(whole(value), (this.#counts.get(value) ?? 0) + 1);
  }

  state(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}

/** A short list of values of plain data, in no order over subtasks. */
export class ListAccumulator<T> implements Accumulator<T, readonly T[]> {
  readonly type = 'ListAccumulator';
  readonly rules = 'concat';
  readonly #values: T[] = [];

  add(value: T): void {
    this.#values.push(value);
  }

  state(): readonly T[] {
    return this.#values;
  }
}

function whole(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${String(value)} is no whole number, and this accumulator takes no other`);
  return value;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new TypeError(`${String(value)} is no finite number, and this accumulator takes no other`);
  return value;
}
