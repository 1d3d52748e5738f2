/** Brings frames to a receiver in another slot, as bytes over the bus. */
import type { FrameCodec, FrameWriterOptions } from './frame-codec.js';
import type { Carrier } from './output-channel.js';

export interface BusCarrierOptions extends FrameWriterOptions {
  readonly codec: FrameCodec;
  readonly publish: (payload: Uint8Array) => void;
}

/** A carrier whose batches are frames. */
export function createBusCarrier(options: BusCarrierOptions): Carrier<Uint8Array> {
  const { channelId, codec, publish } = options;
  return {
    createWriter: () => codec.createWriter(options),
    sendBatch: (_seq, payload) => publish(payload),
    sendEvent: (seq, event) => publish(codec.encodeEvent(channelId, seq, event)),
  };
}
