/**
 * How frames look as bytes. A frame is one well-formed, self-contained CBOR array that any CBOR library can read:
 * `[1, channelId, seq, kind, …]`, with `kind` one of {@link frameKinds}. Control frames carry 0 for `seq`.
 *
 * FC1  Reading never throws on foreign bytes: what is not a frame of ours is undefined (header, event, control), and a
 *      damaged batch is a MillraceError `FRAME_CORRUPT`, one of a newer version `FRAME_VERSION`.
 * FC2  What is added to a batch is encoded (or copied) at once: the caller may change or reuse the value afterwards.
 */
import type { ChannelId } from '../../core/ids.js';
import type { ChannelControl, RecordBatch, StreamEvent } from './elements.js';

export const frameVersion = 1;

/** Never reused for another meaning. */
export const frameKinds = {
  /** `backlog`, then records: see docs/data-plane.md. */
  data: 0,
  /** `time` */
  watermark: 1,
  /** `checkpointId, triggeredAt, isFinal ? 1 : 0` */
  barrier: 2,
  /** `checkpointId` */
  cancelBarrier: 3,
  endOfData: 4,
  endOfPartition: 5,
  /** `backlog, frameBytes, offset, bytes`: a piece of a data frame that does not fit one message. */
  fragment: 6,
  /** `markedAt, operatorId, subtask` */
  latencyMarker: 7,
  /** `isIdle ? 1 : 0` */
  watermarkStatus: 8,
  /** `grantedUpTo, receivedUpTo` */
  grant: 16,
  /** `sentUpTo, backlog` */
  beat: 17,
  closeBySender: 18,
  closeByReceiver: 19,
} as const;

export interface FrameHeader {
  readonly channelId: ChannelId;
  readonly seq: number;
  readonly kind: number;
  /** Of data frames and fragments: those that waited behind it for credit; 0 for other kinds. */
  readonly backlog: number;
  readonly bodyOffset: number;
}

/** Collects the records of one data frame of one channel. */
export interface FrameWriter {
  /** Records added since the last `take`. */
  readonly count: number;
  /** About the size of the frame if it were taken now. */
  readonly bytes: number;
  /** Size of the frame that was taken last. */
  readonly takenBytes: number;
  /** The frame has the size the bus is fastest with: it should leave. */
  readonly isFull: boolean;
  /**
   * Encodes one record at once; false when it has no room beside what is there: take that first, then add it again.
   * Throws `RECORD_TOO_LARGE` and `RECORD_NOT_ENCODABLE`, leaving the batch as it was.
   */
  add(value: unknown, timestamp: number, keyHash?: number): boolean;
  /**
   * The frame, valid until the next `take` of any writer of the thread: it stands where frames are put together. The
   * writer is empty afterwards.
   */
  take(seq: number): Uint8Array;
}

export interface FrameWriterOptions {
  readonly channelId: ChannelId;
  /** The largest frame. One that the bus cannot carry as a whole travels in pieces: that is not the writer's concern. */
  readonly frameBytesMax: number;
  /** The size at which a frame should leave; default: `limits.frameBytesTarget`. */
  readonly frameBytesTarget?: number;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
  /** Of plain objects only these fields travel, in this order; undefined: all. */
  readonly fields?: readonly string[] | undefined;
}

export interface FrameCodec {
  createWriter(options: FrameWriterOptions): FrameWriter;
  encodeEvent(channelId: ChannelId, seq: number, event: StreamEvent): Uint8Array;
  encodeControl(channelId: ChannelId, control: ChannelControl): Uint8Array;
  readHeader(payload: Uint8Array): FrameHeader | undefined;
  decodeEvent(payload: Uint8Array, header: FrameHeader): StreamEvent | undefined;
  decodeControl(payload: Uint8Array, header: FrameHeader): ChannelControl | undefined;
  /** Throws `FRAME_CORRUPT` and `FRAME_VERSION`. */
  decodeBatch(payload: Uint8Array, bodyOffset: number): RecordBatch;
}
