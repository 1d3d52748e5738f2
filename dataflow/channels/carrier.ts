/** What brings the frames of a channel to its receiver: `local-carrier.ts` within a slot, `bus-carrier.ts` beyond it. */
import type { StreamEvent } from './elements.js';

/** Collects records until they leave as one frame. */
export interface BatchWriter<Payload> {
  readonly count: number;
  /** Whether the batch should leave as soon as it may. */
  readonly isFull: boolean;
  /** False when there is no room for it beside what is there. An empty batch takes every record, or throws. */
  add(value: unknown, timestamp: number, keyHash?: number): boolean;
  /** Size of the batch that was taken last. */
  readonly takenBytes: number;
  /** The batch, valid until the next call for any channel of the thread unless the carrier keeps it. */
  take(seq: number): Payload;
}

/** A batch on its way to the receiver. */
export interface LeavingBatch<Payload> {
  readonly kind: 'batch';
  /** Number of its first piece. */
  readonly seq: number;
  payload: Payload;
  /** What the carrier made of the payload when the batch began to wait. */
  isKept: boolean;
  readonly records: number;
  readonly bytes: number;
  /** Data frames that it travels in. */
  readonly pieces: number;
  sentPieces: number;
  isOverdraft: boolean;
}

/** Brings frames to the receiver: by reference within a slot, as bytes over the bus. */
export interface Carrier<Payload> {
  createWriter(): BatchWriter<Payload>;
  /** Data frames that a batch travels in. */
  piecesOf(payload: Payload): number;
  /** What is numbered had better wait; `onRelief` of the channel is called when it need not. Default: never. */
  readonly isCongested?: () => boolean;
  /** Whether there is memory for data frames (of this batch) to leave in; `onRelief` is called when there is again. Default: always. */
  readonly hasRoom?: (batch?: LeavingBatch<Payload>) => boolean;
  /** The payload so that it stays as it is while the batch waits. Default: it does. */
  readonly keep?: (batch: LeavingBatch<Payload>) => Payload;
  /** A batch that waited is not sent. */
  readonly drop?: (batch: LeavingBatch<Payload>) => void;
  /** Sends the next piece of the batch; `backlog`: data frames that wait behind it. */
  sendPiece(batch: LeavingBatch<Payload>, seq: number, backlog: number): void;
  sendEvent(seq: number, event: StreamEvent): void;
  /** Tells the receiver what waits, beside all frames. */
  sendBacklog(sentUpTo: number, backlog: number): void;
}
