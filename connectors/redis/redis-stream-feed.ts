/**
 * The entries of one Redis stream, in order and without a gap.
 *
 * RF1  Entries come by their id, each once; nothing is written to the stream, there is no consumer group.
 * RF2  Entries that were trimmed before they came are an error, or are passed over with a warning. Redis tells how many
 *      entries were ever added, so what is missing behind the position can be counted; an entry that somebody deleted (XDEL)
 *      is no gap, and where such entries blur the count, that is warned of once.
 * RF3  At most `limits.messagesAheadMax` entries, and about `limits.messageBytesAheadMax` bytes, are read ahead.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Logger } from '../../core/ports.js';
import { messagesAhead, type PartitionSignals } from '../partition-reader.js';
import type { TrimmedPolicy } from '../trimmed-policy.js';
import { compareIds } from './entry-id.js';
import type { RedisConnection } from './redis-connection.js';
import { readStream, type StreamRead } from './redis-stream-read.js';

/** Behind which entry reading goes on. */
export interface RedisStreamPosition {
  readonly id: string;
  /** Entries that were ever added to the stream up to this one; null while that is not known. */
  readonly added: number | null;
}

export interface RedisStreamFeedOptions {
  readonly connection: RedisConnection;
  readonly stream: string;
  readonly position: RedisStreamPosition;
  /** Nothing was read yet, and the beginning is wherever the stream begins. */
  readonly isFresh: boolean;
  /** Of a bounded source: the last id that counts. */
  readonly until: string | undefined;
  readonly trimmed: TrimmedPolicy;
  readonly sourceName: string;
  readonly logger: Logger;
  readonly signals: PartitionSignals;
}

export interface RedisEntry {
  readonly position: RedisStreamPosition;
  /** Names and values in turn. */
  readonly fields: readonly Uint8Array[];
}

export class RedisStreamFeed {
  readonly #options: RedisStreamFeedOptions;
  #queue: RedisEntry[] = [];
  #head = 0;
  /** Behind what was taken, and behind what was read. */
  #taken: RedisStreamPosition;
  #read: RedisStreamPosition;
  #isFresh: boolean;
  #isRead = false;
  #hasWarned = false;
  #averageBytes = 0;
  #isClosed = false;
  #onRoom: (() => void) | undefined;

  constructor(options: RedisStreamFeedOptions) {
    this.#options = options;
    this.#taken = options.position;
    this.#read = options.position;
    this.#isFresh = options.isFresh;
  }

