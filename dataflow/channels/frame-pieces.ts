/**
 * How a data frame travels that is larger than one message: in fragments, each a frame of its own,
 * `[1, channelId, seq, 6, backlog, frameBytes, offset, bytes]`.
 *
 * FP1  A frame of at most `pieceBytesMax` travels as it is; no message exceeds `pieceBytesMax`.
 * FP2  The fragments of a frame carry its bytes in order and once; all but the last are as large as they may be.
 */
import { MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { FrameFragment } from './elements.js';
import { frameKinds } from './frame-codec.js';
import { headerTemplate, writeBacklog, writeUint64, type HeaderTemplate } from './frame-header.js';

export interface FramePiecesOptions {
  readonly channelId: ChannelId;
  /** The largest message. */
  readonly pieceBytesMax: number;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
}

export interface CutOptions {
  readonly seq: number;
  readonly backlog: number;
  /** Where the fragment is to stand: at least `pieceBytesMax`. */
  readonly into?: Uint8Array | undefined;
}

/** Version, channel, sequence number, kind, backlog, bytes of the frame, offset, bytes. */
const fragmentItems = 8;
/** Two numbers of four bytes and a byte string with a length of two, so that every head is as long as the others. */
const fragmentNumbersBytes = 5 + 5 + 3;

/** Cuts the frames of one channel; see the head of this file. */
export class FramePieces {
  readonly #head: HeaderTemplate;
  readonly #pieceBytesMax: number;
  /** Bytes of the frame in one fragment. */
  readonly #roomBytes: number;

  constructor({ channelId, pieceBytesMax, operatorName }: FramePiecesOptions) {
    this.#head = headerTemplate(channelId, frameKinds.fragment, fragmentItems);
    this.#pieceBytesMax = pieceBytesMax;
    this.#roomBytes = pieceBytesMax - this.#head.bytes.length - fragmentNumbersBytes;
    if (this.#roomBytes < limits.pieceBytesMin) throw payloadTooSmall(pieceBytesMax, limits.pieceBytesMin - this.#roomBytes, operatorName);
  }

  /** Messages that a frame of so many bytes takes. */
  countOf(frameBytes: number): number {
    return frameBytes <= this.#pieceBytesMax ? 1 : Math.ceil(frameBytes / this.#roomBytes);
  }

  /** Fragment `index` of a frame that takes several: the beginning of `into`, or bytes of its own. */
  cut(frame: Uint8Array, index: number, { seq, backlog, into }: CutOptions): Uint8Array {
    const offset = index * this.#roomBytes;
    const bytes = frame.subarray(offset, offset + this.#roomBytes);
    const { bytes: head, seqOffset, backlogOffset } = this.#head;
    const length = head.length + fragmentNumbersBytes + bytes.length;
    const fragment = into === undefined ? new Uint8Array(length) : into.subarray(0, length);
    fragment.set(head);
    writeUint64(fragment, seqOffset, seq);
    writeBacklog(fragment, backlogOffset, backlog);
    const view = new DataView(fragment.buffer, fragment.byteOffset + head.length);
    view.setUint8(0, 0x1a);
    view.setUint32(1, frame.length);
    view.setUint8(5, 0x1a);
    view.setUint32(6, offset);
    view.setUint8(10, 0x59);
    view.setUint16(11, bytes.length);
    fragment.set(bytes, head.length + fragmentNumbersBytes);
    return fragment;
  }
}

/** The fragment in a frame of that kind, or undefined when it is none of ours. Its bytes are those of `payload`. */
export function readFragment(payload: Uint8Array, bodyOffset: number): FrameFragment | undefined {
  const start = bodyOffset + fragmentNumbersBytes;
  if (payload.length <= start) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset + bodyOffset, fragmentNumbersBytes);
  if (view.getUint8(0) !== 0x1a || view.getUint8(5) !== 0x1a || view.getUint8(10) !== 0x59) return undefined;
  if (view.getUint16(11) !== payload.length - start) return undefined;
  return { kind: 'fragment', frameBytes: view.getUint32(1), offset: view.getUint32(6), bytes: payload.subarray(start) };
}

function payloadTooSmall(bytesMax: number, missing: number, operatorName: string): MillraceError {
  return new MillraceError('PAYLOAD_TOO_SMALL', `The bus carries ${bytesMax} bytes a message, ${missing} too few for this channel.`, {
    domain: 'external',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Raise max_payload of the NATS server, or give the operators of the job shorter ids.',
  });
}
