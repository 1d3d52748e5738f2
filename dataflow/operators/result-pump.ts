/**
 * Hands on what a function returned, as far as output is available, and parks the rest.
 *
 * RP1  Results keep their order: as long as something is parked, later results queue behind it.
 * RP2  Before each result the availability of output is checked; what is left is pulled when the loop resumes it.
 * RP3  An iterable that is given up (the task ends) gets `return`, so that its `finally` runs.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Emit, OperatorContext } from '../contracts.js';
import type { Results } from '../functions.js';

interface Pending<Out> {
  readonly iterator: Iterator<Out>;
  readonly timestamp: number;
  /** Restores what the function expects around it (the current key) before more is pulled. */
  readonly prepare: (() => void) | undefined;
}

/** One per operator whose functions return results. */
export class ResultPump<Out> {
  readonly #out: Emit<Out>;
  readonly #context: OperatorContext;
  readonly #queue: Pending<Out>[] = [];

  constructor(out: Emit<Out>, context: OperatorContext) {
    this.#out = out;
    this.#context = context;
  }

  /** Takes what a call returned. Cost: nothing for functions that return nothing. */
  take(results: Results<Out>, timestamp: number, prepare?: () => void): void {
    if (results === undefined || results === null) return;
    const pending = { iterator: this.#iteratorOf(results), timestamp, prepare };
    if (this.#queue.length > 0) {
      if (this.#queue.length >= limits.parkedResultsMax) throw this.#overrun();
      this.#queue.push(pending);
    } else if (!this.#pull(pending)) {
      this.#queue.push(pending);
      this.#context.park(this.#resume);
    }
  }

  /** RP3. */
  close(): void {
    for (const { iterator } of this.#queue.splice(0)) iterator.return?.();
  }

  readonly #resume = (): boolean => {
    for (let pending = this.#queue[0]; pending !== undefined; pending = this.#queue[0]) {
      pending.prepare?.();
      if (!this.#pull(pending)) return false;
      this.#queue.shift();
    }
    return true;
  };

  /** Whether the iterable is at its end. */
  #pull({ iterator, timestamp }: Pending<Out>): boolean {
    while (this.#context.isOutputAvailable()) {
      const next = iterator.next();
      if (next.done === true) return true;
      this.#out(next.value, timestamp);
    }
    return false;
  }

  #iteratorOf(results: Iterable<Out>): Iterator<Out> {
    const make: unknown = results[Symbol.iterator];
    if (typeof make === 'function') return results[Symbol.iterator]();
    const isPromise = typeof (results as { readonly then?: unknown }).then === 'function';
    throw new MillraceError('RESULT_NOT_ITERABLE', `The function returned ${isPromise ? 'a promise' : `a ${typeof results}`}.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: 'Return an iterable of results or nothing; functions on records are synchronous.',
    });
  }

  #overrun(): MillraceError {
    return new MillraceError('RESULTS_OVERRUN', `More than ${limits.parkedResultsMax} results wait for output at once.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: 'An operator before this one collects too much for one record: let it return a generator instead.',
    });
  }
}
