/** Brings frames to a receiver in another slot, as bytes over the bus; a large one in pieces. */
import { limits } from '../../core/limits.js';
import { frameKinds, type FrameCodec, type FrameWriterOptions } from './frame-codec.js';
import { headerTemplate, writeBacklog } from './frame-header.js';
import { FramePieces } from './frame-pieces.js';
import type { Carrier } from './output-channel.js';

export interface BusCarrierOptions extends Omit<FrameWriterOptions, 'frameBytesMax'> {
  readonly codec: FrameCodec;
  /** The largest message that the bus carries. */
  readonly payloadBytesMax: number;
  readonly publish: (payload: Uint8Array) => void;
  readonly isCongested: () => boolean;
}

/** A carrier whose batches are frames. Throws `PAYLOAD_TOO_SMALL`. */
export function createBusCarrier(options: BusCarrierOptions): Carrier<Uint8Array> {
  const { channelId, codec, publish, isCongested, operatorName } = options;
  const pieceBytesMax = Math.min(options.payloadBytesMax, limits.segmentBytes);
  const pieces = new FramePieces({ channelId, pieceBytesMax, operatorName });
  const { backlogOffset } = headerTemplate(channelId, frameKinds.data, 0);
  return {
    createWriter: () => codec.createWriter({ ...options, frameBytesMax: limits.frameBytesMax }),
    isCongested,
    piecesOf: (frame) => pieces.countOf(frame.length),
    sendPiece: ({ payload, pieces: count, sentPieces }, seq, backlog) => {
      if (count > 1) {
        publish(pieces.cut(payload, sentPieces, { seq, backlog }));
        return;
      }
      writeBacklog(payload, backlogOffset, backlog);
      publish(payload);
    },
    sendEvent: (seq, event) => publish(codec.encodeEvent(channelId, seq, event)),
    sendBacklog: (sentUpTo, backlog) => publish(codec.encodeControl(channelId, { kind: 'beat', sentUpTo, backlog })),
  };
}
