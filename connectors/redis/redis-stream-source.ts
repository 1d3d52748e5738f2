/**
 * A source of the entries of Redis streams, from which a job counts exactly once.
 *
 * RS1  A split is a stream; its position is an id.
 * RS2  A bounded source reads up to the last entry that each stream held when the job began. A stream that is not there yet
 *      is empty.
 * RS3  The timestamp of a record is the time in the id of its entry.
 */
import type { EnumeratorContext, OperatorContext, PollStatus, Source, SourceOutput, Split } from '../../dataflow/contracts.js';
import { ConnectorOptions } from '../connector-options.js';
import type { MessageFormat, MessageOrigin } from '../formats/message-format.js';
import { checkedMalformedPolicy, type MalformedPolicy } from '../malformed-row.js';
import { MessageDecoding } from '../message-decoding.js';
import { type PartitionReader, partitionReaders } from '../partition-reader.js';
import { checkedTrimmedPolicy, type TrimmedPolicy } from '../trimmed-policy.js';
import { isEntryId, timeOfId } from './entry-id.js';
import { readStream } from './redis-stream-read.js';
import { shownRedis, type RedisServerOptions } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';
import { RedisStreamFeed, type RedisStreamFeedOptions, type RedisStreamPosition } from './redis-stream-feed.js';

export interface RedisStreamSourceOptions extends RedisServerOptions {
  /** Key of one stream, or of several. */
  readonly stream: string | readonly string[];
  /** Default `unbounded`; `bounded` ends with the entries that are there when the job begins. */
  readonly boundedness?: 'bounded' | 'unbounded';
  /**
   * Where a job without a checkpoint begins: with the first entry there is (`first`, the default), with those to come
   * (`new`), or behind the entry of this id.
   */
  readonly from?: string;
  /** What to do when entries that were not read were trimmed; default `fail`. */
  readonly trimmed?: TrimmedPolicy;
  /** Default `fail`. */
  readonly malformed?: MalformedPolicy;
  /** Shown in plans; default: the keys of the streams. */
  readonly name?: string;
}

/** Makes records of one field of an entry. */
export interface RedisFieldFormat<T> {
  readonly field: string;
  readonly format: MessageFormat<T>;
}

interface StreamPartition {
  readonly stream: string;
  readonly from: RedisStreamPosition;
  /** Begins where the stream begins by then. */
  readonly isFromFirst: boolean;
  readonly until: string | null;
}

/** Entries of Redis streams as records: their fields as an object of strings, or one field by its format. */
export function redisStreamSource(options: RedisStreamSourceOptions): Source<Readonly<Record<string, string>>>;
export function redisStreamSource<T>(options: RedisStreamSourceOptions & RedisFieldFormat<T>): Source<T>;
export function redisStreamSource(options: RedisStreamSourceOptions & Partial<RedisFieldFormat<unknown>>): Source<unknown> {
  const { from = 'first', field, format } = options;
  const given = new ConnectorOptions('redisStreamSource');
  const boundedness = given.word('boundedness', options.boundedness ?? 'unbounded', ['bounded', 'unbounded']);
  const trimmed = checkedTrimmedPolicy(given, options.trimmed);
  const malformed = checkedMalformedPolicy(given, options.malformed);
  const streams = typeof options.stream === 'string' ? [options.stream] : options.stream;
  if (streams.length === 0 || streams.includes('') || new Set(streams).size < streams.length) {
    throw given.invalid(`stream is ${JSON.stringify(streams)}.`, 'Give the key of one stream, or of several, each once.');
  }
  if (from !== 'first' && from !== 'new' && !isEntryId(from))
    throw given.invalid(`from is ${JSON.stringify(from)}.`, "It is 'first', 'new', or the id of an entry, such as '1700000000000-0'.");
  if ((field === undefined) !== (format === undefined))
    throw given.invalid(
      `Only "${field === undefined ? 'format' : 'field'}" was given.`,
      'Give field and format together, or neither for whole entries.',
    );
  const shown = shownRedis(options);
  const name = options.name ?? `redis ${streams.join(', ')}`;
  const connect = ({ clock, logger }: Pick<OperatorContext, 'clock' | 'logger'>): Promise<RedisConnection> =>
    RedisConnection.open({ server: options, context: { clock, logger, operatorName: name } });
  return {
    name,
    boundedness,
    data: {
      server: shown,
      streams,
      field: field ?? null,
      format: format === undefined ? null : [format.name, format.data ?? null],
      boundedness,
      from,
    },
    enumerate: (context) => findPartitions(context, { streams, from, isBounded: boundedness === 'bounded' }, connect),
    createReader: partitionReaders<unknown>(async (context) => {
      const decode = field === undefined || format === undefined ? allFields : oneField(field, format);
      const decoding = new MessageDecoding({ context, decode, show: joined, malformed, sourceName: name });
      return {
        // Waiting for an entry holds a connection up, so each stream has its own.
        open: async (split, position, signals) =>
          openPartition(split.data as StreamPartition, position, {
            connection: await connect(context),
            decoding,
            trimmed,
            sourceName: name,
            logger: context.logger,
            signals,
          }),
        close: () => Promise.resolve(),
      };
    }),
  };
}

