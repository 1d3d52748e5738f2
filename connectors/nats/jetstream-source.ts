/**
 * A source of the messages of JetStream streams, from which a job counts exactly once.
 *
 * NS1  A split is a stream, or one of the filters of its subjects; its position is a sequence of the stream.
 * NS2  A bounded source reads up to the last message that each stream held when the job began.
 * NS3  The timestamp of a record is the time at which the stream stored its message.
 */
import { limits } from '../../core/limits.js';
import {
  type EnumeratorContext,
  type OperatorContext,
  type PollStatus,
  type Source,
  type SourceOutput,
  type Split,
} from '../../dataflow/contracts.js';
import { ConnectorOptions } from '../connector-options.js';
import type { MessageFormat } from '../formats/message-format.js';
import { checkedMalformedPolicy, type MalformedPolicy } from '../malformed-row.js';
import { MessageDecoding, wholeMessage } from '../message-decoding.js';
import { type PartitionReader, partitionReaders, type PartitionSignals } from '../partition-reader.js';
import { type JetStreamSession, openJetStream, untilAnswered } from './jetstream-session.js';
import { type NatsServerOptions, shownServers } from './nats-connection.js';
import { checkedTrimmedPolicy, type TrimmedPolicy } from '../trimmed-policy.js';
import { JetStreamFeed } from './jetstream-feed.js';
import { checkedFilters, checkStreamName } from './subject-filters.js';

export interface JetStreamSourceOptions<T> extends NatsServerOptions {
  /** One stream or several. */
  readonly stream: string | readonly string[];
  /** Subjects or patterns of the messages that are wanted; each is read on its own, so they must not overlap. Default: all. */
  readonly subjects?: string | readonly string[];
  readonly format: MessageFormat<T>;
  /** Default `unbounded`; `bounded` ends with the messages that are there when the job begins. */
  readonly boundedness?: 'bounded' | 'unbounded';
  /** Where a job without a checkpoint begins: with the first message there is (default), with those to come, or at a sequence. */
  readonly from?: 'first' | 'new' | number;
  /** What to do when the stream has removed messages that were not read; default `fail`. */
  readonly trimmed?: TrimmedPolicy;
  /** Default `fail`. */
  readonly malformed?: MalformedPolicy;
  /** Shown in plans; default: the names of the streams. */
  readonly name?: string;
}

interface StreamPartition {
  readonly stream: string;
  readonly filter: string | null;
  readonly from: number;
  /** Begins where the stream begins by then. */
  readonly isFromFirst: boolean;
  readonly until: number | null;
}

/** Messages of JetStream streams as records. Wrong names and addresses are refused when the job is built. */
export function jetStreamSource<T>(options: JetStreamSourceOptions<T>): Source<T> {
  const { subjects, format, from = 'first' } = options;
  const given = new ConnectorOptions('jetStreamSource');
  const boundedness = given.word('boundedness', options.boundedness ?? 'unbounded', ['bounded', 'unbounded']);
  const trimmed = checkedTrimmedPolicy(given, options.trimmed);
  const malformed = checkedMalformedPolicy(given, options.malformed);
  const streams = typeof options.stream === 'string' ? [options.stream] : options.stream;
  for (const stream of streams) checkStreamName(given, stream);
  if (streams.length === 0 || new Set(streams).size < streams.length)
    throw given.invalid(`stream is ${JSON.stringify(streams)}.`, 'Give the name of one stream, or of several, each once.');
  if (typeof from !== 'number') given.word('from', from, ['first', 'new']);
  else given.wholeNumber('from', from);
  const filters = subjects === undefined ? [null] : checkedFilters(given, typeof subjects === 'string' ? [subjects] : subjects);
  if (filters.length === 0) throw given.invalid('subjects is empty.', 'Name at least one subject, or leave it out for all.');
  const servers = shownServers(options);
  const name = options.name ?? `jetstream ${streams.join(', ')}`;
  const connect = ({ clock, logger }: Pick<OperatorContext, 'clock' | 'logger'>, fail: (error: unknown) => void) =>
    openJetStream({ ...options, name, clock, logger }, fail);
  return {
    name,
    boundedness,
    data: { servers, streams, filters, format: { name: format.name, data: format.data ?? null }, boundedness, from, trimmed, malformed },
    enumerate: (context) => findPartitions(context, { streams, filters, from, isBounded: boundedness === 'bounded' }, connect),
    createReader: partitionReaders<T>(async (context, fail) => {
      const session = await connect(context, fail);
      const decoding = new MessageDecoding({ context, decode: format.decode, show: wholeMessage, malformed, sourceName: name });
      return {
        open: (split, position, signals) => openPartition({ context, session, decoding, trimmed, split, position, signals }),
        close: () => session.close(),
      };
    }),
  };
}

