/** One read of a Redis stream, with what tells whether entries are missing. */
import type { RedisConnection } from './redis-connection.js';
import { readStreamScript } from './scripts/read-stream.js';

export interface StreamRead {
  readonly length: number;
  /** Entries that were ever added; below 0 where the server does not say. */
  readonly added: number;
  /** Of all entries that were ever added; `0-0` when there were none. */
  readonly greatest: string;
  readonly greatestDeleted: string;
  readonly first: string | undefined;
  /** Ids with their fields: names and values in turn, as bytes. */
  readonly entries: readonly (readonly [id: string, fields: readonly Uint8Array[]])[];
}

export interface StreamRange {
  readonly stream: string;
  readonly after: string;
  /** An id, or `+`. */
  readonly until: string;
  readonly count: number;
}

const noStream: StreamRead = { length: 0, added: 0, greatest: '0-0', greatestDeleted: '0-0', first: undefined, entries: [] };

/** Entries behind an id, and how the stream was at that moment; a stream that is not there is empty. */
export async function readStream(connection: RedisConnection, { stream, after, until, count }: StreamRange): Promise<StreamRead> {
  const reply = await connection.run(readStreamScript, [stream], [`(${after}`, until, count]);
  const [length, added, greatest, greatestDeleted, first, entries] = reply as [
    number,
    number,
    Buffer,
    Buffer,
    Buffer,
    [Buffer, Buffer[]][],
  ];
  if (length === undefined) return noStream;
  return {
    length,
    added,
    greatest: String(greatest),
    greatestDeleted: String(greatestDeleted),
    first: first.length === 0 ? undefined : String(first),
    entries: entries.map(([id, fields]) => [String(id), fields] as const),
  };
}
