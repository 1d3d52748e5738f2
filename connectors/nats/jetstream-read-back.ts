/**
 * A stream, as a sink needs to know it: what it takes, how far it is, and what of a transaction is in it.
 *
 * RB1  `readBack` finds every message of a transaction that was in the stream when it was called, if the stream has kept
 *      all since: else it throws `SINK_STREAM_DROPPED`, unless reading back was given up (`isReadBack: false`).
 * RB2  What is read comes without payloads, from the sequence the transaction began at; the bound is what others wrote since.
 */
import type { JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { streamError } from './jetstream-errors.js';
import { subjectPattern } from './subjects.js';

export interface StreamViewOptions {
  readonly connection: NatsConnection;
  readonly stream: string;
  readonly operatorName: string;
  readonly isReadBack: boolean;
}

const nanosecondsPerMs = 1_000_000;

export class StreamView {
  /** Within so many ms the server drops a second message of the same id. */
  readonly duplicateWindowMs: number;
  /** Of payload and headers together. */
  readonly messageBytesMax: number;
  readonly #options: StreamViewOptions;
  readonly #manager: JetStreamManager;
  readonly #subjects: readonly RegExp[];
  /** Subjects that were found to be taken. */
  readonly #taken = new Set<string>();

  /** Throws `NATS_STREAM_NOT_FOUND` and `SINK_STREAM_RETENTION`. */
  static async open(options: StreamViewOptions): Promise<StreamView> {
    const { connection, stream, operatorName } = options;
    try {
      const manager = await connection.jetstreamManager({ timeout: limits.sinkAnswerMs });
      const view = new StreamView(options, manager, await manager.streams.info(stream));
      return view;
    } catch (error) {
      throw streamError(operatorName, stream, error);
    }
  }

  private constructor(options: StreamViewOptions, manager: JetStreamManager, { config }: StreamInfo) {
    this.#options = options;
    this.#manager = manager;
    this.#subjects = (config.subjects ?? []).map(subjectPattern);
    this.duplicateWindowMs = config.duplicate_window / nanosecondsPerMs;
    const { max_payload: payloadMax } = options.connection.info ?? { max_payload: Number.POSITIVE_INFINITY };
    this.messageBytesMax = config.max_msg_size > 0 ? Math.min(config.max_msg_size, payloadMax) : payloadMax;
    if (options.isReadBack) this.#checkKept(config);
  }

  takes(subject: string): boolean {
    if (this.#taken.has(subject)) return true;
    if (!this.#subjects.some((pattern) => pattern.test(subject))) return false;
    if (this.#taken.size >= limits.sinkSubjectsKnownMax) this.#taken.clear();
    this.#taken.add(subject);
    return true;
  }

  async lastSequence(): Promise<number> {
    return (await this.#manager.streams.info(this.#options.stream)).state.last_seq;
  }

  /** Indices of the messages of transaction `id` that are in the stream (RB1); `after` was its last sequence before. */
  async readBack(id: string, after: number, subjects: ReadonlySet<string>): Promise<ReadonlySet<number>> {
    const { state } = await this.#manager.streams.info(this.#options.stream);
    // A stream that was made anew begins at 1 again.
    const start = state.last_seq < after ? 1 : after + 1;
    const found = new Set<number>();
    const isDropped = state.first_seq > start && state.last_seq >= start;
    if (isDropped && this.#options.isReadBack) throw this.#dropped(start, state.first_seq);
    if (state.last_seq < start || state.messages === 0) return found;
    const prefix = `${id}.`;
    const onId = (messageId: string): void => {
      if (messageId.startsWith(prefix)) found.add(Number(messageId.slice(prefix.length)));
    };
    let next = start;
    for (let empty = 0; empty < limits.sinkEmptyReadsMax;) {
      const read = await this.#readBatch(next, subjects, onId);
      if (read === 'end' || read > state.last_seq) return found;
      empty = read === next ? empty + 1 : 0;
      next = read;
    }
    throw new Error(`the stream ${this.#options.stream} tells of messages from ${next} on, but does not hand them out`);
  }

  /**
   * Reads a batch from a sequence on, with a consumer of its own: that tells at first how many messages there are, and
   * later nothing that could be trusted, as what got lost on the way counts as delivered. Resolves to where to go on.
   */
  async #readBatch(start: number, subjects: ReadonlySet<string>, onId: (id: string) => void): Promise<number | 'end'> {
    const { AckPolicy, DeliverPolicy } = await import('nats');
    const { connection, stream } = this.#options;
    const [subject] = subjects;
    const info = await this.#manager.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: start,
      headers_only: true,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: limits.consumerInactiveMs * nanosecondsPerMs,
      ...(subjects.size === 1 && subject !== undefined ? { filter_subject: subject } : {}),
    });
    if (info.num_pending === 0) return 'end';
    const consumer = connection.jetstream({ timeout: limits.sinkAnswerMs }).consumers.getPullConsumerFor(info);
    const count = Math.min(info.num_pending, limits.sinkReadBackBatch);
    let next = start;
    let delivered = 0;
    for await (const message of await consumer.fetch({ max_messages: count, expires: limits.sinkAnswerMs })) {
      delivered += 1;
      // One got lost: from there on it is read again.
      if (message.info.deliverySequence !== delivered) break;
      onId(message.headers?.get('Nats-Msg-Id') ?? '');
      next = message.seq + 1;
    }
    await this.#manager.consumers.delete(stream, info.name);
    return next;
  }

  #checkKept({ retention, max_msgs_per_subject: perSubject }: StreamInfo['config']): void {
    const keepsAll = String(retention) === 'limits' && perSubject <= 0;
    if (keepsAll) return;
    const what = perSubject > 0 ? `keeps ${perSubject} messages of a subject` : `has ${retention} retention`;
    throw new MillraceError(
      'SINK_STREAM_RETENTION',
      `The stream ${this.#options.stream} ${what}: what the sink wrote may be gone when it is looked for`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: this.#options.operatorName,
        hint: "Write to a stream with limits retention, and let this one take from it as its source; or set whenDropped: 'publish'.",
      },
    );
  }

  #dropped(start: number, first: number): MillraceError {
    return new MillraceError(
      'SINK_STREAM_DROPPED',
      `The stream ${this.#options.stream} has dropped its messages from ${start} to ${first - 1}: whether a transaction was published cannot be known`,
      {
        domain: 'external',
        recovery: 'fail-job',
        where: this.#options.operatorName,
        hint: "Let the stream keep messages for longer than the job may be down; with whenDropped: 'publish' the sink publishes, perhaps a second time.",
      },
    );
  }
}
