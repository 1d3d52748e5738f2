/**
 * The JobManager of one leadership (Flink's Dispatcher): takes jobs in, recovers them from the store, keeps their results.
 * A new leadership is a new JobManager.
 *
 * JM1  A submission is accepted only once its record is durable; the same job id again is answered alike. Writing the
 *      record is the last thing that can have it rejected.
 * JM2  A job that ended is shown as ended only once its result is durable; a job with a result never runs again.
 * JM3  A job's record, checkpoints and code are removed only after its result is durable.
 * JM4  After `suspend` nothing is written any more; what runs elsewhere finds out by its epoch.
 * JM5  A job that cannot be recovered whatever is tried fails, with the reason in its result, and holds up no other.
 */
import type { Endpoint, Handlers, Service } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { assertStatesFit, compareStates, heldStatesOf } from '../../storage/state/state-comparison.js';
import type { BlobStore, CompletedCheckpoint, HaStore, JobRecord, JobResultRecord, LeaderToken } from '../../storage/contracts.js';
import type { TaskManagerOverview } from '../resource-manager/overview.js';
import { CodeUploads } from './code-uploads.js';
import { answerBytesOf, fitting } from './fitting-history.js';
import { compareJobs, pageOf, withoutHistory } from './job-list.js';
import { JobResults, jobStoreDefaults, type JobStoreSettings } from './job-results.js';
import {
  decodeResult,
  decodeSubmission,
  encodeResult,
  encodeSubmission,
  readableSubmission,
  type JobSubmission,
} from './job-submission.js';
import type { RunningJob, RunningJobFactory, SummaryOptions } from './running-job.js';
import { isPermanent, summaryOfUnstarted } from './unstarted-job.js';

/** Where an actor runs, for people and for those who signal it. */
export interface ProcessAddress {
  readonly host: string;
  readonly pid: number;
}

export interface JobManagerOptions {
  readonly token: LeaderToken;
  readonly process: ProcessAddress;
  readonly endpoint: Endpoint;
  readonly store: HaStore;
  readonly checkpoints: CheckpointStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly createJob: RunningJobFactory;
  /** How many results are kept, and for how long. */
  readonly jobStore?: JobStoreSettings;
  /** The registered TaskManagers, from the ResourceManager. */
  readonly overview: () => readonly TaskManagerOverview[];
  /** A later leader exists: this process must step down. */
  readonly onFenced: () => void;
}

interface JobEntry {
  readonly submission: JobSubmission;
  readonly job: RunningJob;
  readonly service: Service;
  isEnding: boolean;
}

/** Pause before something the store refused is tried again. */
const storeRetryMs = 500;
/** How often results are looked through for what has expired. */
const forgetEveryMs = 60_000;
/** Leadership is announced this often: an announcement that is lost costs a TaskManager a heartbeat timeout. */
const announcements = 5;
const announceEveryMs = 200;

export class JobManager {
  readonly #options: JobManagerOptions;
  readonly #logger: Logger;
  readonly #uploads: CodeUploads;
  readonly #jobs = new Map<JobId, JobEntry>();
  readonly #results: JobResults;
  /** Jobs that ended and whose record may still be there: their results must stay. */
  readonly #uncleaned = new Set<JobId>();
  /** Submissions being made durable, so that a repeated one waits for the first. */
  readonly #submitting = new Map<JobId, Promise<MessageReply<'job.submit'>>>();
  readonly #timers = new Set<TimerHandle>();
  #service: Service | undefined;
  #isStopped = false;

  constructor(options: JobManagerOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#results = new JobResults(options.jobStore ?? jobStoreDefaults);
    this.#uploads = new CodeUploads({ blobs: options.blobs, payloadBytesMax: options.endpoint.payloadBytesMax });
  }

