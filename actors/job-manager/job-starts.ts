/**
 * How a job that is durable comes to run, or to fail without having run.
 *
 * JT1  A job goes on from its own latest checkpoint; only one without starts from what it was submitted with.
 * JT2  A job that cannot be started has failed, with the reason in its result; its checkpoints stay.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import type { CompletedCheckpoint, HaStore, JobRecord, LeaderToken } from '../../storage/contracts.js';
import type { JobCleanUp } from './job-clean-up.js';
import type { JobResults } from './job-results.js';
import { encodeResult, type JobSubmission } from './job-submission.js';
import { summaryOfUnstarted } from './unstarted-job.js';

export interface JobStartsOptions {
  readonly token: LeaderToken;
  readonly store: HaStore;
  readonly checkpoints: CheckpointStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly results: JobResults;
  readonly cleanUp: JobCleanUp;
}

/** See the head of this file. */
export class JobStarts {
  readonly #options: JobStartsOptions;

  constructor(options: JobStartsOptions) {
    this.#options = options;
  }

  /** Where a job starts (JT1); undefined: at the beginning. */
  async restorePoint(jobId: JobId, { restoreFrom }: JobSubmission): Promise<CompletedCheckpoint | undefined> {
    const { checkpoints } = this.#options;
    const own = await checkpoints.latest(jobId);
    if (own !== undefined || restoreFrom === null) return own;
    return checkpoints.load(await checkpoints.resolve(restoreFrom));
  }

  /** Makes the failure durable (JT2); rejects when the store does not take it. */
  async fail({ jobId, submittedAt }: JobRecord, submission: JobSubmission | undefined, cause: unknown): Promise<void> {
    const { store, token, clock, logger, results, cleanUp } = this.#options;
    const error = new MillraceError('JOB_NOT_STARTED', 'the job could not be started from what the store holds of it', {
      domain: 'external',
      recovery: 'fail-job',
      hint: 'Its checkpoints are kept: mend the cause and start it again with `millrace run --from`.',
      cause,
    });
    const endedAt = clock.now();
    const name = submission?.jobGraph.name ?? jobId;
    const summary = summaryOfUnstarted({ jobId, name, submittedAt, endedAt, error: toErrorRecord(error) });
    const result = encodeResult(summary);
    await store.putResult(token, { jobId, endedAt, result });
    logger.log('error', 'a job could not be started', { jobId, job: name, error: summary.error });
    results.add(summary, endedAt, result.length);
    cleanUp.schedule(jobId);
    await cleanUp.perform(jobId, submission, summary);
  }
}
