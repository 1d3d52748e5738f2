/**
 * The JobManager of one leadership (Flink's Dispatcher): takes jobs in, recovers them from the store, keeps their results.
 * A new leadership is a new JobManager.
 *
 * JM1  A submission is accepted only once its record is durable; the same job id again is answered alike.
 * JM2  A job that ended is shown as ended only once its result is durable; a job with a result never runs again.
 * JM3  A job's record, checkpoints and code are removed only after its result is durable.
 * JM4  After `suspend` nothing is written any more; what runs elsewhere finds out by its epoch.
 */
import type { Endpoint, Handlers, Service } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import type { BlobStore, CompletedCheckpoint, HaStore, JobRecord, LeaderToken } from '../../storage/contracts.js';
import type { TaskManagerOverview } from '../resource-manager/overview.js';
import { CodeUploads } from './code-uploads.js';
import { decodeResult, decodeSubmission, encodeResult, encodeSubmission, type JobSubmission } from './job-submission.js';
import type { RunningJob, RunningJobFactory } from './running-job.js';

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
/** Leadership is announced this often: an announcement that is lost costs a TaskManager a heartbeat timeout. */
const announcements = 5;
const announceEveryMs = 200;

export class JobManager {
  readonly #options: JobManagerOptions;
  readonly #logger: Logger;
  readonly #uploads: CodeUploads;
  readonly #jobs = new Map<JobId, JobEntry>();
  readonly #results = new Map<JobId, JobSummary>();
  /** Submissions being made durable, so that a repeated one waits for the first. */
  readonly #submitting = new Map<JobId, Promise<MessageReply<'job.submit'>>>();
  readonly #timers = new Set<TimerHandle>();
  #service: Service | undefined;
  #isStopped = false;

  constructor(options: JobManagerOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#uploads = new CodeUploads(options.blobs);
  }

