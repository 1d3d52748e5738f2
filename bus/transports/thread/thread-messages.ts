/**
 * What a slot thread and the main thread of its TaskManager say to each other about the bus. Plain data, structured-cloned
 * or handed over; other messages may travel on the same channel, told apart by `layer`.
 */
import type { BusFailure, BusStatus } from '../../contracts.js';

interface BusLayer {
  readonly layer: 'bus';
}

/** From the slot to the main thread. Ids are the slot's. */
export type BusCommand = BusLayer &
  (
    | { readonly kind: 'publish'; readonly subject: string; readonly payload: Uint8Array }
    | { readonly kind: 'request'; readonly id: number; readonly subject: string; readonly payload: Uint8Array; readonly timeoutMs: number }
    | { readonly kind: 'subscribe'; readonly id: number; readonly pattern: string; readonly queue: string | undefined }
    | { readonly kind: 'unsubscribe'; readonly id: number }
    /** Answers the request that was delivered with this token. */
    | { readonly kind: 'respond'; readonly token: number; readonly payload: Uint8Array }
    | { readonly kind: 'flush'; readonly id: number }
  );

/** From the main thread to the slot. */
export type BusNews = BusLayer &
  (
    | {
        readonly kind: 'message';
        readonly subscription: number;
        readonly subject: string;
        readonly payload: Uint8Array;
        /** Undefined for a plain publish. */
        readonly token: number | undefined;
      }
    | { readonly kind: 'reply'; readonly id: number; readonly payload: Uint8Array }
    | { readonly kind: 'request-failed'; readonly id: number; readonly failure: BusFailure; readonly message: string }
    | { readonly kind: 'flushed'; readonly id: number }
    | { readonly kind: 'status'; readonly status: BusStatus }
  );

/** Sends one message to the other thread. */
export type Post<Message> = (message: Message, transfer?: readonly ArrayBuffer[]) => void;

/**
 * `payload` in a buffer of its own that may be transferred, and that buffer. Without a copy only when `isGivenAway` and the
 * payload is all of its buffer: a view into a pool would take its neighbours with it, and even cloning one clones them.
 */
export function transferable(
  payload: Uint8Array,
  isGivenAway: boolean,
): { readonly payload: Uint8Array; readonly transfer: readonly ArrayBuffer[] } {
  const { buffer } = payload;
  if (isGivenAway && buffer instanceof ArrayBuffer && payload.byteLength === buffer.byteLength) return { payload, transfer: [buffer] };
  const copy = new Uint8Array(payload);
  return { payload: copy, transfer: [copy.buffer] };
}
