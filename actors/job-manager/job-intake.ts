/**
 * Takes submitted jobs in.
 *
 * JI1  A submission is accepted only once its record is durable; the same job id again is answered alike. Writing the record
 *      is the last thing that can have it rejected: what goes wrong from then on is the job's own failure (JM1).
 */
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { BlobStore, HaStore, JobRecord, LeaderToken } from '../../storage/contracts.js';
import { assertStatesFit, compareStates, heldStatesOf } from '../../storage/state/state-comparison.js';
import type { JobResults } from './job-results.js';
import type { JobStarts } from './job-starts.js';
import { encodeSubmission, type JobSubmission } from './job-submission.js';
import type { JobStart, LiveJobs } from './live-jobs.js';
import type { StoreWrites } from './store-writes.js';

export interface JobIntakeOptions {
  readonly token: LeaderToken;
  readonly store: HaStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly jobs: LiveJobs;
  readonly results: JobResults;
  readonly starts: JobStarts;
  readonly writes: StoreWrites;
}

/** See the head of this file. */
export class JobIntake {
  readonly #options: JobIntakeOptions;
  /** Submissions being made durable, so that a repeated one waits for the first. */
  readonly #underWay = new Map<JobId, Promise<MessageReply<'job.submit'>>>();

  constructor(options: JobIntakeOptions) {
    this.#options = options;
  }

  async submit(body: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
    const { jobId } = body;
    if (this.#options.jobs.has(jobId) || this.#options.results.has(jobId)) return { kind: 'accepted' };
    const answer = this.#underWay.get(jobId) ?? this.#accept(body).finally(() => this.#underWay.delete(jobId));
    this.#underWay.set(jobId, answer);
    return answer;
  }

  async #accept({ jobId, jobGraph, code, restoreFrom, states: asking }: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
    const { store, token, clock, logger, starts, writes } = this.#options;
    const submission: JobSubmission = { formatVersion: 1, jobGraph, code, restoreFrom };
    try {
      await this.#assertUploaded(submission);
      const restore = await starts.restorePoint(jobId, submission);
      const states = restore === undefined || asking === undefined ? undefined : compareStates(heldStatesOf(restore.tasks), asking);
      if (states !== undefined) assertStatesFit(states, jobGraph.settings.isNonRestoredStateAllowed ?? false);
      const record: JobRecord = { jobId, submittedAt: clock.now(), submission: encodeSubmission(submission) };
      if (restore !== undefined) await store.raiseCheckpointId(token, jobId, restore.checkpointId);
      await store.putJob(token, record);
      // From here on the job is the cluster's, whoever leads it (JI1).
      if (writes.isStopped) throw notLeader();
      logger.log('info', 'job accepted', { jobId, job: jobGraph.name, checkpointId: restore?.checkpointId ?? null });
      await this.#runOrFail(record, { jobId, submission, submittedAt: record.submittedAt, restore });
      return { kind: 'accepted', ...(states === undefined ? {} : { states: [...states] }) };
    } catch (error) {
      // An earlier try of the same write may have taken effect: the next leader knows.
      return { kind: 'rejected', error: toErrorRecord(writes.noteFenced(error) ? notLeader() : error) };
    }
  }

  async #assertUploaded({ code }: JobSubmission): Promise<void> {
    if (code.kind !== 'bundle' || (await this.#options.blobs.get(code.sha256)) !== undefined) return;
    throw new MillraceError('CODE_MISSING', `the code ${code.sha256} of the job was not uploaded`, {
      domain: 'user',
      recovery: 'retry',
    });
  }

  async #runOrFail(record: JobRecord, start: JobStart): Promise<void> {
    const { jobs, starts, writes } = this.#options;
    try {
      jobs.run(start);
    } catch (error) {
      await writes.persist('write the result of a job', () => starts.fail(record, start.submission, error));
    }
  }
}

const notLeader = (): MillraceError =>
  new MillraceError('NOT_LEADER', 'this JobManager stepped down', { domain: 'external', recovery: 'retry' });
