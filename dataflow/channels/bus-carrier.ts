/** Brings frames to a receiver in another slot, as bytes over the bus. */
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { FrameCodec } from './frame-codec.js';
import type { Carrier } from './output-channel.js';

export interface BusCarrierOptions {
  readonly channelId: ChannelId;
  readonly codec: FrameCodec;
  readonly frameBytesMax: number;
  readonly publish: (payload: Uint8Array) => void;
}

/** A carrier whose batches are frames; full at the size the bus is fastest with. */
export function createBusCarrier(options: BusCarrierOptions): Carrier<Uint8Array> {
  const { channelId, codec, frameBytesMax, publish } = options;
  return {
    createWriter() {
      const writer = codec.createWriter(channelId, frameBytesMax);
      return {
        get count() {
          return writer.count;
        },
        get bytes() {
          return writer.bytes;
        },
        get isFull() {
          return writer.bytes >= limits.frameBytesTarget;
        },
        add: (value, timestamp) => writer.add(value, timestamp),
        take: (seq) => writer.take(seq),
      };
    },
    sendBatch: (_seq, payload) => publish(payload),
    sendEvent: (seq, event) => publish(codec.encodeEvent(channelId, seq, event)),
  };
}
