/**
 * Frames with one CBOR item per record: `[1, channelId, seq, 0, [value, …], null | [timestamp, …]]`.
 *
 * Each record is encoded when it is added (FC2), into a segment that belongs to the writer; `take` copies the segment
 * once into bytes that the bus may keep. Nothing refers to another frame, so a lost one costs no more than itself.
 */
import { Encoder } from 'cbor-x';
import { decode, encode, wireLimits } from '../../bus/codec/cbor.js';
import { scanCbor } from '../../bus/codec/scan.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { ChannelId, CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { noTimestamp } from '../contracts.js';
import type { ChannelControl, RecordBatch, StreamEvent } from './elements.js';
import { frameKinds, type FrameCodec, type FrameHeader, type FrameWriter } from './frame-codec.js';
import { headerTemplate, readFrameHeader, writeUint64 } from './frame-header.js';

/** Events and control hold a channel id and two numbers. */
const smallFrameBytesMax = 2_048;
/** `99 hi lo`: an array head whose count is filled in at the end. */
const arrayHeadBytes = 3;
const timestampBytes = 9;
/** Up to here a loop beats making a view of the source. */
const copiedByLoopMax = 192;
/** Version, channel id, sequence number, kind. */
const itemsBeforeBody = 4;

/** The same form of CBOR as bus/codec writes, without its copy and its scan: those happen once a frame, not once a record. */
const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false });
/** cbor-x: keep the result in the encoder's buffer, between `start` and `end`, and start over next time. */
const reuseAndReset = 512 + 1_024;
const encodeInPlace: (this: Encoder, value: unknown, mode: number) => Uint8Array & { start: number; end: number } = encoder.encode as never;

class RowWriter implements FrameWriter {
  readonly #header: Uint8Array;
  readonly #seqOffset: number;
  readonly #frameBytesMax: number;
  #segment: Uint8Array;
  #position: number;
  #count = 0;
  /** Undefined until a record with a timestamp comes. */
  #timestamps: number[] | undefined;

  constructor(channelId: ChannelId, frameBytesMax: number) {
    const template = headerTemplate(channelId, frameKinds.data, 6);
    this.#header = template.bytes;
    this.#seqOffset = template.seqOffset;
    this.#frameBytesMax = frameBytesMax;
    this.#segment = new Uint8Array(2 * limits.frameBytesTarget);
    this.#segment.set(this.#header);
    this.#position = this.#header.length + arrayHeadBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#position + (this.#timestamps === undefined ? 1 : arrayHeadBytes + this.#count * timestampBytes);
  }

  get isFull(): boolean {
    return this.bytes >= limits.frameBytesTarget;
  }

  add(value: unknown, timestamp: number): void {
    const source = encodeRecord(value);
    const length = source.end - source.start;
    if (length > limits.frameBytesTarget) this.#checkLarge(source, length);
    this.#reserve(length);
    this.#copy(source, length);
    if (timestamp !== noTimestamp && this.#timestamps === undefined) {
      this.#timestamps = new Array<number>(this.#count).fill(noTimestamp);
    }
    if (this.#timestamps !== undefined) this.#timestamps.push(timestamp);
    this.#count += 1;
  }

  take(seq: number): Uint8Array {
    const countAt = this.#header.length;
    this.#segment[countAt] = 0x99;
    this.#segment[countAt + 1] = this.#count >> 8;
    this.#segment[countAt + 2] = this.#count & 0xff;
    writeUint64(this.#segment, this.#seqOffset, seq);
    this.#appendTimestamps();
    const frame = this.#segment.slice(0, this.#position);
    if (this.#segment.length > 2 * limits.frameBytesTarget) {
      this.#segment = new Uint8Array(2 * limits.frameBytesTarget);
      this.#segment.set(this.#header);
    }
    this.#position = this.#header.length + arrayHeadBytes;
    this.#count = 0;
    this.#timestamps = undefined;
    return frame;
  }

  #copy(source: Uint8Array & { start: number; end: number }, length: number): void {
    const position = this.#position;
    this.#position = position + length;
    if (length > copiedByLoopMax) {
      this.#segment.set(source.subarray(source.start, source.end), position);
      return;
    }
    const segment = this.#segment;
    const { start } = source;
    for (let index = 0; index < length; index += 1) segment[position + index] = source[start + index] as number;
  }

  #appendTimestamps(): void {
    const timestamps = this.#timestamps;
    if (timestamps === undefined) {
      this.#reserve(1);
      this.#segment[this.#position] = 0xf6;
      this.#position += 1;
      return;
    }
    this.#reserve(arrayHeadBytes + timestamps.length * timestampBytes);
    const view = new DataView(this.#segment.buffer);
    let position = this.#position;
    view.setUint8(position, 0x99);
    view.setUint16(position + 1, timestamps.length);
    position += arrayHeadBytes;
    for (const timestamp of timestamps) {
      view.setUint8(position, 0xfb);
      view.setFloat64(position + 1, timestamp);
      position += timestampBytes;
    }
    this.#position = position;
  }

  #checkLarge(source: Uint8Array & { start: number; end: number }, length: number): void {
    const bytesMax = this.#frameBytesMax - this.#header.length - 2 * arrayHeadBytes - timestampBytes;
    if (length > bytesMax) throw recordTooLarge(length, bytesMax);
    const fault = scanCbor(source.subarray(source.start, source.end), wireLimits);
    if (fault !== undefined) throw notEncodable(fault);
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#segment.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#segment.length * 2));
    larger.set(this.#segment.subarray(0, this.#position));
    this.#segment = larger;
  }
}

function encodeRecord(value: unknown): Uint8Array & { start: number; end: number } {
  try {
    return encodeInPlace.call(encoder, value, reuseAndReset);
  } catch (error) {
    throw notEncodable(error instanceof RangeError ? 'it is nested too deeply or refers to itself' : toErrorRecord(error).message);
  }
}

function recordTooLarge(bytes: number, bytesMax: number): MillraceError {
  return new MillraceError('RECORD_TOO_LARGE', `A record takes ${bytes} bytes; a frame of the bus holds ${bytesMax}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Emit smaller records (split large texts or arrays), or raise max_payload of the NATS server.',
  });
}

function notEncodable(why: string): MillraceError {
  return new MillraceError('RECORD_NOT_ENCODABLE', `A record cannot be sent to another slot: ${why}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: `Records are plain data: no functions or symbols, no cycles, nested at most ${limits.cborDepthMax} deep.`,
  });
}