  /** Begins to read ahead. */
  open(): void {
    this.#run().catch((error: unknown) => {
      if (!this.#isClosed) this.#options.signals.fail(error);
    });
  }

  /** The next entry, when it is here. */
  take(): RedisEntry | undefined {
    const entry = this.#queue[this.#head];
    if (entry === undefined) return undefined;
    this.#head++;
    this.#taken = entry.position;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    if (this.#room() > 0) this.#onRoom?.();
    return entry;
  }

  get position(): RedisStreamPosition {
    return this.#queue.length === 0 ? this.#read : this.#taken;
  }

  get isAtEnd(): boolean {
    return this.#isRead && this.#queue.length === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#onRoom?.();
    this.#options.connection.close();
  }

  async #run(): Promise<void> {
    const { connection, stream, signals, until } = this.#options;
    while (!this.#isClosed) {
      const count = await this.#whenRoom();
      if (this.#isClosed) return;
      const read = await readStream(connection, { stream, after: this.#read.id, until: until ?? '+', count });
      if (this.#isClosed) return;
      this.#check(read);
      this.#push(read);
      this.#isRead = until !== undefined && read.entries.length < count;
      if (read.entries.length > 0 || this.#isRead) signals.wake();
      if (this.#isRead) return;
      if (read.entries.length === 0)
        await connection.command('XREAD', 'COUNT', 1, 'BLOCK', limits.redisBlockMs, 'STREAMS', stream, this.#read.id);
    }
  }

  /** RF3. Entries to ask for; 0 while more than half of what may be ahead is. */
  #room(): number {
    const ahead = messagesAhead(this.#averageBytes);
    const room = ahead - (this.#queue.length - this.#head);
    return room < ahead / 2 ? 0 : room;
  }

  async #whenRoom(): Promise<number> {
    while (this.#room() === 0 && !this.#isClosed) await new Promise<void>((resolve) => (this.#onRoom = resolve));
    this.#onRoom = undefined;
    return this.#room();
  }

  /** RF2. */
  #check(read: StreamRead): void {
    const { id, added } = this.#read;
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    if (read.added < 0) throw tooOld(this.#options);
    if (compareIds(read.greatest, id) < 0 || read.added < (added ?? 0)) throw replaced(this.#options, id, read.greatest);
    if (read.first !== undefined && compareIds(read.first, id) <= 0) return;
    // Nothing up to the position is left: all that is there comes behind it.
    const missing = added === null ? undefined : read.added - added - read.length;
    if (!isFresh && missing !== 0) this.#missing(missing, read);
    this.#read = { id, added: read.added - read.length };
  }

  #missing(missing: number | undefined, { greatestDeleted }: StreamRead): void {
    const { trimmed, logger, sourceName, stream } = this.#options;
    if (missing !== undefined && compareIds(greatestDeleted, this.#read.id) <= 0) {
      const error = trimmedError(this.#options, this.#read.id, missing);
      if (trimmed === 'fail') throw error;
      logger.log('warn', `${error.message}; they are passed over`, { source: sourceName });
    } else if (!this.#hasWarned) {
      this.#hasWarned = true;
      const message = `Entries of ${stream} behind ${this.#read.id} may have been trimmed before they were read: because of deleted ones it cannot be told`;
      logger.log('warn', message, { source: sourceName });
    }
  }

  #push({ entries, greatest, greatestDeleted, added: addedInAll }: StreamRead): void {
    const last = entries.at(-1)?.[0];
    if (last === undefined) return;
    // Deleted entries that are passed over cannot be counted.
    const isBlurred = compareIds(greatestDeleted, this.#read.id) > 0 && compareIds(greatestDeleted, last) < 0;
    let added = isBlurred ? null : this.#read.added;
    for (const [id, fields] of entries) {
      if (id === greatest) added = addedInAll;
      else if (added !== null) added++;
      this.#read = { id, added };
      this.#queue.push({ position: this.#read, fields });
      this.#averageBytes += (fields.reduce((sum, field) => sum + field.length, 0) - this.#averageBytes) / 16;
    }
  }
}

type Named = Pick<RedisStreamFeedOptions, 'stream' | 'sourceName'>;

function trimmedError({ stream, sourceName }: Named, id: string, missing: number): MillraceError {
  const entries = missing === 1 ? 'One entry' : `${missing} entries`;
  return new MillraceError('REDIS_STREAM_TRIMMED', `${entries} of ${stream} behind ${id} were trimmed before they were read`, {
    domain: 'external',
    recovery: 'fail-job',
    where: sourceName,
    hint: "Let the stream keep more (MAXLEN, MINID), or read on with { trimmed: 'skip' }.",
  });
}

function replaced({ stream, sourceName }: Named, id: string, greatest: string): MillraceError {
  const now = greatest === '0-0' ? 'is not there any more' : `ends at ${greatest}`;
  return new MillraceError(
    'REDIS_STREAM_REPLACED',
    `The stream ${stream} ${now}, but was read up to ${id}: it is another one, or lost its end`,
    {
      domain: 'external',
      recovery: 'fail-job',
      where: sourceName,
      hint: 'Start the job without its checkpoint to read the stream as it is now.',
    },
  );
}

function tooOld({ stream, sourceName }: Named): MillraceError {
  return new MillraceError('REDIS_TOO_OLD', `Redis does not tell how many entries were added to ${stream}`, {
    domain: 'user',
    recovery: 'fail-job',
    where: sourceName,
    hint: 'Use Redis 7 or later.',
  });
}
