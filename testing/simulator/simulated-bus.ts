/** One connection of a simulated process to the {@link SimulatedNetwork}: the port {@link Bus} under virtual time. */
import { busError, timeoutError, tooLargeError } from '../../bus/bus-error.js';
import type { Bus, BusError, BusMessage, BusStatus, BusSubscription } from '../../bus/contracts.js';
import { compilePattern, isSubject, isSubjectPattern } from '../../bus/subject-pattern.js';
import { toErrorRecord } from '../../core/errors.js';
import type { NetworkMessage, NetworkProcess, NetworkSubscription, SimulatedNetwork } from './simulated-network.js';

export interface SimulatedBusParts {
  readonly network: SimulatedNetwork;
  readonly process: NetworkProcess;
  readonly id: number;
}

interface PendingRequest {
  readonly resolve: (answer: Uint8Array) => void;
  readonly fail: (error: BusError) => void;
  readonly subject: string;
}

export class SimulatedBus implements Bus {
  readonly id: number;
  readonly process: NetworkProcess;
  readonly payloadBytesMax: number;
  readonly #network: SimulatedNetwork;
  readonly #subscriptions = new Set<NetworkSubscription>();
  readonly #requests = new Map<number, PendingRequest>();
  readonly #listeners = new Set<(status: BusStatus) => void>();
  #status: BusStatus = 'connected';
  /** Grows whenever the connection breaks: what was on the way then belongs to an older one. */
  #generation = 0;
  #lastRequest = 0;
  #handlerFailures = 0;
  /** When the latest subscribe or unsubscribe reaches the server: what is sent after it does not overtake it. */
  #controlHorizon = 0;
  /** When the latest of everything sent reaches the server. */
  #sendHorizon = 0;

  /** Use {@link SimulatedNetwork.connect}. */
  constructor(parts: SimulatedBusParts) {
    this.id = parts.id;
    this.process = parts.process;
    this.payloadBytesMax = parts.network.payloadBytesMax;
    this.#network = parts.network;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Handlers that threw so far. */
  get handlerFailures(): number {
    return this.#handlerFailures;
  }

  publish(subject: string, payload: Uint8Array): void {
    const problem = this.#problem(subject, payload);
    if (problem !== undefined) throw problem;
    this.#send({ subject, payload, from: this, reply: undefined });
  }

  request(subject: string, payload: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const problem = this.#problem(subject, payload);
      if (problem !== undefined) {
        reject(problem);
        return;
      }
      const requestId = (this.#lastRequest += 1);
      const timer = this.process.clock.setTimer(options.timeoutMs, () => fail(timeoutError(subject, options.timeoutMs)));
      const settle = (): boolean => {
        timer.cancel();
        return this.#requests.delete(requestId);
      };
      const fail = (error: BusError): void => {
        if (settle()) reject(error);
      };
      this.#requests.set(requestId, { subject, fail, resolve: (answer) => settle() && resolve(answer) });
      this.#send({ subject, payload, from: this, reply: { to: this, requestId } });
    });
  }

