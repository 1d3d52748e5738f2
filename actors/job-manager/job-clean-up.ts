/**
 * What is removed once a job has ended: its record, checkpoints and code, and, later, its result.
 *
 * JC1  Called only after the result is durable (JM3). FINISHED discards the checkpoints, FAILED keeps them, CANCELED as the
 *      job says (Flink).
 * JC2  The result of a job that is not cleaned up yet is not forgotten: its record may still be there, and would run again.
 */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import type { BlobStore, HaStore, LeaderToken } from '../../storage/contracts.js';
import type { JobResults } from './job-results.js';
import type { JobSubmission } from './job-submission.js';

export interface JobCleanUpOptions {
  readonly token: LeaderToken;
  readonly store: HaStore;
  readonly checkpoints: CheckpointStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly results: JobResults;
  /** Whether a job that runs was made from this code. */
  readonly isCodeUsed: (sha256: string) => boolean;
}

/** See the head of this file. */
export class JobCleanUp {
  readonly #options: JobCleanUpOptions;
  /** Jobs that ended and whose record may still be there (JC2). */
  readonly #due = new Set<JobId>();

  constructor(options: JobCleanUpOptions) {
    this.#options = options;
  }

  /** From here on its result is kept until `perform` succeeded. */
  schedule(jobId: JobId): void {
    this.#due.add(jobId);
  }

  /** Rejects with what the stores refuse; may be repeated. Without a submission the checkpoints of a canceled job stay. */
  async perform(jobId: JobId, submission: JobSubmission | undefined, { status }: JobSummary): Promise<void> {
    const { token, checkpoints, blobs, isCodeUsed } = this.#options;
    const retention = submission?.jobGraph.settings.checkpointing.retention ?? 'RETAIN_ON_CANCELLATION';
    const keepCheckpoints = status === 'FAILED' || (status === 'CANCELED' && retention === 'RETAIN_ON_CANCELLATION');
    await checkpoints.removeJob(token, jobId, { keepCheckpoints });
    const code = submission?.code;
    if (code?.kind === 'bundle' && !isCodeUsed(code.sha256)) await blobs.remove(code.sha256);
    this.#due.delete(jobId);
  }

  /** Drops results beyond what is kept (JR1), in the store first. */
  async forget(): Promise<void> {
    const { store, token, clock, results } = this.#options;
    const superfluous = results.superfluous(clock.now(), (jobId) => this.#due.has(jobId));
    for (let at = 0; at < superfluous.length; at += limits.resultsRemovedAtOnceMax) {
      const some = superfluous.slice(at, at + limits.resultsRemovedAtOnceMax);
      await store.removeResults(token, some);
      for (const jobId of some) results.delete(jobId);
    }
  }
}
