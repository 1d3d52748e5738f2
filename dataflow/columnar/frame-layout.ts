/**
 * A frame of records byte by byte: one CBOR array, described in docs/data-plane.md.
 *
 *   [1, channelId, seq, 0, backlog, 2, count, timestamps, keyHashes, order, groups]
 *
 * FL1  A frame is read alone: it holds the shapes of its records, and refers to nothing that came before it.
 * FL2  What a newer version wrote is refused as such (`FRAME_VERSION`), before anything else of it is looked at.
 * FL3  What is none of that is `FRAME_CORRUPT`: nothing past the end is read, nothing else is thrown.
 */
import { MillraceError } from '../../core/errors.js';
import type { RecordBatch } from '../channels/elements.js';
import { ByteSink } from './byte-sink.js';
import type { OpenGroup } from './columnar-writer.js';
import { FrameBudget, valuesMax } from './frame-budget.js';
import { CorruptItem, ItemReader } from './item-reader.js';
import { numberTags, readNumbers, writeIntegers, writeNumbers } from './number-column.js';
import type { ShapeDecoders } from './shape-decoders.js';

/** 1 was an item a record, without groups. */
export const codecVersion = 2;
/** Version of the frame, channel, sequence number, kind, backlog. */
export const headItems = 5;
/** Codec version, count, timestamps, key hashes, order, groups. */
export const bodyItems = 6;
/** Description, count, columns. */
const groupItems = 3;
const embeddedTag = 24;
const groupsMax = 32;
const assemblyBytes = 64 * 1_024;
const assemblyBytesKeptMax = 256 * 1_024;

export interface FrameParts {
  readonly header: Uint8Array;
  readonly count: number;
  /** Undefined when no record has one. */
  readonly timestamps: Float64Array | undefined;
  /** Undefined when they are not known. */
  readonly keyHashes: Int32Array | undefined;
  /** The group of each record; undefined when there is one group. */
  readonly order: Uint8Array | undefined;
  readonly groups: readonly OpenGroup[];
}

/** Frames are put together here; writing one is never interrupted by another. */
let assembly = new ByteSink(assemblyBytes);

/** The frame, valid until the next one is put together; the groups are empty afterwards. */
export function writeBody({ header, count, timestamps, keyHashes, order, groups }: FrameParts): {
  readonly frame: Uint8Array;
  readonly timestampBytes: number;
} {
  const sink = assembly;
  sink.position = 0;
  sink.append(header);
  sink.head(0, codecVersion);
  sink.head(0, count);
  const timestampsAt = sink.position;
  if (timestamps === undefined) sink.byte(0xf6);
  else writeNumbers(sink, timestamps, count);
  const timestampBytes = sink.position - timestampsAt;
  if (keyHashes === undefined) sink.byte(0xf6);
  else writeIntegers(sink, keyHashes, count);
  if (order === undefined) sink.byte(0xf6);
  else {
    sink.head(6, numberTags.uint8);
    sink.head(2, count);
    sink.append(order.subarray(0, count));
  }
  sink.head(4, groups.length);
  for (const { descriptor, store } of groups) {
    sink.head(4, groupItems);
    sink.head(6, embeddedTag);
    sink.head(2, descriptor.length);
    sink.append(descriptor);
    sink.head(0, (store.levels[0] as OpenGroup['store']['levels'][number]).count);
    store.write(sink);
  }
  // No Buffer: its `slice` would be no copy.
  const frame = new Uint8Array(sink.bytes.buffer, sink.bytes.byteOffset, sink.position);
  if (sink.bytes.length > assemblyBytesKeptMax) assembly = new ByteSink(assemblyBytes);
  return { frame, timestampBytes };
}

/** The records of a frame whose head was read. Throws `FRAME_CORRUPT` and `FRAME_VERSION`. */
export function readFrame(payload: Uint8Array, bodyOffset: number, decoders: ShapeDecoders): RecordBatch {
  try {
    return readBody(new ItemReader(payload, bodyOffset), decoders);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw corrupt(error instanceof CorruptItem ? error.message : `reading it failed: ${String(error)}`);
  }
}

