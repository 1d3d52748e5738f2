/**
 * A {@link Bus} over one connection to NATS. B1–B5 of bus/contracts.ts, and:
 *
 * T1  nats.js throws away what is published while it is disconnected; here that fails with `disconnected` instead. What
 *     was handed to the socket shortly before the loss was noticed may still be lost (B1).
 * T2  Requests under way fail with `disconnected` when the connection is lost, so that askers can try again early.
 * T3  Of a connection for frames, more than `limits.outboundHighBytes` on the way to the server are congestion (OW1), and so is
 *     the time without a connection: what is held back then is not lost. What it is lent it hands back once nobody reads it any
 *     more (OW4).
 * T4  Nothing a handler throws reaches nats.js, which would close the connection over it.
 */
import type { Msg, NatsConnection, Status, Subscription } from 'nats';
import { toErrorRecord } from '../../../core/errors.js';
import type { Clock, Logger } from '../../../core/ports.js';
import { busError, timeoutError, tooLargeError } from '../../bus-error.js';
import { limits } from '../../../core/limits.js';
import { type Bus, BusError, type BusMessage, type BusStatus, type BusSubscription, type FrameBus } from '../../contracts.js';
import { isSubject, isSubjectPattern } from '../../subject-pattern.js';
import { OutboundWindow } from './outbound-window.js';

export interface NatsBusParts {
  readonly connection: NatsConnection;
  readonly name: string;
  /** Addresses for people, without credentials. */
  readonly where: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long `close` waits for the server to take what was published. */
const closeFlushMs = 1_000;

/** nats-server's default, until its own word is known. */
const defaultPayloadBytes = 1024 * 1024;

export class NatsBus implements Bus, FrameBus {
  readonly #nats: NatsConnection;
  readonly #where: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(status: BusStatus) => void>();
  readonly #failRequests = new Set<(error: BusError) => void>();
  readonly #subscriptions = new Set<Subscription>();
  /** Only of a connection whose congestion somebody wants to know. */
  #window: OutboundWindow | undefined;
  #payloadBytesMax: number;
  #status: BusStatus = 'connected';
  #handlerFailures = 0;
  #isGivenUp = false;
  #closing: Promise<void> | undefined;

  /** Use `connectNats`. */
  constructor(parts: NatsBusParts) {
    this.#nats = parts.connection;
    this.#where = parts.where;
    this.#clock = parts.clock;
    this.#logger = parts.logger.child({ bus: parts.name });
    this.#payloadBytesMax = parts.connection.info?.max_payload ?? defaultPayloadBytes;
    void this.#watch();
  }

  /** As the server says; may change when the connection moves to another server. */
  get payloadBytesMax(): number {
    return this.#payloadBytesMax;
  }

  /** Closed because the server could not be reached for too long, not because somebody closed it. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Handlers that threw so far. */
  get handlerFailures(): number {
    return this.#handlerFailures;
  }

  publish(subject: string, payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void {
    if (!isSubject(subject)) throw new TypeError(`${JSON.stringify(subject)} is not a subject`);
    this.#send(subject, payload, onSent);
  }

  /** Once somebody wants to know of congestion (T3). */
  isLendable(): boolean {
    return this.#window !== undefined;
  }

  request(subject: string, payload: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (!isSubject(subject)) throw new TypeError(`${JSON.stringify(subject)} is not a subject`);
      this.#check(subject, payload);
      const fail = (error: BusError): void => {
        if (this.#failRequests.delete(fail)) reject(error);
      };
      this.#failRequests.add(fail);
      // nats.js takes whole milliseconds from 1.
      const timeout = Math.max(1, Math.ceil(options.timeoutMs));
      this.#nats.request(subject, payload, { timeout }).then(
        (answer) => {
          if (this.#failRequests.delete(fail)) resolve(plainView(answer.data));
        },
        (error: unknown) => fail(this.#translate(error, subject, options.timeoutMs)),
      );
    });
  }

  subscribe(pattern: string, handler: (message: BusMessage) => void, options?: { readonly queue?: string }): BusSubscription {
    if (!isSubjectPattern(pattern)) throw new TypeError(`${JSON.stringify(pattern)} is not a subject pattern`);
    if (this.#status === 'closed') throw busError('closed', pattern);
    const subscription = this.#nats.subscribe(pattern, {
      ...(options?.queue === undefined ? {} : { queue: options.queue }),
      callback: (error, message) => {
        if (error !== null) this.#logger.log('error', 'NATS ended a subscription', { pattern, error: toErrorRecord(error) });
        else this.#handle(handler, message);
      },
    });
    this.#subscriptions.add(subscription);
    return {
      unsubscribe: () => {
        if (this.#subscriptions.delete(subscription)) subscription.unsubscribe();
      },
    };
  }

  isCongested(): boolean {
    return this.#status !== 'connected' || this.#window?.isCongested === true;
  }

  congestions(): number {
    return this.#window?.congestions ?? 0;
  }

  onRelief(listener: () => void): void {
    const { outboundHighBytes: highBytes, outboundLowBytes: lowBytes, segmentsUnaskedMax: lentMax } = limits;
    this.#window ??= new OutboundWindow({ highBytes, lowBytes, lentMax, flush: () => this.flush() });
    this.#window.onRelief(listener);
  }

  async flush(): Promise<void> {
    if (this.#status !== 'connected') throw busError(this.#status, 'flush');
    try {
      await this.#nats.flush();
    } catch (error) {
      throw this.#translate(error, 'flush', 0);
    }
  }

  status(): BusStatus {
    return this.#status;
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions.clear();
    const wasConnected = this.#status === 'connected';
    this.#become('closed');
    if (wasConnected) await this.#flushBriefly();
    await this.#nats.close();
    this.#window?.lost();
    this.#window?.renewed();
  }

  #flushBriefly(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(closeFlushMs, resolve);
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      this.#nats.flush().then(done, done);
    });
  }

