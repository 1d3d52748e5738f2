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
 *      server would refuse (jetstream-records.ts).
 *
 * What remains: a process that is stopped between the look at its clock and the write to its socket, for longer than half
 * of the window, and goes on after its successor published the same: up to a window of messages is then there twice.
 */
import { createHash } from 'node:crypto';
import type { MsgHdrs } from 'nats';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { PackedLists, unpackLists } from '../packed-lists.js';
import { transactionTooLarge } from '../sinks/transaction-bound.js';
import { TwoPhaseCommitWriter } from '../sinks/two-phase-commit-writer.js';
import { JetStreamRecords, toHeaders, type JetStreamRecordSettings } from './jetstream-records.js';
import { JetStreamTarget } from './jetstream-target.js';
import type { NatsServerOptions } from './nats-connection.js';

export interface JetStreamWriterSettings<T> extends JetStreamRecordSettings<T> {
  readonly servers: NatsServerOptions;
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
  #opened: { readonly target: JetStreamTarget; readonly records: JetStreamRecords<T> } | undefined;
  #sealed = 0;
  /** When transactions of this attempt were closed, on the monotonic clock: nothing of them was published then (JS3). */
  readonly #closedAt = new Map<string, number>();

  constructor(settings: JetStreamWriterSettings<T>) {
    super();
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    const { servers, stream, whenDropped } = this.#settings;
    const isReadBack = whenDropped === 'fail';
    const target = await JetStreamTarget.open({ servers, stream, isReadBack, context, signal: this.#closing.signal });
    this.#opened = { target, records: new JetStreamRecords(this.#settings, target.view, context.operatorName) };
  }

  protected begin(): PackedLists {
    return new PackedLists();
  }

  protected write(transaction: PackedLists, value: T): void {
    const { transactionBytesMax } = this.#settings;
    transaction.add(this.#ready.records.partsOf(value));
    if (transaction.bytes > transactionBytesMax)
      throw transactionTooLarge(this.context.operatorName, 'messages', transaction, transactionBytesMax);
  }

  protected async preCommit(transaction: PackedLists): Promise<PendingMessages> {
    const { task, operatorId, clock } = this.context;
    const tag = createHash('sha256').update(`${task.jobId} ${operatorId}`).digest('hex').slice(0, tagDigits);
    const id = `${tag}-${task.attemptId.split('_').slice(-3).join('-')}-${this.#sealed++}`;
    this.#closedAt.set(id, clock.monotonic());
    const { target } = this.#ready;
    const after = await target.patiently(() => target.view.lastSequence());
    return { id, messages: transaction.finish(), after };
  }

  protected async commit(pending: PendingMessages): Promise<void> {
    const messages = [...unpackLists(pending.messages)].map((parts) => this.#toMessage(parts));
    let knownAt = this.#closedAt.get(pending.id) ?? Number.NEGATIVE_INFINITY;
    let missing = messages.map((_message, index) => index);
    await this.#ready.target.patiently(async () => {
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
    await this.#opened?.target.close();
  }

  #isStale(absentAt: number): boolean {
    return this.context.clock.monotonic() - absentAt > this.#ready.target.view.duplicateWindowMs / 2;
  }

  async #missingOf(pending: PendingMessages, messages: readonly Message[]): Promise<number[]> {
    const subjects = new Set(messages.map(({ subject }) => subject));
    const stored = await this.#ready.target.view.readBack(pending.id, pending.after, subjects);
    return messages.flatMap((_message, index) => (stored.has(index) ? [] : [index]));
  }

  async #publish(id: string, indices: readonly number[], messages: readonly Message[]): Promise<void> {
    const { stream } = this.#settings;
    const outcomes = await Promise.allSettled(
      indices.map((index) => {
        const { subject, payload, headers: own } = messages[index] as Message;
        const options = { msgID: `${id}.${index}`, expect: { streamName: stream }, ...(own === undefined ? {} : { headers: own }) };
        return this.#ready.target.client.publish(subject, payload, options);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #toMessage(parts: readonly Uint8Array[]): Message {
    const [subject, payload, ...own] = parts as [Uint8Array, Uint8Array, ...Uint8Array[]];
    return { subject: textOf(subject), payload, headers: toHeaders(own.map(textOf), this.#ready.target.makeHeaders) };
  }

  get #ready(): { readonly target: JetStreamTarget; readonly records: JetStreamRecords<T> } {
    if (this.#opened === undefined) throw new MillraceError('ASSERTION', 'A writer has no stream before it is prepared');
    return this.#opened;
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
