/**
 * The bus as a slot thread sees it: every call becomes a message to the main thread of the TaskManager, which owns
 * the connection for control. Keeps B1–B5 of bus/contracts.ts as far as that connection does.
 *
 * TB1  A payload published on a data subject is given away when it has a buffer of its own: it is transferred, and empty
 *      afterwards. On all other subjects the caller keeps its payload.
 * TB2  A payload that is delivered has a buffer of its own.
 */
import { toErrorRecord } from '../../../core/errors.js';
import type { Logger } from '../../../core/ports.js';
import { busError, tooLargeError } from '../../bus-error.js';
import { BusError, type Bus, type BusMessage, type BusStatus, type BusSubscription } from '../../contracts.js';
import { isSubject, isSubjectPattern } from '../../subject-pattern.js';
import { transferable, type BusCommand, type BusNews, type Post } from './thread-messages.js';

export interface ThreadBusOptions {
  readonly post: Post<BusCommand>;
  readonly logger: Logger;
  readonly payloadBytesMax: number;
  /** Whether a subject carries frames, whose payloads are given away (TB1). */
  readonly isDataSubject: (subject: string) => boolean;
}

interface Waiter {
  readonly subject: string;
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

export class ThreadBus implements Bus {
  readonly payloadBytesMax: number;
  readonly #options: ThreadBusOptions;
  readonly #handlers = new Map<number, (message: BusMessage) => void>();
  readonly #requests = new Map<number, Waiter>();
  readonly #flushes = new Map<number, () => void>();
  readonly #listeners = new Set<(status: BusStatus) => void>();
  #status: BusStatus = 'connected';
  #lastId = 0;
  #handlerFailures = 0;

  constructor(options: ThreadBusOptions) {
    this.#options = options;
    this.payloadBytesMax = options.payloadBytesMax;
  }

  /** Handlers that threw so far. */
  get handlerFailures(): number {
    return this.#handlerFailures;
  }

  publish(subject: string, payload: Uint8Array): void {
    const problem = this.#problem(subject, payload);
    if (problem !== undefined) throw problem;
    const owned = transferable(payload, this.#options.isDataSubject(subject));
    this.#options.post({ layer: 'bus', kind: 'publish', subject, payload: owned.payload }, owned.transfer);
  }

  request(subject: string, payload: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array> {
    const problem = this.#problem(subject, payload);
    if (problem !== undefined) return Promise.reject(problem);
    const id = this.#nextId();
    const owned = transferable(payload, false);
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { subject, resolve, reject });
      this.#options.post(
        { layer: 'bus', kind: 'request', id, subject, payload: owned.payload, timeoutMs: options.timeoutMs },
        owned.transfer,
      );
    });
  }

  subscribe(pattern: string, handler: (message: BusMessage) => void, options?: { readonly queue?: string }): BusSubscription {
    if (this.#status === 'closed') throw busError('closed', pattern);
    if (!isSubjectPattern(pattern)) throw new TypeError(`${JSON.stringify(pattern)} is not a subject pattern`);
    const id = this.#nextId();
    this.#handlers.set(id, handler);
    this.#options.post({ layer: 'bus', kind: 'subscribe', id, pattern, queue: options?.queue });
    return {
      unsubscribe: () => {
        if (this.#handlers.delete(id)) this.#options.post({ layer: 'bus', kind: 'unsubscribe', id });
      },
    };
  }

  flush(): Promise<void> {
    if (this.#status === 'closed') return Promise.reject(busError('closed', 'flush'));
    const id = this.#nextId();
    return new Promise((resolve) => {
      this.#flushes.set(id, resolve);
      this.#options.post({ layer: 'bus', kind: 'flush', id });
    });
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
    const flushed = this.flush();
    for (const id of this.#handlers.keys()) this.#options.post({ layer: 'bus', kind: 'unsubscribe', id });
    this.#handlers.clear();
    this.#setStatus('closed');
    for (const { subject, reject } of this.#requests.values()) reject(busError('closed', subject));
    this.#requests.clear();
    await flushed;
  }

  /** Takes in what the main thread says. */
  receive(news: BusNews): void {
    switch (news.kind) {
      case 'message':
        return this.#deliver(news);
      case 'reply':
        this.#takeRequest(news.id)?.resolve(news.payload);
        return undefined;
      case 'request-failed':
        this.#takeRequest(news.id)?.reject(new BusError(news.failure, news.message));
        return undefined;
      case 'flushed':
        this.#flushes.get(news.id)?.();
        this.#flushes.delete(news.id);
        return undefined;
      case 'status':
        if (this.#status !== 'closed') this.#setStatus(news.status);
        return undefined;
    }
  }

  #deliver(news: Extract<BusNews, { readonly kind: 'message' }>): void {
    // A message under way when its subscription ended is not delivered.
    const handler = this.#handlers.get(news.subscription);
    if (handler === undefined) return;
    const { subject, payload, token } = news;
    try {
      handler({ subject, payload, isOwned: true, respond: token === undefined ? undefined : this.#responder(token) });
    } catch (error) {
      this.#handlerFailures += 1;
      this.#options.logger.log('error', 'a bus handler threw', { subject, error: toErrorRecord(error) });
    }
  }

  #responder(token: number): (payload: Uint8Array) => void {
    return (payload) => {
      const problem = this.#problem('reply', payload);
      if (problem !== undefined) throw problem;
      const owned = transferable(payload, false);
      this.#options.post({ layer: 'bus', kind: 'respond', token, payload: owned.payload }, owned.transfer);
    };
  }

  #takeRequest(id: number): Waiter | undefined {
    const waiter = this.#requests.get(id);
    this.#requests.delete(id);
    return waiter;
  }

  #setStatus(status: BusStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const listener of [...this.#listeners]) listener(status);
  }

  #problem(subject: string, payload: Uint8Array): Error | undefined {
    if (this.#status === 'closed') return busError('closed', subject);
    if (!isSubject(subject)) return new TypeError(`${JSON.stringify(subject)} is not a subject`);
    return payload.length > this.payloadBytesMax ? tooLargeError(subject, payload.length, this.payloadBytesMax) : undefined;
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}
