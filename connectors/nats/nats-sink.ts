/**
 * Records as messages of core NATS, published at least once (NS1). Nobody keeps them: who does not listen, or is too slow, does not
 * get them.
 *
 * NS1  A barrier passes when the server has what was published before it. When the connection broke since the barrier
 *      before, nobody knows what arrived: the attempt fails, and records since the latest checkpoint are published again.
 *      What the server had not passed on when it died is lost.
 * NS2  At most `limits.sinkPublishWindowBytes` go out before the server is asked whether it has them; then the input waits.
 */
import type { headers, MsgHdrs, NatsConnection } from 'nats';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Emit, Operator, OperatorContext, Sink } from '../../dataflow/contracts.js';
import { badMessageHints, isHeader, isPayload } from './message-parts.js';
import { closedForGood, connectToNats, shownServers, type NatsServerOptions } from './nats-connection.js';
import { isSubject } from './subjects.js';
import { ConnectorOptions } from '../connector-options.js';
import { noSubject } from './subject-filters.js';

export interface NatsSinkOptions<T> extends NatsServerOptions {
  /** Shown in plans; default: `nats` and the subject. */
  readonly name?: string;
  /** Subject of a record, or of all. */
  readonly subject: string | ((value: T) => string);
  /** Payload of a record; default: its JSON. */
  readonly encode?: (value: T) => string | Uint8Array;
  readonly headers?: (value: T) => Readonly<Record<string, string>>;
}

/**
 * Publishes records as messages of core NATS, at least once: what came after the latest checkpoint is published again after a
 * failure. Nobody keeps them: who does not listen, or is too slow, does not get them. Throws when the subject is none.
 */
export function natsSink<T>(options: NatsSinkOptions<T>): Sink<T> {
  const { subject } = options;
  const servers = shownServers(options);
  if (typeof subject === 'string' && !isSubject(subject)) throw noSubject(new ConnectorOptions('natsSink'), subject);
  return {
    name: options.name ?? `nats ${typeof subject === 'string' ? subject : 'subjects'}`,
    data: { servers, ...(typeof subject === 'string' ? { subject } : {}) },
    createWriter: () => new NatsWriter<T>(options),
  };
}

class NatsWriter<T> implements Operator<T, never> {
  readonly #options: NatsSinkOptions<T>;
  readonly #closing = new AbortController();
  #connection: NatsConnection | undefined;
  #headers: typeof headers | undefined;
  #context: OperatorContext | undefined;
  #bytes = 0;
  #isAway = false;
  /** Something was published that the server has not confirmed. */
  #isUnconfirmed = false;
  /** Some of that may never arrive. */
  #isLost = false;
  /** The connection will not come back. */
  #failure: MillraceError | undefined;

  constructor(options: NatsSinkOptions<T>) {
    this.#options = options;
  }

  bind(_out: Emit<never>, context: OperatorContext): Emit<T> {
    this.#context = context;
    const { subject, encode = (value) => JSON.stringify(value) ?? 'null' } = this.#options;
    const subjectOf = typeof subject === 'string' ? () => subject : subject;
    return (value) => this.#publish(subjectOf(value), encode(value), value);
  }

  async open({ clock, logger, operatorName }: OperatorContext): Promise<void> {
    const name = operatorName;
    const connection = await connectToNats({ ...this.#options, name, clock, logger, signal: this.#closing.signal });
    this.#connection = connection;
    void this.#watch(connection);
    // Its status does not say so.
    void connection.closed().then((reason) => {
      if (this.#connection !== undefined) this.#context?.fail((this.#failure = closedForGood(operatorName, reason)));
    });
    this.#headers = (await import('nats')).headers;
  }

  /** NS1. */
  prepareSnapshot(): Promise<void> {
    return this.#flush();
  }

  finish(): void {
    this.#context?.park(() => true, this.#flush());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /** Until the connection is closed. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') this.#isAway = false;
      if (type !== 'disconnect') continue;
      this.#isAway = true;
      this.#isLost ||= this.#isUnconfirmed;
    }
  }

  #publish(subject: string, payload: string | Uint8Array, value: T): void {
    if (!isSubject(subject)) throw this.#bad('SINK_BAD_SUBJECT', `${JSON.stringify(subject)} is not a subject to publish to`);
    if (!isPayload(payload)) throw this.#bad('SINK_BAD_PAYLOAD', 'encode gave neither text nor bytes for the payload of a message');
    const bytes = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    const bytesMax = this.#connected.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes > bytesMax) throw this.#bad('SINK_MESSAGE_TOO_LARGE', `A message has ${bytes} bytes; the server takes ${bytesMax}`);
    const own = this.#headersOf(value);
    this.#send(subject, payload, own);
    this.#bytes += bytes;
    this.#isUnconfirmed = true;
    // The client drops what it holds when it connects again.
    this.#isLost ||= this.#isAway;
    if (this.#bytes < limits.sinkPublishWindowBytes) return;
    this.#bytes = 0;
    this.#context?.park(() => true, this.#flush());
  }

  /** What nats.js throws of a connection that is closed for good does not say whose it was. */
  #send(subject: string, payload: string | Uint8Array, own: MsgHdrs | undefined): void {
    const connection = this.#connected;
    try {
      connection.publish(subject, payload, own === undefined ? {} : { headers: own });
    } catch (error) {
      throw this.#failure ?? closedForGood(this.#where, error);
    }
  }

  #headersOf(value: T): MsgHdrs | undefined {
    const fields = Object.entries(this.#options.headers?.(value) ?? {});
    if (fields.length === 0 || this.#headers === undefined) return undefined;
    const own = this.#headers();
    for (const [name, text] of fields) {
      if (!isHeader(name, text)) throw this.#bad('SINK_BAD_HEADER', `${JSON.stringify(name)} cannot be a header of a message`);
      own.append(name, text);
    }
    return own;
  }

  async #flush(): Promise<void> {
    const connection = this.#connected;
    try {
      await connection.flush();
    } catch (error) {
      throw connection.isClosed() ? closedForGood(this.#where, await connection.closed()) : this.#cut(error);
    }
    if (this.#isLost) throw this.#cut();
    this.#isUnconfirmed = false;
  }

  get #where(): string {
    return this.#context?.operatorName ?? '';
  }

  get #connected(): NatsConnection {
    if (this.#connection === undefined) throw new MillraceError('ASSERTION', 'A writer has no connection before it is opened');
    return this.#connection;
  }

  #cut(cause?: unknown): MillraceError {
    return new MillraceError('NATS_UNREACHABLE', 'The connection to NATS broke while messages were on their way', {
      domain: 'external',
      recovery: 'restart-job',
      where: this.#where,
      hint: 'They are published again from the latest checkpoint.',
      cause,
    });
  }

  #bad(code: keyof typeof badMessageHints, message: string): MillraceError {
    return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where: this.#where, hint: badMessageHints[code] });
  }
}
