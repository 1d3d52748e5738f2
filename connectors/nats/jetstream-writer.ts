/**
 * Records as messages of a JetStream stream, each exactly once.
 *
 * JS1  The content of a transaction stands in the checkpoint, with the last sequence the stream had before any of it was
 *      published. What is published again has the same bytes and the same `Nats-Msg-Id` (transaction and index).
 * JS2  Nothing is published of a transaction before its checkpoint completed.
 * JS3  A message is published only within half of the stream's de-duplication window of a moment when it was known not to
 *      be there: when its transaction was closed, or when the stream was read back (jetstream-read-back.ts). So two
 *      attempts that publish the same message do it within the window, and the server drops one of them.
 * JS4  Messages of a transaction are published in order, and transactions of a subtask one after another.
 * JS5  A transaction that does not fit its bound fails the job before it is in a checkpoint, and so does a message that the
 *      server would refuse: too large, or of a subject that the stream does not take.
 *
 * What remains: a process that is stopped between the look at its clock and the write to its socket, for longer than half
 * of the window, and goes on after its successor published the same: up to a window of messages is then there twice.
 */
import { createHash } from 'node:crypto';
import type { headers, JetStreamClient, MsgHdrs, NatsConnection } from 'nats';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { PackedLists, unpackLists } from '../packed-lists.js';
import { TwoPhaseCommitWriter } from '../sinks/two-phase-commit-writer.js';
import { StreamView } from './jetstream-read-back.js';
import { isHeader } from './message-headers.js';
import { connectToNats, type NatsServerOptions } from './nats-connection.js';
import { isSubject } from './subjects.js';

export interface JetStreamWriterSettings<T> {
  readonly servers: NatsServerOptions;
  readonly stream: string;
  readonly subjectOf: (value: T) => string;
  readonly encode: (value: T) => string | Uint8Array;
  readonly headersOf: ((value: T) => Readonly<Record<string, string>>) | undefined;
  readonly transactionBytesMax: number;
  readonly whenDropped: 'fail' | 'publish';
}

/** What it takes to publish a transaction, by whoever gets it. */
interface PendingMessages {
  readonly id: string;
  /** Lists of subject, payload, and names and values of headers. */
  readonly messages: Uint8Array;
  /** Last sequence of the stream before any of them was published. */
  readonly after: number;
}

interface Message {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** Digits of the hash that names job and operator. */
const tagDigits = 16;

export class JetStreamWriter<T> extends TwoPhaseCommitWriter<T, PackedLists, PendingMessages> {
  readonly #settings: JetStreamWriterSettings<T>;
  readonly #closing = new AbortController();
  #connection: NatsConnection | undefined;
  #headers: typeof headers | undefined;
  #client: JetStreamClient | undefined;
  #stream: StreamView | undefined;
  #sealed = 0;
  /** When transactions of this attempt were closed, on the monotonic clock: nothing of them was published then (JS3). */
  readonly #closedAt = new Map<string, number>();

  constructor(settings: JetStreamWriterSettings<T>) {
    super();
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    const { servers, stream, whenDropped } = this.#settings;
    const { clock, logger } = context;
    const connection = await connectToNats({ ...servers, name: `sink ${stream}`, clock, logger, signal: this.#closing.signal });
    this.#connection = connection;
    this.#headers = (await import('nats')).headers;
    this.#client = connection.jetstream({ timeout: limits.sinkAnswerMs });
    const { operatorName } = context;
    this.#stream = await StreamView.open({ connection, stream, operatorName, isReadBack: whenDropped === 'fail' });
  }

  protected begin(): PackedLists {
    return new PackedLists();
  }

  protected write(transaction: PackedLists, value: T): void {
    const { subjectOf, encode, headersOf, transactionBytesMax } = this.#settings;
    const subject = subjectOf(value);
    const payload = encode(value);
    const parts = [subject, payload];
    if (headersOf !== undefined) for (const [name, text] of Object.entries(headersOf(value))) parts.push(name, text);
    this.#check(parts);
    transaction.add(parts);
    if (transaction.bytes > transactionBytesMax) throw this.#tooLarge(transaction);
  }

  protected async preCommit(transaction: PackedLists): Promise<PendingMessages> {
    const { task, operatorId, clock } = this.context;
    const tag = createHash('sha256').update(`${task.jobId} ${operatorId}`).digest('hex').slice(0, tagDigits);
    const id = `${tag}-${task.attemptId.split('_').slice(-3).join('-')}-${this.#sealed++}`;
    this.#closedAt.set(id, clock.monotonic());
    const after = await this.#patiently(() => this.#view.lastSequence());
    return { id, messages: transaction.finish(), after };
  }

  protected async commit(pending: PendingMessages): Promise<void> {
    const messages = [...unpackLists(pending.messages)].map((parts) => this.#toMessage(parts));
    let knownAt = this.#closedAt.get(pending.id) ?? Number.NEGATIVE_INFINITY;
    let missing = messages.map((_message, index) => index);
    await this.#patiently(async () => {
      let absentAt = knownAt;
      // After a failure some of a window may be there: the stream tells which.
      knownAt = Number.NEGATIVE_INFINITY;
      while (missing.length > 0) {
        if (this.#isStale(absentAt)) {
          absentAt = this.context.clock.monotonic();
          missing = await this.#missingOf(pending, messages);
        }
        const count = windowOf(missing, messages);
        await this.#publish(pending.id, missing.slice(0, count), messages);
        missing = missing.slice(count);
      }
    });
    this.#closedAt.delete(pending.id);
  }

  protected async abort(): Promise<void> {}

  override async close(): Promise<void> {
    this.#closing.abort();
    await super.close();
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /** Tries again while the server is away, until patience ends or the writer is closed. */
  async #patiently<R>(attempt: () => Promise<R>): Promise<R> {
    const { clock, logger } = this.context;
    const startedAt = clock.monotonic();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const isLate = clock.monotonic() - startedAt > limits.connectorAwayMs;
        if (isLate || this.#closing.signal.aborted || error instanceof MillraceError) throw this.#failed(error);
        logger.log('warn', 'the stream of a sink cannot be reached; trying again', { error: toErrorRecord(error).message });
        await new Promise<void>((resolve) => clock.setTimer(limits.connectorRetryMs, resolve));
      }
    }
  }