  /** Recovers the jobs in the store, then answers; resolves once it does. Keeps trying while the store does not answer. */
  async start(): Promise<void> {
    await this.#persist('read the jobs of this cluster', () => this.#recover());
    if (this.#isStopped) return;
    this.#service = this.#options.endpoint.serve({ kind: 'job-manager' }, { handlers: this.#handlers() });
    this.#announce(announcements);
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

  /** Jobs that run and jobs that ended, oldest first. */
  summaries(): readonly JobSummary[] {
    const live = [...this.#jobs.values()].map((entry) => this.#liveSummary(entry));
    return [...this.#results.values(), ...live].sort((a, b) => a.submittedAt - b.submittedAt || (a.jobId < b.jobId ? -1 : 1));
  }

  async #recover(): Promise<void> {
    const { store } = this.#options;
    for (const { jobId, result } of await store.results()) this.#results.set(jobId, decodeResult(result));
    for (const record of await store.jobs()) {
      if (this.#jobs.has(record.jobId)) continue;
      const result = this.#results.get(record.jobId);
      if (result === undefined) await this.#recoverOne(record);
      else await this.#cleanUp(record.jobId, decodeSubmission(record.submission), result);
    }
  }

  async #recoverOne(record: JobRecord): Promise<void> {
    const submission = decodeSubmission(record.submission);
    const restore = await this.#restorePoint(record.jobId, submission);
    if (this.#isStopped) return;
    this.#logger.log('info', 'recovering a job from the store', {
      jobId: record.jobId,
      job: submission.jobGraph.name,
      checkpointId: restore?.checkpointId ?? null,
    });
    this.#run(record.jobId, submission, record.submittedAt, restore);
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
    return {
      'blob.upload-chunk': async (body) => ({ isComplete: await this.#uploads.add(body) }),
      'blob.fetch-chunk': (body) => this.#fetchChunk(body),
      'job.submit': (body) => this.#submit(body),
      'job.cancel': ({ jobId }) => {
        const entry = this.#jobs.get(jobId);
        const ended = this.#results.get(jobId);
        if (ended !== undefined) return { kind: 'ended', status: ended.status };
        if (entry === undefined) return { kind: 'unknown' };
        entry.job.cancel();
        return { kind: 'cancelling' };
      },
      'job.describe': ({ jobId, withHistory }) => {
        const entry = this.#jobs.get(jobId);
        const job = this.#results.get(jobId) ?? (entry === undefined ? undefined : this.#liveSummary(entry));
        if (job === undefined) return { kind: 'unknown' };
        return { kind: 'found', job: withHistory === true ? job : withoutHistory(job) };
      },
      'job.list': () => ({ jobs: this.summaries().map(({ results: _, ...summary }) => withoutHistory(summary)) }),
      'cluster.overview': () => ({
        holder: this.#options.token.holder,
        ...this.#options.process,
        taskManagers: [...this.#options.overview()],
      }),
    };
  }

  async #fetchChunk({ sha256, index }: MessageBody<'blob.fetch-chunk'>): Promise<MessageReply<'blob.fetch-chunk'>> {
    const blob = await this.#options.blobs.get(sha256);
    const count = blob === undefined ? 0 : Math.max(1, Math.ceil(blob.length / limits.blobChunkBytes));
    if (blob === undefined || index >= count) return { kind: 'unknown' };
    return { kind: 'chunk', bytes: blob.subarray(index * limits.blobChunkBytes, (index + 1) * limits.blobChunkBytes), count };
  }

  async #submit(body: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
    if (this.#jobs.has(body.jobId) || this.#results.has(body.jobId)) return { kind: 'accepted' };
    const under = this.#submitting.get(body.jobId) ?? this.#accept(body).finally(() => this.#submitting.delete(body.jobId));
    this.#submitting.set(body.jobId, under);
    return under;
  }

  async #accept({ jobId, jobGraph, code, restoreFrom }: MessageBody<'job.submit'>): Promise<MessageReply<'job.submit'>> {
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
      const submittedAt = clock.now();
      await store.putJob(token, { jobId, submittedAt, submission: encodeSubmission(submission) });
      if (restore !== undefined) await store.raiseCheckpointId(token, jobId, restore.checkpointId);
      if (this.#isStopped) throw new MillraceError('NOT_LEADER', 'this JobManager stepped down', { domain: 'external', recovery: 'retry' });
      this.#logger.log('info', 'job accepted', { jobId, job: jobGraph.name, checkpointId: restore?.checkpointId ?? null });
      this.#run(jobId, submission, submittedAt, restore);
      return { kind: 'accepted' };
    } catch (error) {
      this.#noteFenced(error);
      return { kind: 'rejected', error: toErrorRecord(error) };
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
    await this.#persist('write the result of a job', () =>
      store.putResult(token, { jobId, endedAt: summary.endedAt ?? clock.now(), result: encodeResult(summary) }),
    );
    if (this.#isStopped) return;
    this.#results.set(jobId, summary);
    entry.service.stop();
    this.#jobs.delete(jobId);
    this.#logger.log(summary.status === 'FAILED' ? 'warn' : 'info', `job ${summary.status}`, {
      jobId,
      job: summary.name,
      error: summary.error,
    });
    await this.#persist('clean up after a job', () => this.#cleanUp(jobId, entry.submission, summary));
  }

  /** Flink's retention: FINISHED discards, FAILED keeps, CANCELED as the job says. */
  async #cleanUp(jobId: JobId, { code, jobGraph }: JobSubmission, { status }: JobSummary): Promise<void> {
    const { token, checkpoints, blobs } = this.#options;
    const keepCheckpoints =
      status === 'FAILED' || (status === 'CANCELED' && jobGraph.settings.checkpointing.retention === 'RETAIN_ON_CANCELLATION');
    await checkpoints.removeJob(token, jobId, { keepCheckpoints });
    if (code.kind === 'bundle' && !this.#isCodeUsed(code.sha256)) await blobs.remove(code.sha256);
  }

  #isCodeUsed(sha256: string): boolean {
    return [...this.#jobs.values()].some(({ submission: { code } }) => code.kind === 'bundle' && code.sha256 === sha256);
  }

  /** JM2: not shown as ended before the result is durable. */
  #liveSummary({ job, isEnding }: JobEntry): JobSummary {
    const summary = job.summary();
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

/** Clients ask how a job stands many times a second: most of them do not want the history. */
function withoutHistory({ exceptions: _, attempts: __, ...summary }: JobSummary): JobSummary {
  return summary;
}
