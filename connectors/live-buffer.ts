/**
 * What a source that cannot ask again has heard and not emitted yet.
 *
 * LB1  It holds at most so many messages and `limits.liveBytesMax`; what comes then is dropped, counted in the metric
 *      `messagesDropped`, and warned of at most every `limits.messageCheckMs`.
 */
import { limits } from '../core/limits.js';
import type { OperatorContext } from '../dataflow/contracts.js';

export interface LiveBufferOptions {
  readonly context: Pick<OperatorContext, 'clock' | 'logger' | 'metrics'>;
  readonly sourceName: string;
  readonly messagesMax: number;
}

export class LiveBuffer<M> {
  readonly #options: LiveBufferOptions;
  #messages: { readonly message: M; readonly bytes: number }[] = [];
  #head = 0;
  #bytes = 0;
  #dropped = 0;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(options: LiveBufferOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#messages.length - this.#head;
  }

  /** False when the message was dropped (LB1). */
  push(message: M, bytes: number): boolean {
    if (this.length >= this.#options.messagesMax || (this.#bytes + bytes > limits.liveBytesMax && this.length > 0)) {
      this.#drop();
      return false;
    }
    this.#messages.push({ message, bytes });
    this.#bytes += bytes;
    this.wake();
    return true;
  }

  shift(): M | undefined {
    const first = this.#messages[this.#head];
    if (first === undefined || this.#failure !== undefined) return undefined;
    this.#head++;
    this.#bytes -= first.bytes;
    // Taken messages are let go when they are half of what is held, so that each of a backlog is moved once.
    if (this.#head === this.#messages.length || (this.#head >= limits.messagesAheadMax && this.#head * 2 >= this.#messages.length)) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return first.message;
  }

  /** Reading failed; the first failure counts. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#waiting?.reject(this.#failure.error);
    this.#waiting = undefined;
  }

  /** Whoever waits looks again. */
  wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Resolves when there is a message, or something woke it; rejects when reading failed. */
  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.length > 0) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  #drop(): void {
    const { context, sourceName } = this.#options;
    this.#dropped++;
    context.metrics.counter('messagesDropped').increment();
    const now = context.clock.monotonic();
    if (now - this.#warnedAt < limits.messageCheckMs) return;
    this.#warnedAt = now;
    context.logger.log('warn', 'Messages come faster than they are processed, and are dropped', {
      source: sourceName,
      dropped: this.#dropped,
    });
  }
}
