/**
 * The head of a frame, read and written by hand: routing must not decode records, and bytes from anywhere must not throw.
 * `[1, channelId, seq, kind, …]`, see frame-codec.ts. Data frames and fragments go on with the backlog, as two bytes that
 * are filled in when the frame leaves.
 */
import type { ChannelId } from '../../core/ids.js';
import { frameKinds, frameVersion, type FrameHeader } from './frame-codec.js';

const channelIdBytesMax = 1_024;
const itemsMin = 4;
/** More than frames have, so that those of a newer version are recognised. */
const itemsMax = 23;
const textDecoder = new TextDecoder('latin1');
const textEncoder = new TextEncoder();

/** The largest backlog that is told: two bytes, far more than any receiver grants at once. */
const backlogMax = 0xffff;
/** From the sequence number to the backlog: its 8 bytes, the kind, the initial byte of the backlog. */
const seqToBacklog = 8 + 1 + 1;

/** A head that leaves room for the sequence number, which is always written as 8 bytes, and for the backlog, 2 bytes. */
export interface HeaderTemplate {
  readonly bytes: Uint8Array;
  readonly seqOffset: number;
  /** Of data frames and fragments. */
  readonly backlogOffset: number;
}

const hasBacklog = (kind: number): boolean => kind === frameKinds.data || kind === frameKinds.fragment;

/** The head of frames of `kind` with `items` items in all. Costs once a channel. */
export function headerTemplate(channelId: ChannelId, kind: number, items: number): HeaderTemplate {
  const id = textEncoder.encode(channelId);
  if (id.length > channelIdBytesMax) throw new TypeError(`channel id of ${id.length} bytes: at most ${channelIdBytesMax}`);
  const lengthBytes = id.length < 24 ? [0x60 + id.length] : id.length < 256 ? [0x78, id.length] : [0x79, id.length >> 8, id.length & 0xff];
  const bytes = new Uint8Array(2 + lengthBytes.length + id.length + 9 + 1 + (hasBacklog(kind) ? 3 : 0));
  bytes[0] = 0x80 + items;
  bytes[1] = frameVersion;
  bytes.set(lengthBytes, 2);
  bytes.set(id, 2 + lengthBytes.length);
  const seqOffset = 2 + lengthBytes.length + id.length;
  bytes[seqOffset] = 0x1b;
  bytes[seqOffset + 9] = kind;
  if (hasBacklog(kind)) bytes[seqOffset + 10] = 0x19;
  return { bytes, seqOffset: seqOffset + 1, backlogOffset: seqOffset + 1 + seqToBacklog };
}

/** Says in a frame about to leave how many data frames wait behind it. */
export function writeBacklog(bytes: Uint8Array, offset: number, backlog: number): void {
  const told = Math.min(backlog, backlogMax);
  bytes[offset] = told >> 8;
  bytes[offset + 1] = told & 0xff;
}

/** Writes a whole number below 2⁵³ as 8 bytes, big end first. */
export function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  let high = Math.floor(value / 0x1_0000_0000);
  let low = value >>> 0;
  for (let index = 3; index >= 0; index -= 1) {
    bytes[offset + 4 + index] = low & 0xff;
    low >>>= 8;
    bytes[offset + index] = high & 0xff;
    high >>>= 8;
  }
}

/** The head of a frame, or undefined when these bytes are none of ours. Allocates the channel id only. */
export function readFrameHeader(payload: Uint8Array): FrameHeader | undefined {
  const head = payload[0];
  if (head === undefined || head < 0x80 + itemsMin || head > 0x80 + itemsMax || payload[1] !== frameVersion) return undefined;
  const text = readLength(payload, 2, 3);
  if (text === undefined || text.value === 0 || text.value > channelIdBytesMax) return undefined;
  const seqAt = text.next + text.value;
  const seq = readLength(payload, seqAt, 0);
  if (seq === undefined || !Number.isSafeInteger(seq.value)) return undefined;
  const kind = payload[seq.next];
  if (kind === undefined || kind > 23) return undefined;
  const channelId = textDecoder.decode(payload.subarray(text.next, seqAt)) as ChannelId;
  if (!hasBacklog(kind)) return { channelId, seq: seq.value, kind, backlog: 0, bodyOffset: seq.next + 1 };
  const backlog = readLength(payload, seq.next + 1, 0);
  if (backlog === undefined || backlog.value > backlogMax) return undefined;
  return { channelId, seq: seq.value, kind, backlog: backlog.value, bodyOffset: backlog.next };
}

/** The argument of the CBOR head at `offset`, which must be of `major`; undefined when it is not or the bytes end. */
function readLength(bytes: Uint8Array, offset: number, major: number): { readonly value: number; readonly next: number } | undefined {
  const initial = bytes[offset];
  if (initial === undefined || initial >> 5 !== major) return undefined;
  const info = initial & 0x1f;
  if (info < 24) return { value: info, next: offset + 1 };
  if (info > 27) return undefined;
  const next = offset + 1 + (1 << (info - 24));
  if (next > bytes.length) return undefined;
  let value = 0;
  for (let index = offset + 1; index < next; index += 1) value = value * 256 + (bytes[index] as number);
  return { value, next };
}
