/**
 * Hands on what a function returned, as far as output is available, and parks the rest.
 *
 * RP1  Results leave in the order of the records that made them: while something is parked, records that still come
 *      (collected in a burst by an operator before this one) wait behind it.
 * RP2  Before each result the availability of output is checked; what is left is pulled when the loop resumes it, under
 *      the key it was parked under.
 * RP3  An iterable that is given up (the task ends) gets `return`, so that its `finally` runs.
 * RP4  What a function throws names the operator.
 */
import { MillraceError } from '../../core/errors.js';
import { keyHashOf, type Key } from '../../core/keys.js';
import { limits } from '../../core/limits.js';
import type { Emit, OperatorContext } from '../contracts.js';
import type { Results } from '../functions.js';
import { approximateBytes } from '../records/copy-record.js';
import { iteratorOf } from './results.js';
import { synchronous } from './synchronous.js';
import { failFunction } from './user-error.js';

type Waiting<In, Out> =
  | { readonly kind: 'results'; readonly iterator: Iterator<Out>; readonly timestamp: number; readonly key: Key | undefined }
  | { readonly kind: 'record'; readonly value: In; readonly timestamp: number; readonly keyHash: number | undefined };

export interface ResultPumpOptions<In, Out> {
  readonly out: Emit<Out>;
  readonly context: OperatorContext;
  /**
   * Takes a record: calls the function, and {@link ResultPump.take} with what it returned; or, while results wait,
   * {@link ResultPump.defer}.
   */
  readonly process: Emit<In>;
  /** Called before parked results go on, with the timestamp of their record. */
  readonly onResume: (timestamp: number) => void;
}

/** One per operator whose functions return results. */
export class ResultPump<In, Out> {
  readonly #options: ResultPumpOptions<In, Out>;
  /** Results and records that wait. Read before each record. */
  waitingCount = 0;
  #queue: Waiting<In, Out>[] = [];
  /** Of the first of the queue that still waits. */
  #head = 0;
  /** While a record that waited is processed: the results it leaves. */
  #left: Waiting<In, Out>[] | undefined;
  #waitingBytes = 0;
  /** From `park` until `#resume` says that nothing is left. */
  #isParked = false;
  /** Until a result was looked at (SY1). */
  #isFirst = true;

  constructor(options: ResultPumpOptions<In, Out>) {
    this.#options = options;
  }

  /** What a call returned. Costs nothing for functions that return nothing. */
  take(results: Results<Out>, timestamp: number): void {
    if (results === undefined || results === null) return;
    const iterator = this.#iteratorOf(results);
    if (this.waitingCount === 0 && this.#pull(iterator, timestamp)) return;
    this.#push({ kind: 'results', iterator, timestamp, key: this.#options.context.keyed?.currentKey() });
    if (this.#isParked) return;
    this.#isParked = true;
    this.#options.context.park(this.#resume);
  }

  /** RP3. */
  close(): void {
    const waiting = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    this.waitingCount = 0;
    for (const one of waiting) if (one.kind === 'results') one.iterator.return?.();
  }

  readonly #resume = (): boolean => {
    const { context, onResume } = this.#options;
    for (let first = this.#queue[this.#head]; first !== undefined; first = this.#queue[this.#head]) {
      if (!context.isOutputAvailable()) return false;
      if (first.kind === 'record') {
        this.#shift();
        this.#processDeferred(first.value, first.timestamp, first.keyHash);
        continue;
      }
      const { keyed } = context;
      if (keyed !== undefined && first.key !== undefined) keyed.setCurrentKey(first.key, keyHashOf(first.key));
      onResume(first.timestamp);
      if (!this.#pull(first.iterator, first.timestamp)) return false;
      this.#shift();
    }
    this.#waitingBytes = 0;
    this.#isParked = false;
    return true;
  };

  /** What the record leaves parked comes before the records that wait behind it. */
  #processDeferred(value: In, timestamp: number, keyHash: number | undefined): void {
    const behind = this.waitingCount;
    const left: Waiting<In, Out>[] = [];
    this.waitingCount = 0;
    this.#left = left;
    try {
      this.#options.process(value, timestamp, keyHash);
    } finally {
      this.#left = undefined;
      this.waitingCount = behind + left.length;
      if (left.length > 0) this.#queue.splice(this.#head, 0, ...left);
    }
  }

  /** Whether the iterable is at its end. */
  #pull(iterator: Iterator<Out>, timestamp: number): boolean {
    const { context, out } = this.#options;
    while (context.isOutputAvailable()) {
      const next = this.#next(iterator);
      if (next.done === true) return true;
      if (this.#isFirst) this.#prove(next.value);
      out(next.value, timestamp);
    }
    return false;
  }

  /** SY1. */
  #prove(value: unknown): void {
    try {
      synchronous(value);
    } catch (error) {
      failFunction(this.#options.context.operatorName, error);
    }
    this.#isFirst = false;
  }

  #next(iterator: Iterator<Out>): IteratorResult<Out> {
    try {
      return iterator.next();
    } catch (error) {
      return failFunction(this.#options.context.operatorName, error);
    }
  }

  /** A record that comes while others wait (RP1). */
  defer(value: In, timestamp: number, keyHash: number | undefined): void {
    this.#waitingBytes += approximateBytes(value);
    if (this.#waitingBytes > limits.overdraftBytesMax) throw this.#overdraft();
    this.#push({ kind: 'record', value, timestamp, keyHash });
  }

  #shift(): void {
    this.#head += 1;
    this.waitingCount -= 1;
    if (this.#head < this.#queue.length) return;
    this.#queue = [];
    this.#head = 0;
  }

  #push(one: Waiting<In, Out>): void {
    (this.#left ?? this.#queue).push(one);
    this.waitingCount += 1;
  }

  #iteratorOf(results: Iterable<Out>): Iterator<Out> {
    const { operatorName } = this.#options.context;
    try {
      return iteratorOf(results, operatorName);
    } catch (error) {
      return failFunction(operatorName, error);
    }
  }

  #overdraft(): MillraceError {
    return new MillraceError('OUTPUT_OVERDRAFT', `More than ${limits.overdraftBytesMax} bytes of records wait in front of a full output.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#options.context.operatorName,
      hint: 'An operator before this one collects too much for one record: let it return a generator instead.',
    });
  }
}

/** Of results of no record, so of no key: what an operator says when its input ends. */
export function keylessPump<Out>({ out, context, cell }: KeylessPumpOptions<Out>): ResultPump<never, Out> {
  return new ResultPump<never, Out>({
    out,
    context: { ...context, keyed: undefined },
    process: () => undefined,
    onResume: (timestamp) => void (cell.now = timestamp),
  });
}

export interface KeylessPumpOptions<Out> extends Pick<ResultPumpOptions<never, Out>, 'out' | 'context'> {
  /** Where the timestamp of results stands. */
  readonly cell: { now: number };
}
