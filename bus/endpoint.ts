/**
 * The endpoint of bus/endpoint-contract.ts over any {@link Bus}: E1–E3.
 *
 * N1  Everything sent is checked first: a body that does not match its declaration is the sender's defect and throws.
 * N2  A tell that could not be delivered is counted as `undelivered` and logged, never thrown: tells may be lost.
 * N3  Every ask settles: with the checked answer, the error the other side gave, or a BusError.
 * N4  No time, randomness or scheduling but what was injected.
 */
import { fromErrorRecord, MillraceError, toErrorRecord } from '../core/errors.js';
import type { LeaderEpoch } from '../core/ids.js';
import { limits } from '../core/limits.js';
import type { CorePorts, TimerHandle } from '../core/ports.js';
import { busError, timeoutError, tooLargeError } from './bus-error.js';
import { type Bus, BusError, type BusSubscription } from './contracts.js';
import { DeadLetters } from './dead-letters.js';
import type { Address, AskOptions, DeadLetter, Endpoint, Envelope, ServeOptions, Service, TellOptions } from './endpoint-contract.js';
import { Inbox } from './inbox.js';
import { encodeEnvelope, readReply } from './protocol/envelope.js';
import type { AskType, MessageBody, MessageReply, MessageType, TellType } from './protocol/registry.js';
import { addressName, isBroadcast, type Subjects } from './protocol/subjects.js';
import { explainMismatch, matches } from './protocol/validation.js';
import type { Respond } from './remembered-messages.js';

export interface EndpointOptions extends CorePorts {
  /** Name of the actor, for people: `task-manager.tm-1`. */
  readonly name: string;
  readonly bus: Bus;
  readonly subjects: Subjects;
  /** Runs local deliveries later on this thread; default: as a microtask. */
  readonly defer?: (deliver: () => void) => void;
}

/** An endpoint on a connection; several endpoints may share one. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  return new BusEndpoint(options);
}

/** Everything this endpoint serves on one subject, behind one subscription. */
interface Port {
  readonly name: string;
  readonly services: Set<ServeOptions>;
  readonly subscription: BusSubscription;
}

class BusEndpoint implements Endpoint {
  readonly name: string;
  readonly #bus: Bus;
  readonly #subjects: Subjects;
  readonly #ports: CorePorts;
  readonly #defer: (deliver: () => void) => void;
  readonly #deadLetters: DeadLetters;
  readonly #inbox: Inbox;
  readonly payloadBytesMax: number;
  readonly #served = new Map<string, Port>();
  readonly #asks = new Set<(error: BusError) => void>();
  readonly #timers = new Set<TimerHandle>();
  readonly #idPrefix: string;
  readonly #stopWatching: () => void;
  /** Clock.monotonic() of the latest reconnection. */
  #reconnectedAt = Number.NEGATIVE_INFINITY;
  #lastId = 0;
  #undelivered = 0;
  #isClosed = false;