/** A frame whose body is numbers. */
function smallFrame(channelId: ChannelId, seq: number, items: readonly number[]): Uint8Array {
  const [kind, ...numbers] = items as readonly [number, ...number[]];
  const template = headerTemplate(channelId, kind, itemsBeforeBody + numbers.length);
  const body = numbers.map((number) => encode(number));
  const frame = new Uint8Array(body.reduce((bytes, part) => bytes + part.length, template.bytes.length));
  frame.set(template.bytes);
  writeUint64(frame, template.seqOffset, seq);
  let position = template.bytes.length;
  for (const part of body) {
    frame.set(part, position);
    position += part.length;
  }
  return frame;
}

/** The kind of an event and the numbers of its body. */
function eventItems(event: StreamEvent): readonly number[] {
  switch (event.kind) {
    case 'watermark':
      return [frameKinds.watermark, event.time];
    case 'barrier':
      return [frameKinds.barrier, event.checkpointId, event.triggeredAt, event.isFinal ? 1 : 0];
    case 'cancel-barrier':
      return [frameKinds.cancelBarrier, event.checkpointId];
    case 'end-of-data':
      return [frameKinds.endOfData];
    case 'end-of-partition':
      return [frameKinds.endOfPartition];
  }
}

function controlItems(control: ChannelControl): readonly number[] {
  switch (control.kind) {
    case 'grant':
      return [frameKinds.grant, control.grantedUpTo, control.receivedUpTo];
    case 'beat':
      return [frameKinds.beat, control.sentUpTo];
    case 'close-by-sender':
      return [frameKinds.closeBySender];
    case 'close-by-receiver':
      return [frameKinds.closeByReceiver];
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** The items of a small frame after the head, or undefined when it does not decode. */
function smallItems(payload: Uint8Array): readonly unknown[] | undefined {
  if (payload.length > smallFrameBytesMax) return undefined;
  try {
    const items = decode(payload, wireLimits);
    return Array.isArray(items) ? items.slice(4) : undefined;
  } catch {
    return undefined;
  }
}

/** The codec of frames with a CBOR item per record. */
export const rowCodec: FrameCodec = {
  createWriter: (channelId, frameBytesMax) => new RowWriter(channelId, frameBytesMax),
  encodeEvent: (channelId, seq, event) => smallFrame(channelId, seq, eventItems(event)),
  encodeControl: (channelId, control) => smallFrame(channelId, 0, controlItems(control)),
  readHeader: readFrameHeader,

  decodeEvent(payload: Uint8Array, header: FrameHeader): StreamEvent | undefined {
    const items = smallItems(payload);
    if (items === undefined) return undefined;
    const [first, second, third] = items;
    switch (header.kind) {
      case frameKinds.watermark:
        return typeof first === 'number' ? { kind: 'watermark', time: first } : undefined;
      case frameKinds.barrier:
        return isCount(first) && typeof second === 'number'
          ? { kind: 'barrier', checkpointId: first as CheckpointId, triggeredAt: second, isFinal: third === 1 }
          : undefined;
      case frameKinds.cancelBarrier:
        return isCount(first) ? { kind: 'cancel-barrier', checkpointId: first as CheckpointId } : undefined;
      case frameKinds.endOfData:
        return { kind: 'end-of-data' };
      case frameKinds.endOfPartition:
        return { kind: 'end-of-partition' };
      default:
        return undefined;
    }
  },

  decodeControl(payload: Uint8Array, header: FrameHeader): ChannelControl | undefined {
    const items = smallItems(payload);
    if (items === undefined) return undefined;
    const [first, second] = items;
    switch (header.kind) {
      case frameKinds.grant:
        return isCount(first) && isCount(second) ? { kind: 'grant', grantedUpTo: first, receivedUpTo: second } : undefined;
      case frameKinds.beat:
        return isCount(first) ? { kind: 'beat', sentUpTo: first } : undefined;
      case frameKinds.closeBySender:
        return { kind: 'close-by-sender' };
      case frameKinds.closeByReceiver:
        return { kind: 'close-by-receiver' };
      default:
        return undefined;
    }
  },

  decodeBatch(payload: Uint8Array): RecordBatch {
    let items: unknown;
    try {
      items = decode(payload, wireLimits);
    } catch (error) {
      throw corrupt(toErrorRecord(error).message);
    }
    const [values, timestamps] = Array.isArray(items) ? [items[4] as unknown, items[5] as unknown] : [undefined, undefined];
    if (!Array.isArray(values)) throw corrupt('it holds no records');
    if (timestamps === null) return { kind: 'data', values, timestamps: undefined };
    if (!isTimestamps(timestamps) || timestamps.length !== values.length) throw corrupt('its timestamps do not fit its records');
    return { kind: 'data', values, timestamps };
  },
};

const isTimestamps = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => typeof item === 'number');

function corrupt(why: string): MillraceError {
  return new MillraceError('FRAME_CORRUPT', `A frame of records cannot be read: ${why}`, { domain: 'internal', recovery: 'restart-job' });
}
