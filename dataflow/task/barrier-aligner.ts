/**
 * Lines up the barriers of a task's input channels: the snapshot holds what came before the barrier on every channel.
 *
 * B1  A channel that delivered the barrier of the pending checkpoint is not read until the alignment ends.
 * B2  When every channel that has not ended delivered the barrier, the checkpoint is aligned, exactly once.
 * B3  Ids only grow: a barrier at or below the last finished id is ignored, and its channel is not blocked.
 * B4  A barrier of a later checkpoint abandons the pending one (`subsumed`) and starts the alignment of the later.
 * B5  A cancel marker abandons its checkpoint, pending or to come; later barriers of it are ignored.
 * B6  The end of a partition counts as its barrier for the pending checkpoint, and for all later ones.
 * B7  When an alignment ends, however it ends, no channel is blocked.
 * Flink: SingleCheckpointBarrierHandler, states WaitingForFirstBarrier and CollectingBarriers.
 */
import type { CheckpointId } from '../../core/ids.js';
import type { CheckpointTrigger } from '../task-runtime.js';

export interface AlignerListener {
  /** All barriers are there (B2). `alignmentMs` from the first to the last of them. */
  onAligned(barrier: CheckpointTrigger, alignmentMs: number): void;
  /** The checkpoint will not happen here (B4, B5). */
  onAbandoned(id: CheckpointId, reason: 'subsumed' | 'cancel-marker'): void;
  /** These channels may be read again (B7). */
  onUnblocked(channels: readonly number[]): void;
}

export interface BarrierAlignerOptions {
  readonly channels: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly listener: AlignerListener;
  /** Tests only: counts barriers without blocking (B1 broken, at-least-once). */
  readonly isAlignmentOff?: boolean;
}

const none = 0;

/** The aligner of one task; see the head of this file. */
export class BarrierAligner {
  readonly #now: () => number;
  readonly #listener: AlignerListener;
  readonly #isAlignmentOff: boolean;
  readonly #hasEnded: boolean[];
  readonly #hasBarrier: boolean[];
  #open: number;
  #received = 0;
  /** Of the pending alignment, or 0. Ids start at 1. */
  #pending: number = none;
  /** Highest id that was aligned, abandoned or aborted. */
  #finished: number = none;
  #barrier: CheckpointTrigger | undefined;
  #startedAt = 0;

  constructor(options: BarrierAlignerOptions) {
    this.#now = options.now;
    this.#listener = options.listener;
    this.#isAlignmentOff = options.isAlignmentOff === true;
    this.#open = options.channels;
    this.#hasEnded = new Array<boolean>(options.channels).fill(false);
    this.#hasBarrier = new Array<boolean>(options.channels).fill(false);
  }

  /** The checkpoint being aligned. */
  get pending(): CheckpointId | undefined {
    return this.#pending === none ? undefined : (this.#pending as CheckpointId);
  }

  isBlocked(channel: number): boolean {
    return this.#hasBarrier[channel] === true && !this.#isAlignmentOff;
  }

  onBarrier(channel: number, barrier: CheckpointTrigger): void {
    const id = barrier.checkpointId;
    if (id <= this.#finished || id < this.#pending) return;
    if (this.#pending !== none && id > this.#pending) this.#abandon(this.#pending as CheckpointId, 'subsumed');
    if (this.#pending === none) this.#begin(barrier);
    if (this.#hasBarrier[channel] === true) return;
    this.#hasBarrier[channel] = true;
    this.#received += 1;
    this.#completeIfAligned();
  }

  onCancelBarrier(id: CheckpointId): void {
    if (id <= this.#finished || id < this.#pending) return;
    if (this.#pending !== none && id > this.#pending) this.#abandon(this.#pending as CheckpointId, 'subsumed');
    this.#abandon(id, 'cancel-marker');
  }

  onEndOfPartition(channel: number): void {
    if (this.#hasEnded[channel] === true) return;
    this.#hasEnded[channel] = true;
    this.#open -= 1;
    if (this.#hasBarrier[channel] === true) {
      this.#hasBarrier[channel] = false;
      this.#received -= 1;
    }
    this.#completeIfAligned();
  }

  /** The JobManager aborted this checkpoint; whether it was being aligned here. */
  abort(id: CheckpointId): boolean {
    if (this.#pending !== id) return false;
    this.#end(id);
    return true;
  }

  #begin(barrier: CheckpointTrigger): void {
    this.#pending = barrier.checkpointId;
    this.#barrier = barrier;
    this.#startedAt = this.#now();
    this.#received = 0;
  }

  #completeIfAligned(): void {
    const barrier = this.#barrier;
    if (barrier === undefined || this.#received < this.#open) return;
    const alignmentMs = this.#now() - this.#startedAt;
    this.#end(barrier.checkpointId);
    this.#listener.onAligned(barrier, alignmentMs);
  }

  #abandon(id: CheckpointId, reason: 'subsumed' | 'cancel-marker'): void {
    this.#end(id);
    this.#listener.onAbandoned(id, reason);
  }

  #end(id: CheckpointId): void {
    const blocked: number[] = [];
    for (let channel = 0; channel < this.#hasBarrier.length; channel += 1) {
      if (this.#hasBarrier[channel] === true) blocked.push(channel);
      this.#hasBarrier[channel] = false;
    }
    this.#pending = none;
    this.#barrier = undefined;
    this.#received = 0;
    this.#finished = Math.max(this.#finished, id);
    if (blocked.length > 0) this.#listener.onUnblocked(blocked);
  }
}