  /** Recovers the jobs in the store, then answers; resolves once it does. Keeps trying while the store does not answer. */
  async start(): Promise<void> {
    await this.#persist('read the jobs of this cluster', () => this.#recover());
    if (this.#isStopped) return;
    this.#service = this.#options.endpoint.serve({ kind: 'job-manager' }, { handlers: this.#handlers() });
    this.#announce(announcements);
    void this.#forgetRegularly();
  }

  /** Stops at once (JM4): running jobs are suspended, their records stay. */
  suspend(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#service?.stop();
    for (const { job, service } of this.#jobs.values()) {
      service.stop();
      job.suspend();
    }
    this.#jobs.clear();
  }

  /** Jobs that run and jobs that ended, oldest first; those that run without their history. */
  summaries(): readonly JobSummary[] {
    const live = [...this.#jobs.values()].map((entry) => this.#liveSummary(entry, {}));
    return [...this.#results.summaries(), ...live].sort(compareJobs);
  }

  async #recover(): Promise<void> {
    const { store } = this.#options;
    for (const record of await store.results()) this.#results.add(this.#readResult(record), record.endedAt, record.result.length);
    for (const record of await store.jobs()) {
      if (this.#isStopped) return;
      if (this.#jobs.has(record.jobId)) continue;
      const result = this.#results.get(record.jobId);
      if (result === undefined) await this.#recoverOne(record);
      else await this.#cleanUpEarlier(record, result);
    }
  }

  /** What an earlier leader left; what cannot be removed is left to the next (JM5). */
  async #cleanUpEarlier(record: JobRecord, result: JobSummary): Promise<void> {
    const { jobId } = record;
    this.#uncleaned.add(jobId);
    try {
      await this.#cleanUp(jobId, readableSubmission(record.submission), result);
    } catch (error) {
      if (!isPermanent(error)) throw error;
      this.#logger.log('warn', 'could not clean up after a job', { jobId, error: toErrorRecord(error) });
    }
  }

  /** A result that cannot be read still says that its job has ended (JM2). */
  #readResult({ jobId, endedAt, result }: JobResultRecord): JobSummary {
    try {
      return decodeResult(result);
    } catch (cause) {
      this.#logger.log('error', 'the result of a job cannot be read', { jobId, error: toErrorRecord(cause) });
      const error = new MillraceError('RESULT_UNREADABLE', 'the job ended, but how cannot be read from the store', {
        domain: 'external',
        recovery: 'fail-job',
        cause,
      });
      return summaryOfUnstarted({ jobId, name: jobId, submittedAt: endedAt, endedAt, error: toErrorRecord(error) });
    }
  }

  /** JM5: only what may pass is tried again, by whoever called. */
  async #recoverOne(record: JobRecord): Promise<void> {
    const { jobId } = record;
    let submission: JobSubmission | undefined;
    try {
      submission = decodeSubmission(record.submission);
      const restore = await this.#restorePoint(jobId, submission);
      if (this.#isStopped) return;
      this.#logger.log('info', 'recovering a job from the store', {
        jobId,
        job: submission.jobGraph.name,
        checkpointId: restore?.checkpointId ?? null,
      });
      this.#run(jobId, submission, record.submittedAt, restore);
    } catch (error) {
      if (!isPermanent(error)) throw error;
      await this.#failUnstarted(record, submission, error);
    }
  }

