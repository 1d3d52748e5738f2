/**
 * A source of what is published to a core NATS subject while the job runs: at most once.
 *
 * NU1  At most once: what is published while no reader listens (a restart, a lost connection) never comes, and what came
 *      after the last checkpoint before a failure does not come again. It is said in the log when reading begins.
 * NU2  Each message goes to one subtask: all readers of the source in a job are one queue group, of this job alone.
 * NU3  What comes faster than it is emitted waits, up to `messagesMax` and `limits.liveBytesMax`; what does not fit is
 *      dropped, counted (`messagesDropped`) and warned of.
 */
import type { NatsConnection, Subscription } from 'nats';
import { isSubjectPattern } from '../../bus/subject-pattern.js';
import { assert, MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import {
  noTimestamp,
  type OperatorContext,
  type PollStatus,
  type Source,
  type SourceOutput,
  type SourceReader,
  type Split,
} from '../../dataflow/contracts.js';
import type { MessageFormat } from '../formats/message-format.js';
import { LiveBuffer } from '../live-buffer.js';
import { checkedMalformedPolicy, type MalformedPolicy } from '../malformed-row.js';
import { MessageDecoding, wholeMessage } from '../message-decoding.js';
import { closedForGood, connectToNats, type NatsServerOptions, shownServers } from './nats-connection.js';
import { ConnectorOptions, shown } from '../connector-options.js';
import { noPattern } from './subject-filters.js';

export interface NatsSubjectSourceOptions<T> extends NatsServerOptions {
  /** A subject, or a pattern of subjects. */
  readonly subject: string;
  readonly format: MessageFormat<T>;
  /** Readers of the same group share the messages; default: a group of this job alone, so that it gets all of them. */
  readonly queue?: string;
  /** Messages that wait to be emitted, in each reader, before further ones are dropped; default 65,536. */
  readonly messagesMax?: number;
  /** Default `fail`. */
  readonly malformed?: MalformedPolicy;
  /** Shown in plans; default: the subject. */
  readonly name?: string;
}

/** Messages of a core NATS subject as records, **at most once**. For what must not be lost, use `jetStreamSource`. */
export function natsSubjectSource<T>(options: NatsSubjectSourceOptions<T>): Source<T> {
  const { subject, queue, messagesMax = limits.liveMessagesMax, format } = options;
  const given = new ConnectorOptions('natsSubjectSource');
  if (!isSubjectPattern(subject)) throw noPattern(given, subject);
  if (queue !== undefined && !/^[^\s.*>]+$/.test(queue))
    throw given.invalid(`${shown(queue)} is not the name of a queue group.`, 'Give a word without dots, spaces and wildcards.');
  given.wholeNumber('messagesMax', messagesMax);
  checkedMalformedPolicy(given, options.malformed);
  const servers = shownServers(options);
  const name = options.name ?? `nats ${subject}`;
  return {
    name,
    boundedness: 'unbounded',
    data: { servers, subject, queue: queue ?? null, format: { name: format.name, data: format.data ?? null } },
    // Every reader listens: the queue group shares the messages out.
    enumerate: ({ parallelism }) =>
      Promise.resolve(Array.from({ length: parallelism }, (_, index): Split => ({ id: `listener ${index}`, data: null }))),
    createReader: (context) => new SubjectReader({ ...options, context, name, messagesMax }),
  };
}

interface Heard {
  readonly subject: string;
  readonly bytes: Uint8Array;
}

type ReaderOptions<T> = NatsSubjectSourceOptions<T> & {
  readonly context: OperatorContext;
  readonly name: string;
  readonly messagesMax: number;
};

class SubjectReader<T> implements SourceReader<T> {
  readonly #options: ReaderOptions<T>;
  readonly #decoding: MessageDecoding<T>;
  readonly #buffer: LiveBuffer<Heard>;
  #connection: NatsConnection | undefined;
  #subscription: Subscription | undefined;
  #isClosed = false;
  #heard = 0;

  constructor(options: ReaderOptions<T>) {
    const { context, format, malformed = 'fail', name, messagesMax } = options;
    this.#options = options;
    this.#decoding = new MessageDecoding({ context, decode: format.decode, show: wholeMessage, malformed, sourceName: name });
    this.#buffer = new LiveBuffer({ context, sourceName: name, messagesMax });
  }

  async start(): Promise<void> {
    const { context, name, subject, queue } = this.#options;
    const { clock, logger, task, operatorId } = context;
    const connection = await connectToNats({ ...this.#options, name, clock, logger });
    if (this.#isClosed) return connection.close();
    this.#connection = connection;
    void this.#watch(connection);
    // Its status does not say so.
    void connection.closed().then((error) => {
      if (error instanceof Error) this.#buffer.fail(closedForGood(name, error));
    });
    this.#subscription = connection.subscribe(subject, {
      queue: queue ?? `millrace-${task.jobId}-${operatorId}`,
      callback: (error, message) => {
        if (error !== null) return this.#buffer.fail(notPermitted(name, subject, error));
        this.#buffer.push({ subject: message.subject, bytes: message.data }, message.data.length);
      },
    });
    // Whoever publishes after the start of the job is heard.
    await connection.flush();
    logger.log('warn', `Messages of ${subject} come at most once: what is published while no reader listens is lost`, { source: name });
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    assert(this.#subscription !== undefined, 'poll without a split');
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      const message = this.#buffer.shift();
      if (message === undefined) return 'pending';
      this.#heard++;
      const { subject, bytes } = message;
      const place = `message ${this.#heard} of this reader`;
      this.#decoding.emit({ payload: bytes, subject, timestamp: noTimestamp, path: subject, offset: this.#heard, place }, output);
    }
    return 'more';
  }

  whenAvailable(): Promise<void> {
    return this.#buffer.whenAvailable();
  }

  /** There is nothing to go back to (NU1). */
  position(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }

  async #watch(connection: NatsConnection): Promise<void> {
    const { context, name, subject } = this.#options;
    for await (const status of connection.status()) {
      if (status.type === 'disconnect')
        context.logger.log('warn', `Messages of ${subject} are being lost: the connection is away`, { source: name });
      if (status.type === 'reconnect') context.logger.log('info', `Messages of ${subject} come again`, { source: name });
    }
  }
}

function notPermitted(where: string, subject: string, cause: Error): MillraceError {
  return new MillraceError('NATS_REFUSED', `NATS does not permit to subscribe to ${subject}: ${cause.message}`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Permit the user to subscribe to the subject.',
    cause,
  });
}