interface Wanted {
  readonly streams: readonly string[];
  readonly filters: readonly (string | null)[];
  readonly from: 'first' | 'new' | number;
  readonly isBounded: boolean;
}

type Connect = (context: Pick<OperatorContext, 'clock' | 'logger'>, fail: (error: unknown) => void) => Promise<JetStreamSession>;

async function findPartitions(context: EnumeratorContext, wanted: Wanted, connect: Connect): Promise<readonly Split[]> {
  let failure: { readonly error: unknown } | undefined;
  const session = await connect(context, (error) => (failure ??= { error }));
  try {
    const found: Split[] = [];
    for (const stream of wanted.streams) {
      const ask = () => session.manager.streams.info(stream);
      const { state } = await untilAnswered(session, stream, ask, limits.messageCheckMs);
      const from = wanted.from === 'new' ? state.last_seq + 1 : wanted.from === 'first' ? Math.max(1, state.first_seq) : wanted.from;
      for (const filter of wanted.filters) {
        const until = wanted.isBounded ? state.last_seq : null;
        const data: StreamPartition = { stream, filter, from, isFromFirst: wanted.from === 'first', until };
        if (until === null || from <= until) found.push({ id: filter === null ? stream : `${stream} ${filter}`, data });
      }
    }
    return found;
  } catch (error) {
    throw failure?.error ?? error;
  } finally {
    await session.close();
  }
}

interface Opening<T> {
  readonly context: OperatorContext;
  readonly session: JetStreamSession;
  readonly decoding: MessageDecoding<T>;
  readonly trimmed: TrimmedPolicy;
  readonly split: Split;
  readonly position: unknown;
  readonly signals: PartitionSignals;
}

async function openPartition<T>({
  context,
  session,
  decoding,
  trimmed,
  split,
  position,
  signals,
}: Opening<T>): Promise<PartitionReader<T>> {
  const { stream, filter, from, isFromFirst, until } = split.data as StreamPartition;
  const after = position as number | undefined;
  const feed = new JetStreamFeed({
    session,
    stream,
    filter: filter ?? undefined,
    from: after === undefined ? from : after + 1,
    isFresh: after === undefined && isFromFirst,
    until: until ?? undefined,
    trimmed,
    logger: context.logger,
    signals,
  });
  try {
    await feed.open();
  } catch (error) {
    await feed.close();
    throw error;
  }
  return new StreamReader(feed, decoding, stream);
}

class StreamReader<T> implements PartitionReader<T> {
  readonly #feed: JetStreamFeed;
  readonly #decoding: MessageDecoding<T>;
  readonly #stream: string;

  constructor(feed: JetStreamFeed, decoding: MessageDecoding<T>, stream: string) {
    this.#feed = feed;
    this.#decoding = decoding;
    this.#stream = stream;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      const message = this.#feed.take();
      if (message === undefined) return this.#feed.isAtEnd ? 'split-finished' : 'pending';
      const { sequence, subject, bytes, timestamp } = message;
      const place = `message ${sequence}`;
      this.#decoding.emit({ payload: bytes, subject, timestamp, path: this.#stream, offset: sequence, place }, output);
    }
    return 'more';
  }

  position(): number {
    return this.#feed.position;
  }

  close(): Promise<void> {
    return this.#feed.close();
  }
}
