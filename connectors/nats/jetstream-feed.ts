/**
 * The messages of one JetStream stream, or of those of its subjects that a filter matches, in order and without a gap.
 *
 * SF1  Messages come by their sequence, each once. The server numbers what it delivers: at a gap, after a reconnection, or
 *      when nothing comes though something should, another consumer starts behind the last message that came. Nothing is
 *      acknowledged, and no consumer outlives what reads it by more than a minute.
 * SF2  Messages that the stream removed before they came are an error, or are passed over with a warning. Of a whole stream
 *      that is exact (a message deleted from its middle is no gap); with a filter, removed messages behind which some still
 *      wait count, because nobody can tell whether the filter matched them.
 * SF3  `position` is the sequence up to which everything was taken; it moves on when nothing comes, so that a quiet subject
 *      of a busy stream is not taken for trimmed later.
 * SF4  At most `limits.messagesAheadMax` messages, and about `limits.messageBytesAheadMax` bytes, are asked for ahead.
 */
import type { ConsumerInfo, Msg, StreamInfo, Subscription } from 'nats';
import { limits } from '../../core/limits.js';
import type { Logger, TimerHandle } from '../../core/ports.js';
import { messagesAhead, type PartitionSignals } from '../partition-reader.js';
import type { TrimmedPolicy } from '../trimmed-policy.js';
import { deliveryOf } from './delivery.js';
import { isConsumerGone, isPassing, notReplayable, replaced, streamError, trimmedError } from './jetstream-errors.js';
import { type JetStreamSession, streamInfo, untilAnswered } from './jetstream-session.js';

export interface JetStreamFeedOptions {
  readonly session: JetStreamSession;
  readonly stream: string;
  readonly filter: string | undefined;
  /** Sequence of the first message that is wanted. */
  readonly from: number;
  /** Nothing was read yet, and the beginning is wherever the stream begins. */
  readonly isFresh: boolean;
  /** Of a bounded source: the last sequence that counts. */
  readonly until: number | undefined;
  readonly trimmed: TrimmedPolicy;
  readonly logger: Logger;
  readonly signals: PartitionSignals;
}

export interface StreamMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly timestamp: number;
  readonly bytes: Uint8Array;
}

interface Consumer {
  readonly name: string;
  readonly inbox: string;
  readonly subscription: Subscription;
  /** Messages it delivered so far, by its own count. */
  delivered: number;
  /** Messages asked for that did not come yet. */
  asked: number;
}

export class JetStreamFeed {
  readonly #options: JetStreamFeedOptions;
  readonly #stopListening: () => void;
  #queue: StreamMessage[] = [];
  #head = 0;
  /** Everything up to here came. */
  #received: number;
  #taken: number;
  #isFresh: boolean;
  /** Sequences that were jumped over and may be a gap: what comes behind the first is not taken before that is known (SF2). */
  #jumps: { readonly from: number; readonly to: number }[] = [];
  #isLookingAtJumps = false;
  #averageBytes = 0;
  #consumer: Consumer | undefined;
  /** Goes up whenever a consumer is given up. */
  #generation = 0;
  /** What had come at the last check, when the server had delivered more. */
  #stuckAt: number | undefined;
  #timer: TimerHandle | undefined;
  #isClosed = false;

  constructor(options: JetStreamFeedOptions) {
    this.#options = options;
    this.#received = options.from - 1;
    this.#taken = options.from - 1;
    this.#isFresh = options.isFresh;
    this.#stopListening = options.session.onReconnect(() => this.#restart('the connection was lost'));
  }

  /** Starts reading; rejects with what no waiting would help against. */
  async open(): Promise<void> {
    await this.#attach();
    this.#checkLater();
  }

