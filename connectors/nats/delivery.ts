/** What JetStream says of a message it delivers, which stands in the subject for its acknowledgement. */
import type { Msg } from 'nats';
import { MillraceError } from '../../core/errors.js';

export interface Delivery {
  /** In the stream. */
  readonly sequence: number;
  /** Messages the consumer delivered so far, with this one. */
  readonly delivered: number;
  /** When the stream stored it, in ms. */
  readonly timestamp: number;
  /** Messages that were left for the consumer. */
  readonly pending: number;
}

/** `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<delivered>.<ns>.<pending>`, with domain and account before the stream on newer servers. */
export function deliveryOf(message: Pick<Msg, 'reply'>): Delivery {
  const tokens = (message.reply ?? '').split('.');
  const at = tokens.length === 9 ? 5 : 7;
  const [sequence, delivered, nanoseconds, pending] = tokens.slice(at, at + 4);
  const delivery = {
    sequence: Number(sequence),
    delivered: Number(delivered),
    timestamp: Math.floor(Number(nanoseconds) / 1_000_000),
    pending: Number(pending),
  };
  if (Number.isSafeInteger(delivery.sequence) && Number.isSafeInteger(delivery.delivered)) return delivery;
  throw new MillraceError('NATS_STREAM_FAILED', `JetStream delivered a message without its sequence: ${message.reply ?? ''}`, {
    domain: 'external',
  });
}