  subscribe(pattern: string, handler: (message: BusMessage) => void, options?: { readonly queue?: string }): BusSubscription {
    if (this.#status === 'closed') throw busError('closed', pattern);
    if (!isSubjectPattern(pattern)) throw new TypeError(`${JSON.stringify(pattern)} is not a subject pattern`);
    const subscription: NetworkSubscription = {
      owner: this,
      queue: options?.queue,
      matches: compilePattern(pattern),
      deliver: (message) => {
        if (this.#subscriptions.has(subscription)) this.#handle(handler, message);
      },
    };
    this.#subscriptions.add(subscription);
    this.#control(`subscribe ${pattern}`, () => {
      if (this.#subscriptions.has(subscription)) this.#network.add(subscription);
    });
    return {
      unsubscribe: () => {
        if (this.#subscriptions.delete(subscription)) this.#control(`unsubscribe ${pattern}`, () => this.#network.remove(subscription));
      },
    };
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#status !== 'connected') {
        reject(busError(this.#status, 'flush'));
        return;
      }
      const requestId = (this.#lastRequest += 1);
      const fail = (error: BusError): void => {
        if (this.#requests.delete(requestId)) reject(error);
      };
      this.#requests.set(requestId, { subject: 'flush', fail, resolve: () => this.#requests.delete(requestId) && resolve() });
      this.#network.toServer(this, 'flush', this.#sendHorizon, () => {
        this.#network.toProcess(this, 'flushed', undefined, () => this.answered(requestId, new Uint8Array(0)));
      });
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
    this.#subscriptions.clear();
    this.#become('closed');
    await new Promise<void>((resolve) => {
      this.#network.toServer(this, 'close', this.#sendHorizon, () => {
        this.#network.forget(this);
        this.#network.toProcess(this, 'closed', undefined, resolve);
      });
    });
  }

  /** For the network: the answer to a request has come. */
  answered(requestId: number, payload: Uint8Array): void {
    this.#requests.get(requestId)?.resolve(payload);
  }

  /** For the network: nobody listens on the subject of the request. */
  unanswerable(requestId: number): void {
    const request = this.#requests.get(requestId);
    request?.fail(busError('no-responders', request.subject));
  }

  /** For the network: the connection breaks. False when there is none to break. */
  break(): boolean {
    if (this.#status !== 'connected' || !this.process.isAlive) return false;
    this.#generation += 1;
    // The process notices in its own time; a paused one when it goes on.
    this.process.later(0, 'connection lost', () => this.#become('disconnected'));
    return true;
  }

  /** For the network: the connection is there again, with the subscriptions it has now. */
  restore(): void {
    if (this.#status === 'closed') return;
    for (const subscription of this.#subscriptions) this.#network.add(subscription);
    this.#become('connected');
  }

  #send(message: NetworkMessage): void {
    this.#sendHorizon = Math.max(this.#sendHorizon, this.#network.send(message, this.#controlHorizon));
  }

  #control(label: string, arrive: () => void): void {
    // While disconnected there is nothing to tell: restoring registers what is subscribed by then.
    if (this.#status === 'disconnected') return;
    this.#controlHorizon = this.#network.toServer(this, label, Math.max(this.#controlHorizon, this.#sendHorizon), arrive);
    this.#sendHorizon = Math.max(this.#sendHorizon, this.#controlHorizon);
  }

  #problem(subject: string, payload: Uint8Array): Error | undefined {
    if (this.#status !== 'connected') return busError(this.#status, subject);
    if (!isSubject(subject)) return new TypeError(`${JSON.stringify(subject)} is not a subject`);
    return payload.length > this.payloadBytesMax ? tooLargeError(subject, payload.length, this.payloadBytesMax) : undefined;
  }

  #handle(handler: (message: BusMessage) => void, message: NetworkMessage): void {
    try {
      handler({ subject: message.subject, payload: message.payload, respond: this.#responder(message.reply) });
    } catch (error) {
      this.#handlerFailures += 1;
      this.process.logger.log('error', 'a bus handler threw', { subject: message.subject, error: toErrorRecord(error) });
    }
  }

  #responder(reply: NetworkMessage['reply']): BusMessage['respond'] {
    if (reply === undefined) return undefined;
    return (payload) => {
      const problem = this.#problem('reply', payload);
      if (problem !== undefined) throw problem;
      this.#network.answer(this, reply.to, reply.requestId, payload, this.#controlHorizon);
    };
  }

  #become(status: BusStatus): void {
    if (this.#status === status || this.#status === 'closed') return;
    this.#status = status;
    if (status !== 'connected') for (const request of [...this.#requests.values()]) request.fail(busError(status, request.subject));
    for (const listener of [...this.#listeners]) listener(status);
  }
}