  async #failUnstarted({ jobId, submittedAt }: JobRecord, submission: JobSubmission | undefined, cause: unknown): Promise<void> {
    const { store, token, clock } = this.#options;
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
    this.#logger.log('error', 'a job could not be started', { jobId, job: name, error: summary.error });
    this.#results.add(summary, endedAt, result.length);
    this.#uncleaned.add(jobId);
    await this.#cleanUp(jobId, submission, summary);
  }

  async #restorePoint(jobId: JobId, { restoreFrom }: JobSubmission): Promise<CompletedCheckpoint | undefined> {
    const own = await this.#options.checkpoints.latest(jobId);
    if (own !== undefined || restoreFrom === null) return own;
    const pointer = await this.#options.checkpoints.resolve(restoreFrom);
    return this.#options.checkpoints.load(pointer);
  }

  #run(jobId: JobId, submission: JobSubmission, submittedAt: number, restore: CompletedCheckpoint | undefined): void {
    const job = this.#options.createJob({
      token: this.#options.token,
      jobId,
      jobGraph: submission.jobGraph,
      code: submission.code,
      submittedAt,
      restore,
      onEnded: (summary) => void this.#ended(jobId, summary),
      onFenced: this.#options.onFenced,
    });
    const { epoch } = this.#options.token;
    const service = this.#options.endpoint.serve(
      { kind: 'job', jobId },
      {
        handlers: job.handlers(),
        // Tasks and TaskManagers of another leadership must not move this one's state.
        fence: ({ leaderEpoch }) => (leaderEpoch === epoch ? undefined : `epoch ${leaderEpoch} is not this leader's ${epoch}`),
      },
    );
    this.#jobs.set(jobId, { submission, job, service, isEnding: false });
    job.start();
  }

  #handlers(): Handlers {
    const { endpoint, token, process, overview } = this.#options;
    return {
      'blob.upload-chunk': async (body) => ({ isComplete: await this.#uploads.add(body) }),
      'blob.fetch-chunk': (body) => this.#uploads.fetch(body),
      'job.submit': (body) => this.#submit(body),
      'job.cancel': ({ jobId }) => {
        const entry = this.#jobs.get(jobId);
        const ended = this.#results.get(jobId);
        if (ended !== undefined) return { kind: 'ended', status: ended.status };
        if (entry === undefined) return { kind: 'unknown' };
        entry.job.cancel();
        return { kind: 'cancelling' };
      },
      'job.describe': ({ jobId, withHistory = false }) => {
        const entry = this.#jobs.get(jobId);
        const job = this.#results.get(jobId) ?? (entry === undefined ? undefined : this.#liveSummary(entry, { withHistory }));
        if (job === undefined) return { kind: 'unknown' };
        return { kind: 'found', job: withHistory ? fitting(job, answerBytesOf(endpoint.payloadBytesMax)) : withoutHistory(job) };
      },
      'job.list': ({ after }) => pageOf(this.summaries(), after, endpoint.payloadBytesMax),
      'cluster.overview': () => ({ holder: token.holder, ...process, taskManagers: [...overview()] }),
    };
  }

  async #submit(body: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
    if (this.#jobs.has(body.jobId) || this.#results.has(body.jobId)) return { kind: 'accepted' };
    const under = this.#submitting.get(body.jobId) ?? this.#accept(body).finally(() => this.#submitting.delete(body.jobId));
    this.#submitting.set(body.jobId, under);
    return under;
  }

  async #accept({ jobId, jobGraph, code, restoreFrom, states: asking }: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
    const { store, token, clock, blobs } = this.#options;
    const submission: JobSubmission = { formatVersion: 1, jobGraph, code, restoreFrom };
    try {
      if (code.kind === 'bundle' && (await blobs.get(code.sha256)) === undefined) {
        throw new MillraceError('CODE_MISSING', `the code ${code.sha256} of the job was not uploaded`, {
          domain: 'user',
          recovery: 'retry',
        });
      }
      const restore = await this.#restorePoint(jobId, submission);
      const states = restore === undefined || asking === undefined ? undefined : compareStates(heldStatesOf(restore.tasks), asking);
      if (states !== undefined) assertStatesFit(states, jobGraph.settings.isNonRestoredStateAllowed ?? false);
      const record: JobRecord = { jobId, submittedAt: clock.now(), submission: encodeSubmission(submission) };
      if (restore !== undefined) await store.raiseCheckpointId(token, jobId, restore.checkpointId);
      await store.putJob(token, record);
      // From here on the job is the cluster's, whoever leads it (JM1): what goes wrong is its own failure.
      if (this.#isStopped) throw notLeader();
      this.#logger.log('info', 'job accepted', { jobId, job: jobGraph.name, checkpointId: restore?.checkpointId ?? null });
      await this.#runOrFail(record, submission, restore);
      return { kind: 'accepted', ...(states === undefined ? {} : { states: [...states] }) };
    } catch (error) {
      // An earlier try of the same write may have taken effect: the next leader knows.
      return { kind: 'rejected', error: toErrorRecord(this.#noteFenced(error) ? notLeader() : error) };
    }
  }

  async #runOrFail(record: JobRecord, submission: JobSubmission, restore: CompletedCheckpoint | undefined): Promise<void> {
    try {
      this.#run(record.jobId, submission, record.submittedAt, restore);
    } catch (error) {
      await this.#persist('write the result of a job', () => this.#failUnstarted(record, submission, error));
    }
  }

  async #ended(jobId: JobId, end: JobSummary): Promise<void> {
    const { store, token, clock } = this.#options;
    const entry = this.#jobs.get(jobId);
    if (entry === undefined || entry.isEnding) return;
    entry.isEnding = true;
    await entry.job.settled();
    // The result names the checkpoint that is retained, also when it completed while the job was ending.
    const summary = { ...end, latestCheckpointId: entry.job.summary().latestCheckpointId };
    const endedAt = summary.endedAt ?? clock.now();
    const result = encodeResult(summary);
    await this.#persist('write the result of a job', () => store.putResult(token, { jobId, endedAt, result }));
    if (this.#isStopped) return;
    this.#results.add(summary, endedAt, result.length);
    this.#uncleaned.add(jobId);
    entry.service.stop();
    this.#jobs.delete(jobId);
    this.#logger.log(summary.status === 'FAILED' ? 'warn' : 'info', `job ${summary.status}`, {
      jobId,
      job: summary.name,
      error: summary.error,
    });
    await this.#persist('clean up after a job', () => this.#cleanUp(jobId, entry.submission, summary));
    await this.#persist('forget old results', () => this.#forget());
  }

  /** Drops results beyond what is kept (JR1), in the store first. */
  async #forget(): Promise<void> {
    const { store, token, clock } = this.#options;
    const superfluous = this.#results.superfluous(clock.now(), (jobId) => this.#uncleaned.has(jobId));
    for (let at = 0; at < superfluous.length; at += limits.resultsRemovedAtOnceMax) {
      const some = superfluous.slice(at, at + limits.resultsRemovedAtOnceMax);
      await store.removeResults(token, some);
      for (const jobId of some) this.#results.delete(jobId);
    }
  }

  async #forgetRegularly(): Promise<void> {
    await this.#persist('forget old results', () => this.#forget());
    if (!this.#isStopped) this.#later(forgetEveryMs, () => void this.#forgetRegularly());
  }

  /** Flink's retention: FINISHED discards, FAILED keeps, CANCELED as the job says. */
  async #cleanUp(jobId: JobId, submission: JobSubmission | undefined, { status }: JobSummary): Promise<void> {
    const { token, checkpoints, blobs } = this.#options;
    const retention = submission?.jobGraph.settings.checkpointing.retention ?? 'RETAIN_ON_CANCELLATION';
    const keepCheckpoints = status === 'FAILED' || (status === 'CANCELED' && retention === 'RETAIN_ON_CANCELLATION');
    await checkpoints.removeJob(token, jobId, { keepCheckpoints });
    const code = submission?.code;
    if (code?.kind === 'bundle' && !this.#isCodeUsed(code.sha256)) await blobs.remove(code.sha256);
    this.#uncleaned.delete(jobId);
  }

  #isCodeUsed(sha256: string): boolean {
    return [...this.#jobs.values()].some(({ submission: { code } }) => code.kind === 'bundle' && code.sha256 === sha256);
  }

  /** JM2: not shown as ended before the result is durable. */
  #liveSummary({ job, isEnding }: JobEntry, options: SummaryOptions): JobSummary {
    const summary = job.summary(options);
    return isEnding ? { ...summary, status: 'RUNNING', endedAt: null } : summary;
  }

  #announce(times: number): void {
    const { endpoint, token } = this.#options;
    endpoint.tell({ kind: 'leader-events' }, 'leader.announced', { holder: token.holder }, { leaderEpoch: token.epoch });
    if (times > 1) this.#later(announceEveryMs, () => this.#announce(times - 1));
    else this.#logger.log('info', 'this JobManager leads the cluster', { holder: token.holder });
  }

  /** Repeats a write until it succeeds, the process steps down, or a later leader exists. */
  async #persist(what: string, write: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      try {
        await write();
        return;
      } catch (error) {
        if (this.#noteFenced(error)) return;
        this.#logger.log('warn', `could not ${what}; trying again`, { error: toErrorRecord(error) });
        await new Promise<void>((resolve) => this.#later(storeRetryMs, resolve));
      }
    }
  }

  #noteFenced(error: unknown): boolean {
    const isFenced = error instanceof MillraceError && error.code === 'FENCED';
    if (isFenced) this.#options.onFenced();
    return isFenced;
  }

  #later(delayMs: number, callback: () => void): void {
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }
}

const notLeader = (): MillraceError =>
  new MillraceError('NOT_LEADER', 'this JobManager stepped down', { domain: 'external', recovery: 'retry' });