/** Names and values in turn. */
type Fields = readonly Uint8Array[];

function allFields(fields: Fields): Record<string, string> {
  const record: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [name, value] = [textOf(fields[at]), textOf(fields[at + 1])];
    if (name === '__proto__') Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
    else record[name] = value;
  }
  return record;
}

function oneField<T>(wanted: string, format: MessageFormat<T>): (fields: Fields, origin: MessageOrigin) => T {
  const name = Buffer.from(wanted);
  return (fields, origin) => {
    for (let at = 0; at + 1 < fields.length; at += 2) {
      if (name.equals(fields[at] as Uint8Array)) return format.decode(fields[at + 1] as Uint8Array, origin);
    }
    throw new Error(`the entry has no field ${JSON.stringify(wanted)}`);
  };
}

const joined = (fields: Fields): Uint8Array => Buffer.from(fields.map(textOf).join(' '));

const textOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

interface Wanted {
  readonly streams: readonly string[];
  readonly from: string;
  readonly isBounded: boolean;
}

type Connect = (context: Pick<OperatorContext, 'clock' | 'logger'>) => Promise<RedisConnection>;

/** RS2. */
async function findPartitions(context: EnumeratorContext, wanted: Wanted, connect: Connect): Promise<readonly Split[]> {
  const connection = await connect(context);
  try {
    const found: Split[] = [];
    for (const stream of wanted.streams) {
      const { greatest, added, length } = await readStream(connection, { stream, after: '0-0', until: '+', count: 1 });
      if (wanted.isBounded && length === 0) continue;
      const from = wanted.from === 'new' ? { id: greatest, added } : { id: wanted.from === 'first' ? '0-0' : wanted.from, added: null };
      const until = wanted.isBounded ? greatest : null;
      const data: StreamPartition = { stream, from, isFromFirst: wanted.from === 'first', until };
      found.push({ id: stream, data });
    }
    return found;
  } finally {
    connection.close();
  }
}

type Opening<T> = Pick<RedisStreamFeedOptions, 'connection' | 'trimmed' | 'sourceName' | 'logger' | 'signals'> & {
  readonly decoding: MessageDecoding<T, Fields>;
};

function openPartition<T>(
  { stream, from, isFromFirst, until }: StreamPartition,
  position: unknown,
  opening: Opening<T>,
): PartitionReader<T> {
  const restored = position as RedisStreamPosition | undefined;
  const feed = new RedisStreamFeed({
    ...opening,
    stream,
    position: restored ?? from,
    isFresh: restored === undefined && isFromFirst,
    until: until ?? undefined,
  });
  feed.open();
  return new EntryReader(feed, opening.decoding, stream);
}

class EntryReader<T> implements PartitionReader<T> {
  readonly #feed: RedisStreamFeed;
  readonly #decoding: MessageDecoding<T, Fields>;
  readonly #stream: string;

  constructor(feed: RedisStreamFeed, decoding: MessageDecoding<T, Fields>, stream: string) {
    this.#feed = feed;
    this.#decoding = decoding;
    this.#stream = stream;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      const entry = this.#feed.take();
      if (entry === undefined) return this.#feed.isAtEnd ? 'split-finished' : 'pending';
      const { id } = entry.position;
      const subject = this.#stream;
      const message = {
        payload: entry.fields,
        subject,
        timestamp: timeOfId(id),
        path: subject,
        offset: timeOfId(id),
        place: `entry ${id}`,
      };
      this.#decoding.emit(message, output);
    }
    return 'more';
  }

  position(): RedisStreamPosition {
    return this.#feed.position;
  }

  close(): void {
    this.#feed.close();
  }
}
