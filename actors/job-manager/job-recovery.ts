/**
 * What a new leader makes of the jobs it finds in the store.
 *
 * RV1  A job with a result never runs again (JM2); what an earlier leader left of it is removed.
 * RV2  A job that cannot be recovered whatever is tried fails, and holds up no other (JM5). What may pass, the store's
 *      silence for one, rejects: whoever called tries again, and jobs that run by then are passed over.
 */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { Logger } from '../../core/ports.js';
import type { HaStore, JobRecord, JobResultRecord } from '../../storage/contracts.js';
import type { JobCleanUp } from './job-clean-up.js';
import type { JobResults } from './job-results.js';
import type { JobStarts } from './job-starts.js';
import { decodeResult, decodeSubmission, readableSubmission, type JobSubmission } from './job-submission.js';
import type { LiveJobs } from './live-jobs.js';
import type { StoreWrites } from './store-writes.js';
import { isPermanent, summaryOfUnstarted } from './unstarted-job.js';

export interface JobRecoveryOptions {
  readonly store: HaStore;
  readonly logger: Logger;
  readonly jobs: LiveJobs;
  readonly results: JobResults;
  readonly starts: JobStarts;
  readonly cleanUp: JobCleanUp;
  readonly writes: Pick<StoreWrites, 'isStopped'>;
}

/** See the head of this file. */
export class JobRecovery {
  readonly #options: JobRecoveryOptions;

  constructor(options: JobRecoveryOptions) {
    this.#options = options;
  }

  /** Reads results, then runs the jobs that have none (RV1, RV2). */
  async recover(): Promise<void> {
    const { store, jobs, results, writes } = this.#options;
    for (const record of await store.results()) results.add(this.#readResult(record), record.endedAt, record.result.length);
    for (const record of await store.jobs()) {
      if (writes.isStopped) return;
      if (jobs.has(record.jobId)) continue;
      const result = results.get(record.jobId);
      if (result === undefined) await this.#recoverOne(record);
      else await this.#cleanUpEarlier(record, result);
    }
  }

  /** RV2. */
  async #recoverOne(record: JobRecord): Promise<void> {
    const { logger, jobs, starts, writes } = this.#options;
    const { jobId, submittedAt } = record;
    let submission: JobSubmission | undefined;
    try {
      submission = decodeSubmission(record.submission);
      const restore = await starts.restorePoint(jobId, submission);
      if (writes.isStopped) return;
      const checkpointId = restore?.checkpointId ?? null;
      logger.log('info', 'recovering a job from the store', { jobId, job: submission.jobGraph.name, checkpointId });
      jobs.run({ jobId, submission, submittedAt, restore });
    } catch (error) {
      if (!isPermanent(error)) throw error;
      await starts.fail(record, submission, error);
    }
  }

  /** What cannot be removed is left to the next leader. */
  async #cleanUpEarlier({ jobId, submission }: JobRecord, result: JobSummary): Promise<void> {
    const { logger, cleanUp } = this.#options;
    cleanUp.schedule(jobId);
    try {
      await cleanUp.perform(jobId, readableSubmission(submission), result);
    } catch (error) {
      if (!isPermanent(error)) throw error;
      logger.log('warn', 'could not clean up after a job', { jobId, error: toErrorRecord(error) });
    }
  }

  /** A result that cannot be read still says that its job has ended (RV1). */
  #readResult({ jobId, endedAt, result }: JobResultRecord): JobSummary {
    try {
      return decodeResult(result);
    } catch (cause) {
      this.#options.logger.log('error', 'the result of a job cannot be read', { jobId, error: toErrorRecord(cause) });
      const error = new MillraceError('RESULT_UNREADABLE', 'the job ended, but how cannot be read from the store', {
        domain: 'external',
        recovery: 'fail-job',
        cause,
      });
      return summaryOfUnstarted({ jobId, name: jobId, submittedAt: endedAt, endedAt, error: toErrorRecord(error) });
    }
  }
}
