/** One connection to an {@link InProcessHub}. Keeps B1–B5 of bus/contracts.ts, and loses nothing. */
import { toErrorRecord } from '../../../core/errors.js';
import { busError, timeoutError, tooLargeError } from '../../bus-error.js';
import type { Bus, BusError, BusMessage, BusStatus, BusSubscription } from '../../contracts.js';
import { isSubject, isSubjectPattern } from '../../subject-pattern.js';
import type { InProcessHub } from './hub.js';

export class InProcessBus implements Bus {
  readonly payloadBytesMax: number;
  readonly #hub: InProcessHub;
  readonly #name: string;
  readonly #removals = new Set<() => void>();
  readonly #failRequests = new Set<(error: BusError) => void>();
  readonly #listeners = new Set<(status: BusStatus) => void>();
  #status: BusStatus = 'connected';
  #handlerFailures = 0;

  /** Use {@link InProcessHub.connect}. */
  constructor(hub: InProcessHub, name: string) {
    this.#hub = hub;
    this.#name = name;
    this.payloadBytesMax = hub.payloadBytesMax;
  }

  /** Handlers that threw so far. */
  get handlerFailures(): number {
    return this.#handlerFailures;
  }

  publish(subject: string, payload: Uint8Array): void {
    const problem = this.#problem(subject, payload);
    if (problem !== undefined) throw problem;
    this.#hub.route(subject, payload);
  }

  request(subject: string, payload: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const problem = this.#problem(subject, payload);
      if (problem !== undefined) {
        reject(problem);
        return;
      }
      const settle = (): boolean => {
        timer.cancel();
        return this.#failRequests.delete(fail);
      };
      const fail = (error: BusError): void => {
        if (settle()) reject(error);
      };
      const timer = this.#hub.clock.setTimer(options.timeoutMs, () => fail(timeoutError(subject, options.timeoutMs)));
      this.#failRequests.add(fail);
      const respond = (answer: Uint8Array): void => {
        this.#hub.later(() => {
          if (settle()) resolve(answer);
        });
      };
      if (!this.#hub.route(subject, payload, respond)) this.#hub.later(() => fail(busError('no-responders', subject)));
    });
  }

  subscribe(pattern: string, handler: (message: BusMessage) => void, options?: { readonly queue?: string }): BusSubscription {
    if (this.#status === 'closed') throw busError('closed', pattern);
    if (!isSubjectPattern(pattern)) throw new TypeError(`${JSON.stringify(pattern)} is not a subject pattern`);
    let isActive = true;
    const remove = this.#hub.add({
      pattern,
      queue: options?.queue,
      deliver: (subject, payload, respond) => {
        if (isActive) this.#handle(handler, { subject, payload, respond: this.#checked(respond) });
      },
    });
    const unsubscribe = (): void => {
      isActive = false;
      remove();
      this.#removals.delete(unsubscribe);
    };
    this.#removals.add(unsubscribe);
    return { unsubscribe };
  }

  flush(): Promise<void> {
    if (this.#status === 'closed') return Promise.reject(busError('closed', 'flush'));
    return new Promise((resolve) => this.#hub.later(resolve));
  }

  status(): BusStatus {
    return this.#status;
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#status === 'closed') return;
    this.#status = 'closed';
    for (const remove of [...this.#removals]) remove();
    for (const fail of [...this.#failRequests]) fail(busError('closed', this.#name));
    for (const listener of [...this.#listeners]) listener('closed');
    await new Promise<void>((resolve) => this.#hub.later(resolve));
  }

  #problem(subject: string, payload: Uint8Array): Error | undefined {
    if (this.#status === 'closed') return busError('closed', subject);
    if (!isSubject(subject)) return new TypeError(`${JSON.stringify(subject)} is not a subject`);
    return payload.length > this.payloadBytesMax ? tooLargeError(subject, payload.length, this.payloadBytesMax) : undefined;
  }

  #checked(respond: ((payload: Uint8Array) => void) | undefined): BusMessage['respond'] {
    if (respond === undefined) return undefined;
    return (payload) => {
      const problem = this.#problem('reply', payload);
      if (problem !== undefined) throw problem;
      respond(payload);
    };
  }

  #handle(handler: (message: BusMessage) => void, message: BusMessage): void {
    try {
      handler(message);
    } catch (error) {
      this.#handlerFailures += 1;
      this.#hub.logger.log('error', 'a bus handler threw', { bus: this.#name, subject: message.subject, error: toErrorRecord(error) });
    }
  }
}
