/**
 * Leader lease and records in files, for several processes of one machine.
 *
 * FH1  Every epoch has its own log, created exclusively. A new leader creates its log first, then reads the older one, and
 *      writes what it found, and how many lines of it counted, as the base of its own: later lines do not exist.
 * FH2  A write is told to its caller only after it was synced and no higher epoch was there afterwards. So what an old
 *      leader was told, its successor has read; what it writes later, nobody reads.
 * FH3  After a failed append or a failed start of a new part nothing is appended to that file any more: the next write
 *      starts a new part from what is known to have been told.
 * FH4  A lease ends by the wall clock of this machine, or when it was not renewed for its length while we looked:
 *      a clock that jumps may cost a change of leaders, never two writers.
 */
import type { CheckpointId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock, FileSystem, Random } from '../../core/ports.js';
import type { CheckpointPointer, HaStore, JobRecord, JobResultRecord, LeaderToken, LeaseAnswer } from '../contracts.js';
import { DurableFiles } from '../files/durable-files.js';
import { FileLeases, type LatestGrant } from './file-leases.js';
import { HaLogDirectory } from './ha-log-directory.js';
import { checkRetained, fenced, isSameToken, type HaChange, type HaRecords } from './ha-records.js';
import { LeaderLog } from './leader-log.js';

export interface FileHaStoreOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute, on a disk of this machine. Made when it is not there. */
  readonly directory: string;
  /** Changes after which a new part begins. */
  readonly linesPerPartMax?: number;
}

const linesPerPartDefault = 5_000;
const grantAttemptsMax = 10;

export class FileHaStore implements HaStore {
  readonly durability: string;
  private readonly files: FileSystem;
  private readonly clock: Clock;
  private readonly durable: DurableFiles;
  private readonly directory: HaLogDirectory;
  private readonly leases: FileLeases;
  private readonly linesPerPartMax: number;
  /** While we lead. */
  private own: LeaderLog | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(options: FileHaStoreOptions) {
    const { files, clock, random, directory } = options;
    this.files = files;
    this.clock = clock;
    this.linesPerPartMax = options.linesPerPartMax ?? linesPerPartDefault;
    this.durable = new DurableFiles({ files, random, base: directory });
    this.directory = new HaLogDirectory(files, directory);
    this.leases = new FileLeases({ directory: this.directory, durable: this.durable, clock });
    this.durability = `files in ${directory}, synced before each answer: jobs and checkpoints survive a crash of this machine, not the loss of its disk`;
  }

  acquire(holder: string, leaseMs: number, supersedes?: string): Promise<LeaseAnswer> {
    return this.inTurn(async () => {
      for (let attempt = 0; attempt < grantAttemptsMax; attempt += 1) {
        const latest = await this.leases.latest();
        const mayTake = latest.epoch === 0 || latest.lease?.holder === holder;
        const isSuperseded = latest.lease !== undefined && latest.lease.holder === supersedes;
        const remainingMs = mayTake || isSuperseded ? 0 : this.leases.remainingMs(latest, leaseMs);
        if (remainingMs > 0) return held(latest, remainingMs);
        const answer = await this.grant({ epoch: (latest.epoch + 1) as LeaderEpoch, holder }, leaseMs);
        if (answer !== undefined) return answer;
      }
      throw this.directory.failed('become leader', new Error('others kept taking the lease'));
    });
  }

