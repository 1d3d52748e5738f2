/**
 * Records as messages of a JetStream stream, at least once: published at once, and a barrier waits for the stream's word.
 *
 * JF1  Messages of a subtask are published in order, a window of them at a time; one that gets no answer is published again,
 *      perhaps behind those that came after it in its window.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { AtLeastOnceWriter } from '../sinks/at-least-once-writer.js';
import { JetStreamRecords, toHeaders, type JetStreamRecordSettings, type MessageParts } from './jetstream-records.js';
import { JetStreamTarget } from './jetstream-target.js';
import type { NatsServerOptions } from './nats-connection.js';

export interface JetStreamFlushingWriterSettings<T> extends JetStreamRecordSettings<T> {
  readonly servers: NatsServerOptions;
}

/** The next window fills while one is under way. */
const bounds = {
  recordsMax: limits.sinkPublishWindow,
  bytesMax: limits.sinkPublishWindowBytes,
  lingerMs: limits.sinkLingerMs,
  requestsMax: 1,
};

export class JetStreamFlushingWriter<T> extends AtLeastOnceWriter<T, MessageParts> {
  readonly #settings: JetStreamFlushingWriterSettings<T>;
  readonly #closing = new AbortController();
  #opened: { readonly target: JetStreamTarget; readonly records: JetStreamRecords<T> } | undefined;

  constructor(settings: JetStreamFlushingWriterSettings<T>) {
    super(bounds);
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    const { servers, stream } = this.#settings;
    const target = await JetStreamTarget.open({ servers, stream, isReadBack: false, context, signal: this.#closing.signal });
    this.#opened = { target, records: new JetStreamRecords(this.#settings, target.view, context.operatorName) };
  }

  protected toItem(value: T): MessageParts {
    return this.#ready.records.partsOf(value);
  }

  protected bytesOf([, payload]: MessageParts): number {
    return payload.length;
  }

  protected async send(batch: readonly MessageParts[]): Promise<void> {
    const { target } = this.#ready;
    let left = batch;
    await target.patiently(async () => {
      const outcomes = await Promise.allSettled(left.map((parts) => this.#publish(target, parts)));
      left = left.filter((_parts, index) => outcomes[index]?.status === 'rejected');
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    });
  }

  protected override async release(): Promise<void> {
    this.#closing.abort();
    await this.#opened?.target.close();
  }

  async #publish({ client, makeHeaders }: JetStreamTarget, [subject, payload, ...own]: MessageParts): Promise<void> {
    const made = toHeaders(own, makeHeaders);
    await client.publish(subject, payload, {
      expect: { streamName: this.#settings.stream },
      ...(made === undefined ? {} : { headers: made }),
    });
  }

  get #ready(): { readonly target: JetStreamTarget; readonly records: JetStreamRecords<T> } {
    if (this.#opened === undefined) throw new MillraceError('ASSERTION', 'A writer has no stream before it is prepared');
    return this.#opened;
  }
}
