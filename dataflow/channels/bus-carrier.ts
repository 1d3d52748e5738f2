/**
 * Brings frames to a receiver in another slot, as bytes over the bus; a large one in pieces.
 *
 * BC1  Where the bus hands back what it was given, every data frame leaves in a segment of the slot's pool, and goes home
 *      when the bus is done with it; with none left, data frames wait (S6).
 * BC2  Elsewhere a data frame leaves in a buffer of its own, which changes hands.
 */
import { limits } from '../../core/limits.js';
import { frameKinds, type FrameCodec, type FrameWriterOptions } from './frame-codec.js';
import { headerTemplate, writeBacklog } from './frame-header.js';
import { FramePieces } from './frame-pieces.js';
import type { Carrier } from './carrier.js';
import type { SegmentPool } from './segment-pool.js';

export interface BusCarrierOptions extends Omit<FrameWriterOptions, 'frameBytesMax'> {
  readonly codec: FrameCodec;
  /** The largest message that the bus carries. */
  readonly payloadBytesMax: number;
  /** With `onSent` the payload is lent, otherwise it is given away. */
  readonly publish: (payload: Uint8Array, onSent?: (payload: Uint8Array) => void) => void;
  readonly isCongested: () => boolean;
  /** Whether the bus hands back what it was lent. */
  readonly isLendable: () => boolean;
  readonly pool: SegmentPool;
}

/** A carrier whose batches are frames. Throws `PAYLOAD_TOO_SMALL`. */
export function createBusCarrier(options: BusCarrierOptions): Carrier<Uint8Array> {
  const { channelId, codec, publish, isLendable, pool, operatorName } = options;
  const pieceBytesMax = Math.min(options.payloadBytesMax, limits.segmentBytes);
  const pieces = new FramePieces({ channelId, pieceBytesMax, operatorName });
  const { backlogOffset } = headerTemplate(channelId, frameKinds.data, 0);
  const comesHome = (payload: Uint8Array): void => pool.release(payload);
  const send = (payload: Uint8Array): void => (pool.holds(payload) ? publish(payload, comesHome) : publish(payload));
  return {
    createWriter: () => codec.createWriter({ ...options, frameBytesMax: limits.frameBytesMax }),
    isCongested: options.isCongested,
    hasRoom: (batch) => (batch !== undefined && pool.holds(batch.payload)) || !isLendable() || !pool.isExhausted(),
    piecesOf: (frame) => pieces.countOf(frame.length),
    keep: ({ payload, pieces: count }) => {
      const segment = count === 1 && isLendable() ? pool.takeForWaiting() : undefined;
      return segment === undefined ? new Uint8Array(payload) : copied(payload, segment);
    },
    drop: ({ payload }) => {
      if (pool.holds(payload)) pool.release(payload);
    },
    sendPiece: ({ payload, pieces: count, sentPieces, isKept }, seq, backlog) => {
      const isReady = count === 1 && (pool.holds(payload) || (isKept && !isLendable()));
      const segment = !isReady && isLendable() ? pool.take() : undefined;
      if (count > 1) {
        send(pieces.cut(payload, sentPieces, { seq, backlog, into: segment }));
        return;
      }
      const frame = isReady ? payload : segment === undefined ? new Uint8Array(payload) : copied(payload, segment);
      writeBacklog(frame, backlogOffset, backlog);
      send(frame);
    },
    sendEvent: (seq, event) => publish(codec.encodeEvent(channelId, seq, event)),
    sendBacklog: (sentUpTo, backlog) => publish(codec.encodeControl(channelId, { kind: 'beat', sentUpTo, backlog })),
  };
}

function copied(frame: Uint8Array, segment: Uint8Array): Uint8Array {
  segment.set(frame);
  return segment.subarray(0, frame.length);
}