  /** The next message, when it is here. */
  take(): StreamMessage | undefined {
    const message = this.#queue[this.#head];
    if (message === undefined || (this.#jumps.length > 0 && message.sequence >= (this.#jumps[0]?.to as number))) return undefined;
    this.#head++;
    this.#taken = message.sequence;
    if (this.#head === this.#queue.length || this.#head > limits.messagesAheadMax) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#ask();
    return message;
  }

  get position(): number {
    return this.#queue.length === 0 ? Math.max(this.#received, this.#taken) : this.#taken;
  }

  get isAtEnd(): boolean {
    const { until } = this.#options;
    return until !== undefined && this.#queue.length === 0 && this.#received >= until;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#stopListening();
    const { session, stream } = this.#options;
    const consumer = this.#detach();
    if (consumer === undefined || session.connection.isClosed()) return;
    // Best effort: the server removes it by itself (SF1).
    await session.manager.consumers.delete(stream, consumer.name).catch(() => false);
  }

  /** Gives up the consumer; what it still sends is not heard any more. */
  #detach(): Consumer | undefined {
    const consumer = this.#consumer;
    this.#generation++;
    this.#consumer = undefined;
    consumer?.subscription.unsubscribe();
    return consumer;
  }

  /** Another consumer, behind what came (SF1). */
  #restart(reason: string): void {
    if (this.#isClosed) return;
    const { logger, stream, session, signals } = this.#options;
    logger.log('info', `Reading the stream ${stream} goes on with a new consumer: ${reason}`, {
      source: session.name,
      after: this.#received,
    });
    this.#detach();
    const generation = this.#generation;
    const isCurrent = (): boolean => generation === this.#generation && !this.#isClosed;
    session.clock.setTimer(limits.connectorRetryMs, () => {
      if (!isCurrent()) return;
      this.#attach().catch((error: unknown) => {
        if (isCurrent()) signals.fail(streamError(session.name, stream, error));
      });
    });
  }