  #isStale(absentAt: number): boolean {
    return this.context.clock.monotonic() - absentAt > this.#view.duplicateWindowMs / 2;
  }

  async #missingOf(pending: PendingMessages, messages: readonly Message[]): Promise<number[]> {
    const subjects = new Set(messages.map(({ subject }) => subject));
    const stored = await this.#view.readBack(pending.id, pending.after, subjects);
    return messages.flatMap((_message, index) => (stored.has(index) ? [] : [index]));
  }

  async #publish(id: string, indices: readonly number[], messages: readonly Message[]): Promise<void> {
    const { stream } = this.#settings;
    const outcomes = await Promise.allSettled(
      indices.map((index) => {
        const { subject, payload, headers: own } = messages[index] as Message;
        const options = { msgID: `${id}.${index}`, expect: { streamName: stream }, ...(own === undefined ? {} : { headers: own }) };
        return this.#jetStream.publish(subject, payload, options);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #toMessage(parts: readonly Uint8Array[]): Message {
    const [subject, payload, ...rest] = parts as [Uint8Array, Uint8Array, ...Uint8Array[]];
    const own = rest.length === 0 ? undefined : this.#headers?.();
    for (let index = 0; index < rest.length; index += 2) {
      own?.append(textOf(rest[index] as Uint8Array), textOf(rest[index + 1] as Uint8Array));
    }
    return { subject: textOf(subject), payload, headers: own };
  }

  /** JS5. */
  #check(parts: readonly (string | Uint8Array)[]): void {
    const [subject, payload] = parts as [string, string | Uint8Array];
    if (!isSubject(subject)) throw this.#badRecord('SINK_BAD_SUBJECT', `${JSON.stringify(subject)} is not a subject to publish to`);
    if (!this.#view.takes(subject)) {
      throw this.#badRecord('SINK_BAD_SUBJECT', `The stream ${this.#settings.stream} does not take the subject ${JSON.stringify(subject)}`);
    }
    let bytes = limits.sinkHeaderBytes;
    for (const part of parts) bytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    if (bytes > this.#view.messageBytesMax) {
      throw this.#badRecord(
        'SINK_MESSAGE_TOO_LARGE',
        `A message has ${typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length} bytes; with its headers the server takes ${this.#view.messageBytesMax}`,
      );
    }
    for (let index = 2; index < parts.length; index += 2) {
      const name = parts[index] as string;
      if (!isHeader(name, parts[index + 1]))
        throw this.#badRecord('SINK_BAD_HEADER', `${JSON.stringify(name)} cannot be a header of a message`);
    }
  }

  #badRecord(code: string, message: string): MillraceError {
    return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where: this.context.operatorName });
  }

  #tooLarge({ count, bytes }: PackedLists): MillraceError {
    return new MillraceError(
      'SINK_TRANSACTION_TOO_LARGE',
      `${count} messages with ${bytes} bytes came between two checkpoints in one subtask; ${this.#settings.transactionBytesMax} are allowed`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: this.context.operatorName,
        hint: 'Take checkpoints more often, raise the parallelism of the sink, or raise transactionBytesMax.',
      },
    );
  }

  #failed(error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    return new MillraceError('SINK_NOT_COMMITTED', `Messages could not be published to the stream ${this.#settings.stream}`, {
      domain: 'external',
      recovery: 'restart-job',
      where: this.context.operatorName,
      cause: error,
    });
  }

  get #view(): StreamView {
    if (this.#stream === undefined) throw new MillraceError('ASSERTION', 'A writer has no stream before it is prepared');
    return this.#stream;
  }

  get #jetStream(): JetStreamClient {
    if (this.#client === undefined) throw new MillraceError('ASSERTION', 'A writer has no connection before it is prepared');
    return this.#client;
  }
}

/** How many of the missing messages are published at once. */
function windowOf(missing: readonly number[], messages: readonly Message[]): number {
  let bytes = 0;
  let count = 0;
  while (count < missing.length && count < limits.sinkPublishWindow && bytes < limits.sinkPublishWindowBytes) {
    bytes += (messages[missing[count] as number] as Message).payload.length;
    count += 1;
  }
  return count;
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
