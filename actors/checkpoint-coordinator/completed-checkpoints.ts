/**
 * The completed checkpoints of one job, as far as this leader knows: the latest one, and the moves of its pointer.
 *
 * CD1  `latest` changes only after the store has moved its pointer.
 * CD2  `settled` waits for moves under way, so that whoever restores sees the store's latest checkpoint (CC8).
 * CD3  Chunks are swept only below the oldest checkpoint that is pending or may be restored.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { checkpointId as asCheckpointId, type CheckpointId, type JobId } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';
import type { JobCheckpointLedger } from '../../storage/checkpoints/checkpoint-store.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';

export interface CompletedCheckpointsOptions {
  readonly jobId: JobId;
  readonly ledger: JobCheckpointLedger;
  /** How many stay restorable. */
  readonly retained: number;
  /** What the job starts from; may be another job's. */
  readonly restore: CompletedCheckpoint | undefined;
  readonly logger: Logger;
  /** The store refused a write because a later leader exists. */
  readonly onFenced: (error: MillraceError) => void;
}

/** See the head of this file. */
export class CompletedCheckpoints {
  readonly #options: CompletedCheckpointsOptions;
  readonly #moves = new Set<Promise<unknown>>();
  #latest: CompletedCheckpoint | undefined;
  #count = 0;

  constructor(options: CompletedCheckpointsOptions) {
    this.#options = options;
    this.#latest = options.restore;
  }

  /** Completed under this leader. */
  get count(): number {
    return this.#count;
  }

  /** Undefined while the latest is another job's, which this one started from. */
  get latestId(): CheckpointId | undefined {
    return this.#count === 0 && this.#latest?.jobId !== this.#options.jobId ? undefined : this.#latest?.checkpointId;
  }

  /** What a restart begins with, once no pointer moves any more (CD2). */
  async settled(): Promise<CompletedCheckpoint | undefined> {
    while (this.#moves.size > 0) await Promise.allSettled([...this.#moves]);
    return this.#latest;
  }

  /** Rejects when the store gives none. */
  async nextId(): Promise<CheckpointId> {
    try {
      return await this.#options.ledger.nextId();
    } catch (error) {
      throw this.#noted(error, 'the store gave no checkpoint id');
    }
  }

  /** Moves the pointer (CD1); rejects when the store did not take the checkpoint. */
  complete(checkpoint: CompletedCheckpoint): Promise<void> {
    const { ledger, retained } = this.#options;
    const move = ledger.complete(checkpoint, retained).then(
      () => {
        this.#latest = checkpoint;
      },
      (error: unknown) => {
        throw this.#noted(error, 'the store did not take the completed checkpoint');
      },
    );
    const tracked = move.catch(() => undefined).finally(() => this.#moves.delete(tracked));
    this.#moves.add(tracked);
    return move;
  }

  /** One more is complete. */
  add(): void {
    this.#count++;
  }

  /** Removes chunks of aborted checkpoints and of attempts that died once nothing can refer to them (CD3). */
  sweep(pending: readonly CheckpointId[]): void {
    const oldest = Math.min(this.#latest?.checkpointId ?? Infinity, ...pending);
    if (!Number.isFinite(oldest)) return;
    this.#options.ledger
      .sweep(asCheckpointId(oldest))
      .catch((error: unknown) => this.#noted(error, 'orphaned chunks could not be removed'));
  }

  #noted(error: unknown, what: string): unknown {
    this.#options.logger.log('warn', what, { error: toErrorRecord(error) });
    if (error instanceof MillraceError && error.code === 'FENCED') this.#options.onFenced(error);
    return error;
  }
}
