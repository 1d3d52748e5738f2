/** Brings frames to a receiver in another slot, as bytes over the bus. */
import type { ChannelId } from '../../core/ids.js';
import type { FrameCodec } from './frame-codec.js';
import type { Carrier } from './output-channel.js';

export interface BusCarrierOptions {
  readonly channelId: ChannelId;
  readonly codec: FrameCodec;
  readonly frameBytesMax: number;
  readonly publish: (payload: Uint8Array) => void;
}

/** A carrier whose batches are frames. */
export function createBusCarrier(options: BusCarrierOptions): Carrier<Uint8Array> {
  const { channelId, codec, frameBytesMax, publish } = options;
  return {
    createWriter: () => codec.createWriter(channelId, frameBytesMax),
    sendBatch: (_seq, payload) => publish(payload),
    sendEvent: (seq, event) => publish(codec.encodeEvent(channelId, seq, event)),
  };
}
