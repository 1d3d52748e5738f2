/** What travels in a channel: batches of records, and events in their order between them. */
import type { CheckpointId, OperatorId } from '../../core/ids.js';

/**
 * Records by reference. `timestamps` is undefined when no record of the batch has one; `keyHashes` (K4) when they were
 * not partitioned by key.
 */
export interface RecordBatch {
  readonly kind: 'data';
  readonly values: readonly unknown[];
  readonly timestamps: ArrayLike<number> | undefined;
  readonly keyHashes?: ArrayLike<number> | undefined;
}

/** Says how old the records around it are: made by a source subtask at `markedAt`. Not for functions; may be dropped anywhere. */
export interface LatencyMarker {
  readonly kind: 'latency-marker';
  readonly markedAt: number;
  /** The source. */
  readonly operatorId: OperatorId;
  readonly subtask: number;
}

/** An element that is no record. Events cost no credit. */
export type StreamEvent =
  | { readonly kind: 'watermark'; readonly time: number }
  /** Whether watermarks are to be expected: an idle channel holds back nobody's time. */
  | { readonly kind: 'watermark-status'; readonly isIdle: boolean }
  | { readonly kind: 'barrier'; readonly checkpointId: CheckpointId; readonly triggeredAt: number; readonly isFinal: boolean }
  | { readonly kind: 'cancel-barrier'; readonly checkpointId: CheckpointId }
  | LatencyMarker
  /** No record follows; barriers still may. */
  | { readonly kind: 'end-of-data' }
  /** Nothing follows. */
  | { readonly kind: 'end-of-partition' };

export type StreamElement = RecordBatch | StreamEvent;

/** A frame of records as it came over the bus, to be decoded when it is processed. */
export interface EncodedBatch {
  readonly kind: 'encoded';
  readonly payload: Uint8Array;
  /** Where the body starts in `payload`. */
  readonly bodyOffset: number;
  /** Of a frame that came in fragments: how many of them have not given their credit back. */
  readonly fragmentsHeld?: number;
}

/** A piece of a data frame that came over the bus: `bytes` stand at `offset` of a frame of `frameBytes`. */
export interface FrameFragment {
  readonly kind: 'fragment';
  readonly frameBytes: number;
  readonly offset: number;
  /** Lent for the call that brings it. */
  readonly bytes: Uint8Array;
}

/** What a channel's reader gets. */
export type ReceivedElement = StreamElement | EncodedBatch;

/** What arrives for it. */
export type ArrivingElement = ReceivedElement | FrameFragment;

/** Control of a channel; not numbered, every message may be repeated or lost. */
export type ChannelControl =
  /** Receiver → sender. `grantedUpTo`: data frames it will take in all; `receivedUpTo`: frames of any kind it has. */
  | { readonly kind: 'grant'; readonly grantedUpTo: number; readonly receivedUpTo: number }
  /** Sender → receiver. `sentUpTo`: frames of any kind sent so far; `backlog`: data frames that wait for credit. */
  | { readonly kind: 'beat'; readonly sentUpTo: number; readonly backlog: number }
  /** Either way: this end is gone. */
  | { readonly kind: 'close-by-sender' }
  | { readonly kind: 'close-by-receiver' };

/** Where a channel end lives. */
export interface SlotLocation {
  readonly taskManagerId: string;
  readonly slot: number;
}
