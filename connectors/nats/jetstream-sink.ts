/**
 * Records as messages of a JetStream stream: what users configure. How it is done stands in jetstream-writer.ts (exactly
 * once) and jetstream-flushing-writer.ts (at least once).
 */
import { limits } from '../../core/limits.js';
import type { Sink } from '../../dataflow/contracts.js';
import { ConnectorOptions } from '../connector-options.js';
import { JetStreamFlushingWriter } from './jetstream-flushing-writer.js';
import { JetStreamWriter } from './jetstream-writer.js';
import { shownServers, type NatsServerOptions } from './nats-connection.js';
import { isSubject } from './subjects.js';
import { checkStreamName, noSubject } from './subject-filters.js';

export interface JetStreamSinkOptions<T> extends NatsServerOptions {
  /** Shown in plans; default: `jetstream` and the name of the stream. */
  readonly name?: string;
  /** An existing stream. Exactly once, its retention must be `limits`: what the sink wrote is read back after a failure. */
  readonly stream: string;
  /** Subject of a record, or of all; the stream must take it. */
  readonly subject: string | ((value: T) => string);
  /** Payload of a record; default: its JSON. */
  readonly encode?: (value: T) => string | Uint8Array;
  /** Headers of a record. `Nats-` headers belong to the server and the sink. */
  readonly headers?: (value: T) => Readonly<Record<string, string>>;
  /**
   * `exactly-once` (default): what came before a checkpoint is published when it completed. `at-least-once`: at once, and again
   * after a failure; a barrier waits until the stream has what came before it.
   */
  readonly delivery?: 'exactly-once' | 'at-least-once';
  /** Exactly once: bytes between two checkpoints in one subtask, beyond which the job fails; default 32 MiB. They are kept in memory and in the checkpoint. */
  readonly transactionBytesMax?: number;
  /**
   * Exactly once: what to do when a restore cannot tell whether a transaction was published, because the stream has dropped messages
   * since: `fail` (default), or publish it, perhaps a second time.
   */
  readonly whenDropped?: 'fail' | 'publish';
}

/**
 * Publishes what came before a checkpoint when the checkpoint completed; messages carry `Nats-Msg-Id: <transaction>.<index>`.
 * Without checkpoints everything is published at the end of input. With `delivery: 'at-least-once'`, publishes at once.
 */
export function jetStreamSink<T>(options: JetStreamSinkOptions<T>): Sink<T> {
  const { stream, subject } = options;
  const given = new ConnectorOptions('jetStreamSink');
  const delivery = given.word('delivery', options.delivery ?? 'exactly-once', ['exactly-once', 'at-least-once']);
  const whenDropped = given.word('whenDropped', options.whenDropped ?? 'fail', ['fail', 'publish']);
  const { transactionBytesMax = limits.sinkTransactionBytesMax } = options;
  const servers = shownServers(options);
  checkStreamName(given, stream);
  if (typeof subject === 'string' && !isSubject(subject)) throw noSubject(given, subject);
  given.wholeNumber('transactionBytesMax', transactionBytesMax);
  const records = {
    servers: options,
    stream,
    subjectOf: typeof subject === 'string' ? () => subject : subject,
    encode: options.encode ?? ((value: T) => JSON.stringify(value) ?? 'null'),
    headersOf: options.headers,
  };
  return {
    name: options.name ?? `jetstream ${stream}`,
    data: { servers, stream, delivery, ...(typeof subject === 'string' ? { subject } : {}) },
    createWriter: () =>
      delivery === 'exactly-once'
        ? new JetStreamWriter<T>({ ...records, transactionBytesMax, whenDropped })
        : new JetStreamFlushingWriter<T>(records),
  };
}