  async #attach(): Promise<void> {
    const { session, stream, filter } = this.#options;
    const generation = this.#generation;
    const info = await streamInfo(session, stream);
    if (generation !== this.#generation) return undefined;
    this.#checkStart(info);
    const inbox = session.nats.createInbox();
    const subscription = session.connection.subscribe(inbox, { callback: (_error, message) => this.#receive(generation, message) });
    const consumer: Consumer = { name: inbox.replace(/^.*\./, 'millrace-'), inbox, subscription, delivered: 0, asked: 0 };
    const { AckPolicy, DeliverPolicy, ReplayPolicy, nanos } = session.nats;
    const config = {
      name: consumer.name,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#received + 1,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(limits.consumerInactiveMs),
      mem_storage: true,
      num_replicas: 1,
      ...(filter === undefined ? {} : { filter_subject: filter }),
    };
    try {
      const created = await untilAnswered(session, stream, () => session.manager.consumers.add(stream, config));
      if (generation !== this.#generation) return subscription.unsubscribe();
      this.#consumer = consumer;
      this.#stuckAt = undefined;
      if (created.num_pending === 0) this.#caughtUp(info.state.last_seq);
      this.#ask();
    } catch (error) {
      subscription.unsubscribe();
      if (generation === this.#generation) throw error;
    }
  }

  /** SF2, where reading begins. */
  #checkStart({ config, state }: StreamInfo): void {
    const { session, stream } = this.#options;
    const next = this.#received + 1;
    if (config.retention !== session.nats.RetentionPolicy.Limits) throw notReplayable(session.name, stream, config.retention);
    if (state.last_seq < this.#received) throw replaced(session.name, stream, { position: this.#received, last: state.last_seq });
    const first = Math.max(1, state.first_seq);
    if (first > next) {
      if (!this.#isFresh) this.#trimmed(next, first - 1);
      this.#received = first - 1;
      if (this.#queue.length === 0) this.#taken = this.#received;
    }
    this.#isFresh = false;
  }

  #trimmed(from: number, to: number): void {
    const { trimmed, session, stream, filter, logger } = this.#options;
    const error = trimmedError(session.name, filter === undefined ? stream : `${stream} (${filter})`, { from, to });
    if (trimmed === 'fail') throw error;
    logger.log('warn', `${error.message}; they are passed over`, { source: session.name });
  }

  #receive(generation: number, message: Msg): void {
    const consumer = this.#consumer;
    if (generation !== this.#generation || consumer === undefined) return;
    const code = message.headers?.code ?? 0;
    if (code > 0 && message.data.length === 0) return this.#status(consumer, code, message);
    const { sequence, delivered, timestamp, pending } = deliveryOf(message);
    consumer.asked--;
    consumer.delivered++;
    if (delivered !== consumer.delivered) return this.#restart(`delivery ${consumer.delivered} was lost`);
    const { until, filter, signals } = this.#options;
    if (until === undefined || sequence <= until) {
      if (filter === undefined && sequence > this.#received + 1) this.#jumped(this.#received + 1, sequence);
      this.#averageBytes += (message.data.length - this.#averageBytes) / 16;
      this.#queue.push({ subject: message.subject, sequence, timestamp, bytes: message.data });
    }
    this.#received = sequence;
    if (pending === 0) this.#caughtUp(sequence);
    signals.wake();
  }

  /** The stream held no further message for this consumer when its last sequence was `last`. */
  #caughtUp(last: number): void {
    const { until, signals } = this.#options;
    this.#received = Math.max(this.#received, last, until ?? 0);
    signals.wake();
  }

  #status(consumer: Consumer, code: number, message: Msg): void {
    if (code === 404 || code === 408) {
      const unfilled = message.headers?.get('Nats-Pending-Messages') ?? '';
      consumer.asked = unfilled === '' ? 0 : Math.max(0, consumer.asked - Number(unfilled));
      this.#ask();
    } else if (code !== 100) {
      this.#restart(`the server answered ${code} ${message.headers?.description ?? ''}`.trim());
    }
  }

  /** SF4. */
  #ask(): void {
    const { session, stream } = this.#options;
    const consumer = this.#consumer;
    if (consumer === undefined || this.#isClosed) return;
    const ahead = messagesAhead(this.#averageBytes);
    const room = ahead - consumer.asked - (this.#queue.length - this.#head);
    if (room < ahead / 2) return;
    consumer.asked += room;
    const request = JSON.stringify({ batch: room, expires: session.nats.nanos(limits.jetStreamPullMs) });
    session.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`, request, { reply: consumer.inbox });
  }

  /** SF2: a message deleted from the middle of the stream leaves such a jump too. */
  #jumped(from: number, to: number): void {
    this.#jumps.push({ from, to });
    if (this.#isLookingAtJumps) return;
    this.#isLookingAtJumps = true;
    this.#lookAtJumps()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#options.signals.fail(error);
      })
      .finally(() => (this.#isLookingAtJumps = false));
  }

  /** What is asked for after a message came tells what had been removed before it. */
  async #lookAtJumps(): Promise<void> {
    const { session, stream, signals } = this.#options;
    for (let jumps = this.#jumps.slice(); jumps.length > 0; jumps = this.#jumps.slice()) {
      const { state } = await streamInfo(session, stream);
      for (const { from, to } of jumps) if (state.first_seq > from) this.#trimmed(from, Math.min(state.first_seq, to) - 1);
      this.#jumps = this.#jumps.slice(jumps.length);
      signals.wake();
    }
  }

  #checkLater(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.session.clock.setTimer(limits.messageCheckMs, () => {
      this.#check()
        .catch((error: unknown) => this.#checkFailed(error))
        .finally(() => this.#checkLater());
    });
  }

  /** Whether anything was lost on the way, and how far everything was seen (SF1, SF2, SF3). */
  async #check(): Promise<void> {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    const { session, stream, filter } = this.#options;
    const { state } = await session.manager.streams.info(stream);
    const info: ConsumerInfo = await session.manager.consumers.info(stream, consumer.name);
    if (consumer !== this.#consumer) return;
    const missing = info.delivered.consumer_seq - consumer.delivered;
    if (missing > 0 && this.#stuckAt === consumer.delivered) return this.#restart(`${missing} deliveries did not come`);
    this.#stuckAt = missing > 0 ? consumer.delivered : undefined;
    if (missing > 0) return;
    if (info.num_pending === 0) return this.#caughtUp(state.last_seq);
    if (filter !== undefined && state.first_seq > this.#received + 1) {
      this.#trimmed(this.#received + 1, state.first_seq - 1);
      this.#received = Math.max(this.#received, state.first_seq - 1);
    }
    if (info.num_waiting === 0) {
      consumer.asked = 0;
      this.#ask();
    }
  }

  #checkFailed(error: unknown): void {
    if (this.#isClosed || isPassing(error)) return;
    if (isConsumerGone(error)) this.#restart('the server has no such consumer any more');
    else this.#options.signals.fail(streamError(this.#options.session.name, this.#options.stream, error));
  }
}
