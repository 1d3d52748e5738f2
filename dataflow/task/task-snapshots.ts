/**
 * The snapshots of one task that are under way: one that is being serialised, others that are being written.
 *
 * TS1  Serialising happens in slices between records; an older snapshot serialises its rest before a newer one is cut.
 * TS2  Each snapshot ends in one of: acknowledged, declined (`CHECKPOINT_ASYNC_EXCEPTION`), discarded without a word.
 * TS3  Serialising waits while the store has as many chunks of this task under way as it may (CG1), and goes on when one
 *      was written; an older snapshot that a newer one waits for does not.
 */
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { TaskSnapshot } from '../../storage/contracts.js';
import type { ChunkStore, TaskCallbacks } from '../task-runtime.js';
import { ChunkGate } from './chunk-gate.js';
import { SnapshotRun, type SnapshotRunOptions } from './snapshot-run.js';
import type { UserCalls } from './user-calls.js';

export interface TaskSnapshotsOptions {
  readonly clock: Clock;
  readonly chunks: Pick<ChunkStore, 'write'>;
  /** There is more to serialise. */
  readonly wake: () => void;
  readonly callbacks: Pick<TaskCallbacks, 'onAcknowledged' | 'onDeclined'>;
  readonly calls: UserCalls;
}

/** What the acknowledgement tells besides the snapshot. */
export interface CutStatistics {
  readonly alignmentMs: number;
  readonly syncStartedAt: number;
  readonly recordsIn: number;
  readonly recordsWritten: number;
}

interface Serialising extends Omit<CutStatistics, 'syncStartedAt'> {
  readonly run: SnapshotRun;
  readonly syncMs: number;
  readonly cutAt: number;
}

export class TaskSnapshots {
  readonly #options: TaskSnapshotsOptions;
  readonly #writing = new Map<CheckpointId, SnapshotRun>();
  readonly #gate: ChunkGate;
  #serialising: Serialising | undefined;

  constructor(options: TaskSnapshotsOptions) {
    this.#options = options;
    this.#gate = new ChunkGate({
      chunks: options.chunks,
      onRoom: () => {
        if (this.#serialising !== undefined) options.wake();
      },
    });
  }

  /** The synchronous part; throws what an operator's `snapshot` throws. */
  cut(run: Omit<SnapshotRunOptions, 'chunks' | 'calls'>, { syncStartedAt, ...statistics }: CutStatistics): void {
    while (this.#serialising !== undefined) this.#serialise(this.#serialising, limits.snapshotEntriesPerSlice);
    const started = new SnapshotRun({ ...run, chunks: this.#gate, calls: this.#options.calls });
    const cutAt = this.#options.clock.monotonic();
    this.#serialising = { run: started, ...statistics, syncMs: cutAt - syncStartedAt, cutAt };
  }

  /** Serialises some more; whether there is more to do now (TS3). */
  advance(): boolean {
    const current = this.#serialising;
    if (current === undefined) return false;
    for (let left: number = limits.snapshotEntriesPerSlice; left > 0; left -= limits.snapshotEntriesPerBatch) {
      if (this.#gate.isFull || !this.#serialise(current, limits.snapshotEntriesPerBatch)) return false;
    }
    return !this.#gate.isFull;
  }

  #serialise(current: Serialising, entriesMax: number): boolean {
    const { run } = current;
    try {
      if (run.advance(entriesMax)) return true;
    } catch (error) {
      this.#serialising = undefined;
      this.#decline(run, error);
      return false;
    }
    this.#serialising = undefined;
    this.#writing.set(run.checkpointId, run);
    run.finish().then(
      (snapshot) => this.#written(current, snapshot),
      (error: unknown) => {
        if (this.#writing.delete(run.checkpointId)) this.#decline(run, error);
      },
    );
    return false;
  }

  /** Drops what belongs to this checkpoint. */
  discard(id: CheckpointId): void {
    if (this.#serialising?.run.checkpointId === id) {
      this.#serialising.run.discard();
      this.#serialising = undefined;
    }
    this.#writing.get(id)?.discard();
    this.#writing.delete(id);
  }

  discardAll(): void {
    for (const id of [...this.#writing.keys()]) this.discard(id);
    if (this.#serialising !== undefined) this.discard(this.#serialising.run.checkpointId);
  }

  #written({ run, cutAt, ...statistics }: Serialising, snapshot: TaskSnapshot): void {
    if (!this.#writing.delete(run.checkpointId)) return;
    const asyncMs = this.#options.clock.monotonic() - cutAt;
    this.#options.callbacks.onAcknowledged({ checkpointId: run.checkpointId, snapshot, ...statistics, asyncMs });
  }

  #decline(run: SnapshotRun, error: unknown): void {
    run.discard();
    this.#options.callbacks.onDeclined(run.checkpointId, 'CHECKPOINT_ASYNC_EXCEPTION', error);
  }
}