function readBody(reader: ItemReader, decoders: ShapeDecoders): RecordBatch {
  const version = reader.head(0);
  if (version !== codecVersion) throw foreignVersion(version);
  if (reader.bytes[0] !== 0x80 + headItems + bodyItems) throw new CorruptItem('not the items of a frame of records');
  const count = reader.head(0);
  if (count > Math.max(valuesMax, reader.bytes.length)) throw new CorruptItem(`${count} records`);
  const timestamps = readOptionalNumbers(reader, count);
  const keyHashes = readOptionalNumbers(reader, count);
  const order = readOrder(reader, count);
  const groups = reader.containerHead(4);
  if (groups > groupsMax || (groups !== 1 && order === undefined)) throw new CorruptItem(`${groups} groups`);
  const budget = new FrameBudget();
  const read = (): readonly unknown[] => readGroup(reader, decoders, budget);
  const values = order === undefined ? read() : interleave(Array.from({ length: groups }, read), order);
  if (values.length !== count) throw new CorruptItem(`${values.length} records instead of ${count}`);
  if (reader.position !== reader.bytes.length) throw new CorruptItem('bytes after its end');
  return { kind: 'data', values, timestamps, keyHashes: keyHashes === undefined ? undefined : keyHashesIn(keyHashes) };
}

function readOptionalNumbers(reader: ItemReader, count: number): Float64Array | undefined {
  if (reader.peek() === 0xf6) {
    reader.position += 1;
    return undefined;
  }
  const numbers = new Float64Array(count);
  readNumbers(reader, count, numbers);
  return numbers;
}

/** What is no key hash must not reach state: it would be a key that nobody finds again. */
function keyHashesIn(numbers: Float64Array): Int32Array {
  const keyHashes = new Int32Array(numbers.length);
  for (let index = 0; index < numbers.length; index += 1) {
    const number = numbers[index] as number;
    const keyHash = number | 0;
    if (keyHash !== number || keyHash < 0) throw new CorruptItem('a key hash that is none');
    keyHashes[index] = keyHash;
  }
  return keyHashes;
}

function readOrder(reader: ItemReader, count: number): Uint8Array | undefined {
  if (reader.peek() === 0xf6) {
    reader.position += 1;
    return undefined;
  }
  if (reader.head(6) !== numberTags.uint8 || reader.stringHead(2) !== count) throw new CorruptItem('an order of unknown form');
  const start = reader.skipBytes(count);
  return reader.bytes.subarray(start, start + count);
}

function readGroup(reader: ItemReader, decoders: ShapeDecoders, budget: FrameBudget): readonly unknown[] {
  if (reader.head(4) !== groupItems || reader.head(6) !== embeddedTag) throw new CorruptItem('a group of unknown form');
  const length = reader.stringHead(2);
  const start = reader.skipBytes(length);
  const decoder = decoders.find(reader, start, length);
  return decoder.read(reader, reader.head(0), budget);
}

/** CW1. */
function interleave(groups: readonly (readonly unknown[])[], order: Uint8Array): readonly unknown[] {
  const next = new Array<number>(groups.length).fill(0);
  const values: unknown[] = [];
  for (let index = 0; index < order.length; index += 1) {
    const at = order[index] as number;
    const group = groups[at];
    const row = next[at] as number;
    if (group === undefined || row >= group.length) throw new CorruptItem('an order that does not fit its groups');
    values.push(group[row]);
    next[at] = row + 1;
  }
  for (const [at, group] of groups.entries()) if (next[at] !== group.length) throw new CorruptItem('records without a place in the order');
  return values;
}

function corrupt(why: string): MillraceError {
  return new MillraceError('FRAME_CORRUPT', `A frame of records cannot be read: ${why}`, { domain: 'internal', recovery: 'restart-job' });
}

function foreignVersion(version: number): MillraceError {
  return new MillraceError(
    'FRAME_VERSION',
    `A frame of records was written by version ${version} of the codec; this process reads version ${codecVersion}.`,
    {
      domain: 'external',
      recovery: 'fail-job',
      hint: 'Run the same version of Millrace in all processes of a cluster.',
    },
  );
}
