/**
 * One input of an asynchronous operator, from its first call to its answer.
 *
 * AI1  It is answered once: with results, or with an error. Whatever comes later is ignored.
 * AI2  It is asked again only after it failed or its result was refused, at most `retry.attempts` times, and not after its
 *      timeout.
 */
import type { Clock, TimerHandle } from '../../../core/ports.js';
import type { AsyncCall, AsyncResult, AsyncRetrySettings } from '../../async-functions.js';
import type { QueuedInput } from './async-queue.js';

/** What became of an input. */
export type AsyncAnswer =
  { readonly kind: 'results'; readonly results: readonly unknown[] } | { readonly kind: 'error'; readonly error: unknown };

export interface AsyncInputOptions {
  readonly value: unknown;
  readonly timestamp: number;
  readonly clock: Clock;
  readonly invoke: (value: unknown, call: AsyncCall) => PromiseLike<AsyncResult<unknown>>;
  readonly retry: AsyncRetrySettings | undefined;
  /** It has its answer (AI1). */
  readonly onAnswer: (input: AsyncInput, answer: AsyncAnswer) => void;
  /** It is asked again. */
  readonly onRetry: () => void;
}

export class AsyncInput implements QueuedInput {
  readonly kind = 'input';
  readonly value: unknown;
  readonly timestamp: number;
  isAnswered = false;
  /** What leaves for it, once it is answered. */
  results: readonly unknown[] = [];
  /** Why it leaves without results. */
  failure: { readonly error: unknown } | undefined;
  readonly #options: AsyncInputOptions;
  #calls = 0;
  #abort: AbortController | undefined;
  #pause: TimerHandle | undefined;
  #isReleased = false;

  constructor(options: AsyncInputOptions) {
    this.#options = options;
    this.value = options.value;
    this.timestamp = options.timestamp;
  }

  /** Calls the function, for the first time or again. */
  call(): void {
    const { invoke } = this.#options;
    this.#calls += 1;
    const calls = this.#calls;
    const answered = (answer: AsyncAnswer): void => {
      if (this.isAnswered || calls !== this.#calls) return;
      this.#weigh(answer);
    };
    let promise: PromiseLike<AsyncResult<unknown>>;
    try {
      promise = Promise.resolve(invoke(this.value, this.#makeCall()));
    } catch (error) {
      promise = Promise.reject(error as Error);
    }
    promise.then(
      (result) => answered({ kind: 'results', results: Array.isArray(result) ? result : [result] }),
      (error: unknown) => answered({ kind: 'error', error }),
    );
  }

  /** Answers from outside: its time is over. */
  answer(answer: AsyncAnswer): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.release();
    this.#options.onAnswer(this, answer);
  }

  /** Nobody waits any more. */
  release(): void {
    this.isAnswered = true;
    this.#pause?.cancel();
    this.#isReleased = true;
    this.#abort?.abort();
  }

  /** The signal costs something, and most functions never look at it. */
  #makeCall(): AsyncCall {
    const signal = (): AbortSignal => {
      this.#abort ??= new AbortController();
      if (this.#isReleased) this.#abort.abort();
      return this.#abort.signal;
    };
    return {
      get signal() {
        return signal();
      },
    };
  }

  #weigh(answer: AsyncAnswer): void {
    let isRepeated = false;
    let final = answer;
    try {
      isRepeated = this.#isToBeRepeated(answer);
    } catch (error) {
      final = { kind: 'error', error };
    }
    if (!isRepeated) {
      this.isAnswered = true;
      this.#options.onAnswer(this, final);
      return;
    }
    const { clock, retry, onRetry } = this.#options;
    onRetry();
    this.#pause = clock.setTimer(retry?.delayMs(this.#calls) ?? 0, () => this.call());
  }

  /** AI2. */
  #isToBeRepeated(answer: AsyncAnswer): boolean {
    const { retry } = this.#options;
    if (retry === undefined || this.#calls > retry.attempts) return false;
    return answer.kind === 'error' ? retry.ifException(answer.error) : retry.ifResult(answer.results);
  }
}
