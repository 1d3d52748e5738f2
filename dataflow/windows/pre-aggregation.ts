/**
 * Windows folded in two steps: first where the records are made, then where their key is.
 *
 * What crosses to the subtask of a key is one partial result for each key and slice, in place of every record of it. A hot key
 * is folded by all subtasks, and no more than their partial results meet in one.
 *
 * PA1  Partial results leave before the watermark that ends their slice is handed on, before the task is said to be idle, before
 *      every barrier, and at the end of input. So nothing of them is state, and no record is late for it. (Of a task that was
 *      idle and came back behind the others, what is late but allowed fires a window again later, and several records once.)
 * PA2  A record whose slice has ended is handed on at once: whether it is late is for the operator behind to say. So is one that
 *      comes while the task is said to be idle, and time goes on behind without it.
 * PA3  Fewer than `preAggregatedKeysMax` keys of slices are held: when they are as many, all of them leave.
 * PA4  What is handed on has the last time of its slice: it falls into the windows that the records fall into, and no others.
 */
import { canonicalKey, type CanonicalKey } from '../../core/keys.js';
import { limits } from '../../core/limits.js';
import { minWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import { failFunction } from '../operators/user-error.js';
import { Slices } from './slices.js';
import { timestampMissing } from './timestamps.js';
import type { FixedWindows } from './window-assigner.js';
import { ownContentsBy, type PartialResult, type WindowContents } from './window-contents.js';
import { contentsOf, type WindowPlan } from './window-plan.js';

type Slice<Acc> = Map<CanonicalKey, PartialResult<Acc>>;

/** The slice of the last record, where the next one most likely belongs too. `end` is NaN when there is none. */
interface Latest<Acc> {
  end: number;
  slice: Slice<Acc>;
}

/** Folds records into partial results. */
export class PreAggregateOperator<In, Acc, Mid> implements Operator<In, PartialResult<Acc>> {
  readonly #plan: WindowPlan<In, Acc, Mid>;
  readonly #slices: Slices;
  /** By end, in the order they were begun. */
  readonly #open = new Map<number, Slice<Acc>>();
  readonly #latest: Latest<Acc> = { end: NaN, slice: new Map() };
  /** On their way out, as far as there is room for them. */
  readonly #leaving: { readonly end: number; readonly results: Iterator<PartialResult<Acc>> }[] = [];
  #held = 0;
  /** What was handed on. The task may be ahead of it: timers of an operator before this one fire first. */
  #watermark = minWatermark;
  #isIdle = false;
  #contents!: WindowContents<In, Acc, Mid>;
  #context!: OperatorContext;
  #out!: Emit<PartialResult<Acc>>;

  constructor(plan: WindowPlan<In, Acc, Mid>, windows: FixedWindows) {
    this.#plan = plan;
    this.#slices = new Slices(windows);
  }

  bind(out: Emit<PartialResult<Acc>>, context: OperatorContext): Emit<In> {
    this.#out = out;
    this.#context = context;
    this.#contents = contentsOf(this.#plan, context);
    return (
      this.#compiled() ??
      ((value, timestamp) => {
        this.#add(value, timestamp);
      })
    );
  }

  /** PA1. */
  onWatermark(watermark: number): void {
    this.#watermark = watermark;
    for (const end of [...this.#open.keys()].sort((one, other) => one - other)) if (end - 1 <= watermark) this.#close(end);
    this.#leave();
  }

  /** PA1, PA2. */
  onIdle(isIdle: boolean): void {
    this.#isIdle = isIdle;
    if (isIdle) this.#closeAll();
  }

  /** PA1. */
  prepareSnapshot(): void {
    this.#closeAll();
  }

  /** PA1. */
  finish(): void {
    this.#closeAll();
  }

  /** Code of its own for the usual record: one of a key and slice that are there. */
  #compiled(): Emit<In> | undefined {
    const { code, uses } = this.#contents;
    const { operatorName, isObjectReuse } = this.#context;
    const { widthMs, sliceOffset } = this.#slices;
    return compile<Emit<In>>(
      'preAggregate',
      {
        ...uses,
        keyOf: this.#plan.keyOf,
        canonicalKey,
        latest: this.#latest,
        own: ownContentsBy({ place: operatorName, isObjectReuse }),
        addSlowly: (value: In, timestamp: number) => this.#add(value, timestamp),
        fail: (error: unknown): never => failFunction(operatorName, error),
      },
      `return function preAggregate(value, timestamp) {
  const end = (Math.floor((timestamp - ${sliceOffset}) / ${widthMs}) + 1) * ${widthMs} + ${sliceOffset};
  if (end === latest.end) {
    try {
      const held = latest.slice.get(canonicalKey(keyOf(value)));
      if (held !== undefined) {
        const before = held.contents;
        const after = ${code.replaceAll('$', '')};
        if (after !== before) held.contents = typeof after === 'number' ? after : own(after);
        return;
      }
    } catch (error) {
      fail(error);
    }
  }
  addSlowly(value, timestamp);
};`,
    );
  }

  #add(value: In, timestamp: number): void {
    const { operatorName } = this.#context;
    try {
      if (timestamp === noTimestamp) throw timestampMissing(operatorName);
      const end = this.#slices.endAt(timestamp);
      const key = this.#plan.keyOf(value);
      const canonical = canonicalKey(key);
      const slice = this.#sliceAt(end);
      const held = slice.get(canonical);
      if (held !== undefined) held.contents = this.#contents.add(value, held.contents, timestamp);
      else {
        slice.set(canonical, { key, contents: this.#contents.begin(value, timestamp) });
        this.#held += 1;
      }
      if (this.#isIdle || end - 1 <= this.#watermark) {
        this.#close(end);
        this.#leave();
      } else if (this.#held >= limits.preAggregatedKeysMax) this.#closeAll();
    } catch (error) {
      failFunction(operatorName, error);
    }
  }

  #sliceAt(end: number): Slice<Acc> {
    const latest = this.#latest;
    if (latest.end === end) return latest.slice;
    let slice = this.#open.get(end);
    if (slice === undefined) {
      slice = new Map();
      this.#open.set(end, slice);
    }
    latest.end = end;
    latest.slice = slice;
    return slice;
  }

  #closeAll(): void {
    for (const end of [...this.#open.keys()]) this.#close(end);
    this.#leave();
  }

  #close(end: number): void {
    const slice = this.#open.get(end) as Slice<Acc>;
    this.#open.delete(end);
    this.#held -= slice.size;
    if (this.#latest.end === end) this.#latest.end = NaN;
    this.#leaving.push({ end, results: slice.values() });
  }

  #leave(): void {
    if (!this.#drain()) this.#context.park(() => this.#drain());
  }

  /** Whether everything has left. */
  #drain(): boolean {
    for (let first = this.#leaving[0]; first !== undefined; first = this.#leaving[0]) {
      for (let next = first.results.next(); next.done !== true; next = first.results.next()) {
        this.#out(next.value, first.end - 1);
        if (!this.#context.isOutputAvailable()) return false;
      }
      this.#leaving.shift();
    }
    return true;
  }
}