  constructor(options: EndpointOptions) {
    const logger = options.logger.child({ endpoint: options.name });
    this.name = options.name;
    this.#bus = options.bus;
    this.#subjects = options.subjects;
    this.#ports = { clock: options.clock, random: options.random, logger };
    this.#defer = options.defer ?? queueMicrotask;
    this.payloadBytesMax = Math.min(limits.controlMessageBytesMax, options.bus.payloadBytesMax);
    this.#deadLetters = new DeadLetters({ clock: options.clock, logger });
    this.#inbox = new Inbox({ deadLetters: this.#deadLetters, logger, answerBytesMax: this.payloadBytesMax });
    this.#idPrefix = options.random.hex(8);
    this.#stopWatching = options.bus.onStatus((status) => {
      if (status === 'connected') this.#reconnectedAt = options.clock.monotonic();
    });
  }

  tell<T extends TellType>(to: Address, type: T, body: MessageBody<T>, options: TellOptions = {}): void {
    const payload = this.#encode(to, type, body, options);
    const subject = this.#subjects.of(to);
    if (this.#isClosed) {
      this.#lost(type, subject, 'the endpoint is closed');
      return;
    }
    if (this.#isLocal(to, subject)) {
      this.#defer(() => {
        if (!this.#receive(subject, payload, undefined)) this.#lost(type, subject, 'nobody serves it any more');
      });
      return;
    }
    try {
      this.#bus.publish(subject, payload);
    } catch (error) {
      if (!(error instanceof BusError) || error.failure === 'too-large') throw error;
      this.#lost(type, subject, error.message);
    }
  }

  ask<T extends AskType>(to: Address, type: T, body: MessageBody<T>, options: AskOptions = {}): Promise<MessageReply<T>> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw busError('closed', this.name);
      const payload = this.#encode(to, type, body, options);
      const settle = (): boolean => this.#asks.delete(fail);
      const fail = (error: unknown): void => {
        if (settle()) reject(error);
      };
      this.#asks.add(fail);
      this.#exchange(to, type, payload, options).then((answer) => {
        // `readReply` checked the body against the declaration of this very type.
        if (settle()) resolve(answer as MessageReply<T>);
      }, fail);
    });
  }

  serve(address: Address, options: ServeOptions): Service {
    if (this.#isClosed) throw busError('closed', this.name);
    const subject = this.#subjects.of(address);
    const port = this.#served.get(subject) ?? this.#open(subject, address);
    // A copy, so that serving the same options twice makes two services.
    const service = { ...options };
    port.services.add(service);
    return {
      stop: () => {
        port.services.delete(service);
        if (port.services.size > 0 || this.#served.get(subject) !== port) return;
        port.subscription.unsubscribe();
        this.#served.delete(subject);
      },
    };
  }

  deadLetters(): { readonly counts: Readonly<Record<string, number>>; readonly latest: readonly DeadLetter[] } {
    const { counts, latest } = this.#deadLetters.read();
    return { counts: this.#undelivered === 0 ? counts : { ...counts, undelivered: this.#undelivered }, latest };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopWatching();
    for (const port of this.#served.values()) port.subscription.unsubscribe();
    this.#served.clear();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const fail of [...this.#asks]) fail(busError('closed', this.name));
  }

  #open(subject: string, address: Address): Port {
    const subscription = this.#bus.subscribe(subject, (message) => {
      this.#receive(subject, message.payload, message.respond);
    });
    const port: Port = { name: addressName(address), services: new Set(), subscription };
    this.#served.set(subject, port);
    return port;
  }

  /** False when nothing is served on the subject (any more). */
  #receive(subject: string, payload: Uint8Array, respond: Respond | undefined): boolean {
    const port = this.#served.get(subject);
    if (port === undefined) return false;
    this.#inbox.receive(subject, port.name, payload, respond, [...port.services]);
    return true;
  }

  /** Broadcasts go over the bus even when served here: others listen too, and the bus echoes. */
  #isLocal(to: Address, subject: string): boolean {
    return this.#served.has(subject) && !isBroadcast(to);
  }

  #encode<T extends MessageType>(to: Address, type: T, body: MessageBody<T>, options: TellOptions): Uint8Array {
    if (!matches(type, 'body', body)) {
      throw new MillraceError('INVALID_MESSAGE', `${type} cannot be sent: ${explainMismatch(type, 'body', body)}.`, { where: this.name });
    }
    this.#lastId += 1;
    const envelope: Envelope<T> = {
      version: 1,
      id: `${this.#idPrefix}-${this.#lastId.toString(36)}`,
      type,
      from: this.name,
      to: addressName(to),
      leaderEpoch: options.leaderEpoch ?? (0 as LeaderEpoch),
      attempt: options.attempt ?? null,
      correlationId: options.correlationId ?? null,
      causationId: options.causationId ?? null,
      sentAt: this.#ports.clock.now(),
      body,
    };
    const payload = encodeEnvelope(envelope);
    if (payload.length > this.payloadBytesMax) throw tooLargeError(`${type} to ${envelope.to}`, payload.length, this.payloadBytesMax);
    return payload;
  }

  /** One ask with its repetitions; resolves to the checked body of the reply. */
  async #exchange(to: Address, type: AskType, payload: Uint8Array, options: AskOptions): Promise<unknown> {
    const subject = this.#subjects.of(to);
    const timeoutMs = options.timeoutMs ?? limits.askTimeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = this.#isLocal(to, subject)
          ? await this.#requestLocally(subject, payload, timeoutMs)
          : await this.#bus.request(subject, payload, { timeoutMs });
        const reply = readReply(type, answer);
        if (!reply.ok) throw fromErrorRecord(reply.error);
        return reply.body;
      } catch (error) {
        if (this.#isClosed || attempt >= (options.attempts ?? 1) || !isWorthRetrying(error)) throw error;
        this.#ports.logger.log('debug', 'an ask is tried again', { type, subject, attempt, error: toErrorRecord(error).message });
        await this.#pause(this.#retryDelayMs(options.retryDelayMs));
        if (this.#bus.status() === 'disconnected') await this.#reconnected(timeoutMs);
      }
    }
  }

  /** Longer just after a reconnection: the others have lost the server too, and may come back later than we did. */
  #retryDelayMs(wanted: number = limits.askRetryDelayMs): number {
    const isFresh = this.#ports.clock.monotonic() - this.#reconnectedAt < limits.reconnectGraceMs;
    return isFresh ? Math.max(wanted, limits.reconnectedRetryDelayMs) : wanted;
  }

  /** Waits for the connection, as long as an answer would be waited for: else a short break would use up all tries. */
  #reconnected(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = (): void => {
        timer.cancel();
        this.#timers.delete(timer);
        forget();
        resolve();
      };
      const timer = this.#setTimer(timeoutMs, stop);
      const forget = this.#bus.onStatus(stop);
    });
  }

  #requestLocally(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const timer = this.#setTimer(timeoutMs, () => reject(timeoutError(subject, timeoutMs)));
      const cancel = (): void => {
        timer.cancel();
        this.#timers.delete(timer);
      };
      const respond = (answer: Uint8Array): void => {
        cancel();
        resolve(answer);
      };
      this.#defer(() => {
        if (this.#receive(subject, payload, respond)) return;
        cancel();
        reject(busError('no-responders', subject));
      });
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#setTimer(delayMs, resolve));
  }

  #setTimer(delayMs: number, callback: () => void): TimerHandle {
    const timer = this.#ports.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    return timer;
  }

  #lost(type: MessageType, subject: string, why: string): void {
    this.#undelivered += 1;
    this.#ports.logger.log('debug', 'a tell was not delivered', { type, subject, why });
  }
}

function isWorthRetrying(error: unknown): boolean {
  return (
    error instanceof BusError && (error.failure === 'no-responders' || error.failure === 'timeout' || error.failure === 'disconnected')
  );
}
