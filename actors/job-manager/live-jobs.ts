/**
 * The jobs that run under one leadership, from their start until their result is durable.
 *
 * LJ1  A job is shown as running until its result is durable (JM2), then it is among the results.
 * LJ2  Messages of tasks and TaskManagers of another leadership do not reach it.
 */
import type { Endpoint, Service } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobId } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { CompletedCheckpoint, HaStore, LeaderToken } from '../../storage/contracts.js';
import type { JobCleanUp } from './job-clean-up.js';
import type { JobResults } from './job-results.js';
import { encodeResult, type JobSubmission } from './job-submission.js';
import type { RunningJob, RunningJobFactory, SummaryOptions } from './running-job.js';
import type { StoreWrites } from './store-writes.js';

export interface LiveJobsOptions {
  readonly token: LeaderToken;
  readonly endpoint: Endpoint;
  readonly store: HaStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly createJob: RunningJobFactory;
  readonly onFenced: () => void;
  readonly results: JobResults;
  readonly writes: StoreWrites;
  readonly cleanUp: JobCleanUp;
}

/** What to run, and from where. */
export interface JobStart {
  readonly jobId: JobId;
  readonly submission: JobSubmission;
  readonly submittedAt: number;
  readonly restore: CompletedCheckpoint | undefined;
}

interface LiveJob {
  readonly submission: JobSubmission;
  readonly job: RunningJob;
  readonly service: Service;
  isEnding: boolean;
}

/** See the head of this file. */
export class LiveJobs {
  readonly #options: LiveJobsOptions;
  readonly #jobs = new Map<JobId, LiveJob>();

  constructor(options: LiveJobsOptions) {
    this.#options = options;
  }

  has(jobId: JobId): boolean {
    return this.#jobs.has(jobId);
  }

  /** Throws when its scheduler cannot be made. */
  run({ jobId, submission, submittedAt, restore }: JobStart): void {
    const { token, endpoint, createJob, onFenced } = this.#options;
    const { jobGraph, code } = submission;
    const onEnded = (summary: JobSummary): void => void this.#ended(jobId, summary);
    const job = createJob({ token, jobId, jobGraph, code, submittedAt, restore, onEnded, onFenced });
    const { epoch } = token;
    const service = endpoint.serve(
      { kind: 'job', jobId },
      {
        handlers: job.handlers(),
        fence: ({ leaderEpoch }) => (leaderEpoch === epoch ? undefined : `epoch ${leaderEpoch} is not this leader's ${epoch}`),
      },
    );
    this.#jobs.set(jobId, { submission, job, service, isEnding: false });
    job.start();
  }

  /** Whether there was such a job. */
  cancel(jobId: JobId): boolean {
    const live = this.#jobs.get(jobId);
    live?.job.cancel();
    return live !== undefined;
  }

  /** Stops all of them at once; their records stay. */
  suspend(): void {
    for (const { job, service } of this.#jobs.values()) {
      service.stop();
      job.suspend();
    }
    this.#jobs.clear();
  }

  summary(jobId: JobId, options: SummaryOptions): JobSummary | undefined {
    const live = this.#jobs.get(jobId);
    return live && summaryOf(live, options);
  }

  summaries(): readonly JobSummary[] {
    return [...this.#jobs.values()].map((live) => summaryOf(live, {}));
  }

  isCodeUsed(sha256: string): boolean {
    return [...this.#jobs.values()].some(({ submission: { code } }) => code.kind === 'bundle' && code.sha256 === sha256);
  }

  async #ended(jobId: JobId, end: JobSummary): Promise<void> {
    const { store, token, clock, logger, results, writes, cleanUp } = this.#options;
    const live = this.#jobs.get(jobId);
    if (live === undefined || live.isEnding) return;
    live.isEnding = true;
    await live.job.settled();
    // The result names the checkpoint that is retained, also when it completed while the job was ending.
    const summary = { ...end, latestCheckpointId: live.job.summary().latestCheckpointId };
    const endedAt = summary.endedAt ?? clock.now();
    const result = encodeResult(summary);
    await writes.persist('write the result of a job', () => store.putResult(token, { jobId, endedAt, result }));
    if (writes.isStopped) return;
    results.add(summary, endedAt, result.length);
    cleanUp.schedule(jobId);
    live.service.stop();
    this.#jobs.delete(jobId);
    const { status, name, error } = summary;
    logger.log(status === 'FAILED' ? 'warn' : 'info', `job ${status}`, { jobId, job: name, error });
    await writes.persist('clean up after a job', () => cleanUp.perform(jobId, live.submission, summary));
    await writes.persist('forget old results', () => cleanUp.forget());
  }
}

/** LJ1. */
function summaryOf({ job, isEnding }: LiveJob, options: SummaryOptions): JobSummary {
  const summary = job.summary(options);
  return isEnding ? { ...summary, status: 'RUNNING', endedAt: null } : summary;
}
