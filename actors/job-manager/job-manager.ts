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
import type { Clock, Logger } from '../../core/ports.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import type { BlobStore, HaStore, LeaderToken } from '../../storage/contracts.js';
import type { TaskManagerOverview } from '../resource-manager/overview.js';
import { CodeUploads } from './code-uploads.js';
import { answerBytesOf, fitting } from './fitting-history.js';
import { JobCleanUp } from './job-clean-up.js';
import { JobIntake } from './job-intake.js';
import { compareJobs, pageOf, withoutHistory } from './job-list.js';
import { JobRecovery } from './job-recovery.js';
import { JobResults, jobStoreDefaults, type JobStoreSettings } from './job-results.js';
import { JobStarts } from './job-starts.js';
import { LiveJobs } from './live-jobs.js';
import type { RunningJobFactory } from './running-job.js';
import { StoreWrites } from './store-writes.js';

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

/** How often results are looked through for what has expired. */
const forgetEveryMs = 60_000;
/** Leadership is announced this often: an announcement that is lost costs a TaskManager a heartbeat timeout. */
const announcements = 5;
const announceEveryMs = 200;

/** See the head of this file. */
export class JobManager {
  readonly #options: JobManagerOptions;
  readonly #uploads: CodeUploads;
  readonly #writes: StoreWrites;
  readonly #results: JobResults;
  readonly #cleanUp: JobCleanUp;
  readonly #jobs: LiveJobs;
  readonly #intake: JobIntake;
  readonly #recovery: JobRecovery;
  #service: Service | undefined;

  constructor(options: JobManagerOptions) {
    this.#options = options;
    this.#uploads = new CodeUploads({ blobs: options.blobs, payloadBytesMax: options.endpoint.payloadBytesMax });
    const writes = new StoreWrites(options);
    const results = new JobResults(options.jobStore ?? jobStoreDefaults);
    const cleanUp = new JobCleanUp({ ...options, results, isCodeUsed: (sha256) => this.#jobs.isCodeUsed(sha256) });
    const jobs = new LiveJobs({ ...options, results, writes, cleanUp });
    const starts = new JobStarts({ ...options, results, cleanUp });
    this.#writes = writes;
    this.#results = results;
    this.#cleanUp = cleanUp;
    this.#jobs = jobs;
    this.#intake = new JobIntake({ ...options, jobs, results, starts, writes });
    this.#recovery = new JobRecovery({ ...options, jobs, results, starts, cleanUp, writes });
  }

  /** Recovers the jobs in the store, then answers; resolves once it does. Keeps trying while the store does not answer. */
  async start(): Promise<void> {
    await this.#writes.persist('read the jobs of this cluster', () => this.#recovery.recover());
    if (this.#writes.isStopped) return;
    this.#service = this.#options.endpoint.serve({ kind: 'job-manager' }, { handlers: this.#handlers() });
    this.#announce(announcements);
    void this.#forgetRegularly();
  }

  /** Stops at once (JM4): running jobs are suspended, their records stay. */
  suspend(): void {
    this.#writes.stop();
    this.#service?.stop();
    this.#jobs.suspend();
  }

  /** Jobs that run and jobs that ended, oldest first; those that run without their history. */
  summaries(): readonly JobSummary[] {
    return [...this.#results.summaries(), ...this.#jobs.summaries()].sort(compareJobs);
  }

  #handlers(): Handlers {
    const { endpoint, token, process, overview } = this.#options;
    return {
      'blob.upload-chunk': async (body) => ({ isComplete: await this.#uploads.add(body) }),
      'blob.fetch-chunk': (body) => this.#uploads.fetch(body),
      'job.submit': (body) => this.#intake.submit(body),
      'job.cancel': ({ jobId }) => {
        const ended = this.#results.get(jobId);
        if (ended !== undefined) return { kind: 'ended', status: ended.status };
        return { kind: this.#jobs.cancel(jobId) ? 'cancelling' : 'unknown' };
      },
      'job.describe': ({ jobId, withHistory = false }) => {
        const job = this.#results.get(jobId) ?? this.#jobs.summary(jobId, { withHistory });
        if (job === undefined) return { kind: 'unknown' };
        return { kind: 'found', job: withHistory ? fitting(job, answerBytesOf(endpoint.payloadBytesMax)) : withoutHistory(job) };
      },
      'job.list': ({ after }) => pageOf(this.summaries(), after, endpoint.payloadBytesMax),
      'cluster.overview': () => ({ holder: token.holder, ...process, taskManagers: [...overview()] }),
    };
  }

  async #forgetRegularly(): Promise<void> {
    await this.#writes.persist('forget old results', () => this.#cleanUp.forget());
    if (!this.#writes.isStopped) this.#writes.later(forgetEveryMs, () => void this.#forgetRegularly());
  }

  #announce(times: number): void {
    const { endpoint, token, logger } = this.#options;
    endpoint.tell({ kind: 'leader-events' }, 'leader.announced', { holder: token.holder }, { leaderEpoch: token.epoch });
    if (times > 1) this.#writes.later(announceEveryMs, () => this.#announce(times - 1));
    else logger.log('info', 'this JobManager leads the cluster', { holder: token.holder });
  }
}