  #send(subject: string, payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void {
    this.#check(subject, payload);
    try {
      this.#nats.publish(subject, payload);
    } catch (error) {
      throw this.#translate(error, subject, 0);
    }
    this.#window?.sent(payload, onSent);
  }

  #check(subject: string, payload: Uint8Array): void {
    if (this.#status !== 'connected') throw busError(this.#status, subject);
    if (payload.length > this.#payloadBytesMax) throw tooLargeError(subject, payload.length, this.#payloadBytesMax);
  }

  #handle(handler: (message: BusMessage) => void, message: Msg): void {
    try {
      const reply = message.reply;
      handler({
        subject: message.subject,
        payload: plainView(message.data),
        respond: reply === undefined || reply === '' ? undefined : (payload) => this.#send(reply, payload),
      });
    } catch (error) {
      this.#handlerFailures += 1;
      this.#logger.log('error', 'a bus handler threw', { subject: message.subject, error: toErrorRecord(error) });
    }
  }

  #translate(error: unknown, subject: string, timeoutMs: number): BusError {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
    switch (code) {
      case '503':
        return busError('no-responders', subject);
      case 'TIMEOUT':
      case 'CANCELLED':
        return this.#status === 'connected' ? timeoutError(subject, timeoutMs) : busError(this.#status, subject);
      case 'MAX_PAYLOAD_EXCEEDED':
        return new BusError('too-large', `${subject}: the server refused the size`);
      case 'CONNECTION_CLOSED':
      case 'CONNECTION_DRAINING':
        return busError('closed', subject);
      case 'DISCONNECT':
        return busError('disconnected', subject);
      default:
        return new BusError('disconnected', `${subject}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #watch(): Promise<void> {
    void this.#nats.closed().then((error) => {
      if (this.#status === 'closed') return;
      this.#logger.log(
        'error',
        `the connection to NATS at ${this.#where} is given up`,
        error instanceof Error ? { error: toErrorRecord(error) } : {},
      );
      this.#isGivenUp = true;
      this.#become('closed');
      this.#window?.lost();
      this.#window?.renewed();
    });
    for await (const event of this.#nats.status()) this.#statusEvent(event);
  }

  #statusEvent(event: Status): void {
    switch (event.type) {
      case 'disconnect':
        if (this.#status === 'connected') this.#logger.log('warn', `the connection to NATS at ${this.#where} is lost`);
        this.#become('disconnected');
        this.#window?.lost();
        return;
      case 'reconnect':
        this.#payloadBytesMax = this.#nats.info?.max_payload ?? this.#payloadBytesMax;
        this.#logger.log('info', `connected to NATS at ${this.#nats.getServer()} again`);
        this.#become('connected');
        this.#window?.renewed();
        return;
      case 'error':
        this.#logger.log(
          'error',
          `NATS reports ${JSON.stringify(event.data)}`,
          event.permissionContext === undefined ? {} : { ...event.permissionContext },
        );
        return;
      default:
        this.#logger.log('debug', `NATS: ${event.type}`);
    }
  }

  #become(status: BusStatus): void {
    if (this.#status === status || this.#status === 'closed') return;
    this.#status = status;
    if (status !== 'connected') for (const fail of [...this.#failRequests]) fail(busError(status, this.#where));
    for (const listener of [...this.#listeners]) {
      try {
        listener(status);
      } catch (error) {
        this.#logger.log('error', 'a listener of the bus status threw', { error: toErrorRecord(error) });
      }
    }
  }
}

/** nats.js hands out Buffers, whose `slice` is a view where that of a Uint8Array is a copy. */
function plainView(data: Uint8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