  renew(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer> {
    return this.inTurn(async () => {
      const extended = isSameToken(this.own?.token, token) ? await this.extend(token, leaseMs) : undefined;
      if (extended !== undefined) return extended;
      const latest = await this.leases.latest();
      return held(latest, this.leases.remainingMs(latest, leaseMs));
    });
  }

  release(token: LeaderToken): Promise<void> {
    return this.inTurn(async () => {
      if (isSameToken(this.own?.token, token)) await this.leases.write(token, 0, true);
    });
  }

  async check(token: LeaderToken): Promise<void> {
    await this.inTurn(() => this.assertLeading(token));
  }

  async leader(): Promise<LeaderToken | undefined> {
    const latest = await this.leases.latest();
    return this.leases.isRunning(latest) ? tokenOf(latest) : undefined;
  }

  async putJob(token: LeaderToken, job: JobRecord): Promise<void> {
    await this.change(token, { kind: 'put-job', job: { ...job, submission: job.submission.slice() } });
  }

  async putResult(token: LeaderToken, result: JobResultRecord): Promise<void> {
    await this.change(token, { kind: 'put-result', result: { ...result, result: result.result.slice() } });
  }

  async removeJob(token: LeaderToken, jobId: JobId, options: { readonly keepCheckpoints: boolean }): Promise<void> {
    await this.change(token, { kind: 'remove-job', jobId, keepCheckpoints: options.keepCheckpoints });
  }

  async removeResults(token: LeaderToken, jobIds: readonly JobId[]): Promise<void> {
    await this.change(token, { kind: 'remove-results', jobIds });
  }

  async nextCheckpointId(token: LeaderToken, jobId: JobId): Promise<CheckpointId> {
    return this.change(
      token,
      { kind: 'next-checkpoint-id', jobId },
      (records) => (records.checkpoints.get(jobId)?.lastId ?? 0) as CheckpointId,
    );
  }

  async raiseCheckpointId(token: LeaderToken, jobId: JobId, after: CheckpointId): Promise<void> {
    await this.change(token, { kind: 'raise-checkpoint-id', jobId, after });
  }

  async addCheckpoint(
    token: LeaderToken,
    jobId: JobId,
    pointer: CheckpointPointer,
    retained: number,
  ): Promise<readonly CheckpointPointer[]> {
    checkRetained(retained);
    return this.change(
      token,
      { kind: 'add-checkpoint', jobId, pointer, retained },
      (records) => records.checkpoints.get(jobId)?.dropped ?? [],
    );
  }

  async jobs(): Promise<readonly JobRecord[]> {
    return [...(await this.records()).jobs.values()];
  }

  async result(job: JobId): Promise<JobResultRecord | undefined> {
    return (await this.records()).results.get(job);
  }

  async results(): Promise<readonly JobResultRecord[]> {
    return [...(await this.records()).results.values()];
  }

  async checkpoints(job: JobId): Promise<readonly CheckpointPointer[]> {
    return (await this.records()).checkpoints.get(job)?.pointers ?? [];
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      await this.own?.close();
      this.own = undefined;
    });
  }

  /** One change or look at a time: the order of lines is the order of calls. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.queue.then(step);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** Creates the log of an epoch (FH1); undefined when somebody else did. */
  private async grant(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer | undefined> {
    const deadline = this.clock.monotonic() + leaseMs;
    const { files, directory, linesPerPartMax } = this;
    let log: LeaderLog | undefined;
    try {
      await this.durable.makeDirectory(directory.path);
      log = await LeaderLog.create({ files, directory, linesPerPartMax }, token);
      if (log === undefined) return undefined;
      await this.leases.write(token, leaseMs);
      if ((await directory.latestEpoch()) !== token.epoch) {
        await log.close();
        return undefined;
      }
    } catch (error) {
      await log?.close().catch(() => undefined);
      throw directory.failed('become leader', error);
    }
    await this.own?.close().catch(() => undefined);
    this.own = log;
    await directory.removeOlderThan({ epoch: token.epoch, part: 0 }).catch(() => undefined);
    return { kind: 'granted', token, deadline };
  }

  /** Undefined when a later epoch was granted. */
  private async extend(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer | undefined> {
    const deadline = this.clock.monotonic() + leaseMs;
    if ((await this.directory.latestEpoch()) !== token.epoch) return undefined;
    await this.leases.write(token, leaseMs);
    const isLatest = (await this.directory.latestEpoch()) === token.epoch;
    return isLatest ? { kind: 'granted', token, deadline } : undefined;
  }

  private async assertLeading(token: LeaderToken): Promise<LeaderLog> {
    const { own } = this;
    const latest = await this.latestEpoch();
    if (own !== undefined && isSameToken(own.token, token) && latest === token.epoch) return own;
    const lease = latest === 0 ? undefined : await this.directory.lease(latest);
    throw fenced(token, latest === 0 ? undefined : { epoch: latest as LeaderEpoch, holder: lease?.holder ?? 'another' });
  }

  private async latestEpoch(): Promise<number> {
    try {
      return await this.directory.latestEpoch();
    } catch (error) {
      throw this.directory.failed('look for other leaders', error);
    }
  }

  private change(token: LeaderToken, change: HaChange): Promise<void>;
  private change<T>(token: LeaderToken, change: HaChange, answer: (records: HaRecords) => T): Promise<T>;
  private change<T>(token: LeaderToken, change: HaChange, answer?: (records: HaRecords) => T): Promise<T | undefined> {
    return this.inTurn(async () => {
      const own = await this.assertLeading(token);
      await own.write(change, () => this.assertLeading(token));
      return answer?.(own.records);
    });
  }

  /** Ours while we lead, without reading the disk; else what the logs tell. */
  private async records(): Promise<HaRecords> {
    return this.inTurn(async () => {
      const { own } = this;
      if (own !== undefined && (await this.directory.latestEpoch()) === own.token.epoch) return own.records;
      return (await this.directory.read()).records;
    });
  }
}

function held(latest: LatestGrant, remainingMs: number): LeaseAnswer {
  return { kind: 'held', by: tokenOf(latest), remainingMs };
}

function tokenOf({ epoch, lease }: LatestGrant): LeaderToken {
  return { epoch: epoch as LeaderEpoch, holder: lease?.holder ?? 'unknown' };
}
