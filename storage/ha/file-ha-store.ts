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
 *      a clock that jumps may cost a change of leaders, never two writers. A lease is not synced: after a loss of power
 *      whoever held it is gone too.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { fileError } from '../../core/file-errors.js';
import type { CheckpointId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock, FileHandle, FileSystem, Random } from '../../core/ports.js';
import type { CheckpointPointer, HaStore, JobRecord, JobResultRecord, LeaderToken, LeaseAnswer } from '../contracts.js';
import { DurableFiles } from '../files/durable-files.js';
import { HaLogDirectory, type HaLease } from './ha-log-directory.js';
import { baseOf, encodeHaLogLine, type HaLogOrigin } from './ha-log-line.js';
import { applyHaChange, checkRetained, fenced, isSameToken, type HaChange, type HaRecords } from './ha-records.js';

export interface FileHaStoreOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  /** Absolute, on a disk of this machine. Made when it is not there. */
  readonly directory: string;
  /** Changes after which a new part begins. */
  readonly linesPerPartMax?: number;
}

/** Our own log while we lead. */
interface OwnLog {
  readonly token: LeaderToken;
  readonly records: HaRecords;
  part: number;
  handle: FileHandle | undefined;
  lines: number;
  /** FH3 */
  isBroken: boolean;
  renewal: number;
}

const linesPerPartDefault = 5_000;
const grantAttemptsMax = 10;

export class FileHaStore implements HaStore {
  readonly durability: string;
  private readonly files: FileSystem;
  private readonly clock: Clock;
  private readonly durable: DurableFiles;
  private readonly directory: HaLogDirectory;
  private readonly linesPerPartMax: number;
  private own: OwnLog | undefined;
  /** What we saw of somebody's lease, and when first (FH4). */
  private observed: { readonly lease: string; readonly since: number } | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(options: FileHaStoreOptions) {
    this.files = options.files;
    this.clock = options.clock;
    this.linesPerPartMax = options.linesPerPartMax ?? linesPerPartDefault;
    this.durable = new DurableFiles({ files: options.files, random: options.random, base: options.directory });
    this.directory = new HaLogDirectory(options.files, options.directory);
    this.durability = `files in ${options.directory}, synced before each answer: jobs and checkpoints survive a crash of this machine, not the loss of its disk`;
  }

  acquire(holder: string, leaseMs: number, supersedes?: string): Promise<LeaseAnswer> {
    return this.inTurn(async () => {
      for (let attempt = 0; attempt < grantAttemptsMax; attempt += 1) {
        const latest = await this.directory.latestEpoch();
        const lease = latest === 0 ? undefined : await this.directory.lease(latest);
        const remainingMs = latest === 0 || lease?.holder === holder ? 0 : this.remaining(latest, lease, leaseMs, supersedes);
        if (remainingMs > 0) return { kind: 'held', by: { epoch: latest as LeaderEpoch, holder: lease?.holder ?? 'unknown' }, remainingMs };
        const answer = await this.grant({ epoch: (latest + 1) as LeaderEpoch, holder }, leaseMs);
        if (answer !== undefined) return answer;
      }
      throw this.failed('become leader', new Error('others kept taking the lease'));
    });
  }

  renew(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer> {
    return this.inTurn(async () => {
      const extended = this.own !== undefined && isSameToken(this.own.token, token) ? await this.extend(this.own, leaseMs) : undefined;
      if (extended !== undefined) return extended;
      const latest = await this.directory.latestEpoch();
      const lease = await this.directory.lease(latest);
      const remainingMs = this.remaining(latest, lease, leaseMs, undefined);
      return { kind: 'held', by: { epoch: latest as LeaderEpoch, holder: lease?.holder ?? 'unknown' }, remainingMs };
    });
  }

  release(token: LeaderToken): Promise<void> {
    return this.inTurn(async () => {
      const { own } = this;
      if (own !== undefined && isSameToken(own.token, token)) await this.writeLease(own, 0, true);
    });
  }

  async check(token: LeaderToken): Promise<void> {
    await this.inTurn(() => this.assertLeading(token));
  }

  async leader(): Promise<LeaderToken | undefined> {
    const latest = await this.directory.latestEpoch();
    const lease = latest === 0 ? undefined : await this.directory.lease(latest);
    const isRunning = lease !== undefined && !lease.isReleased && this.clock.now() < lease.renewedAt + lease.leaseMs;
    return isRunning ? { epoch: latest as LeaderEpoch, holder: lease.holder } : undefined;
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
      await this.own?.handle?.close();
      this.own = undefined;
    });
  }

  /** One change or look at a time: the order of lines is the order of calls. */
  private inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.queue.then(step);
    this.queue = result.catch(() => undefined);
    return result;
  }

  /** How long the latest lease still runs; 0 when it is free to take (FH4). */
  private remaining(epoch: number, lease: HaLease | undefined, leaseMs: number, supersedes: string | undefined): number {
    if (lease?.isReleased === true || (lease !== undefined && lease.holder === supersedes)) return 0;
    const now = this.clock.monotonic();
    const seen = `${epoch}/${lease?.renewal ?? 'none'}`;
    if (this.observed?.lease !== seen) this.observed = { lease: seen, since: now };
    const length = lease?.leaseMs ?? leaseMs;
    const byObservation = this.observed.since + length - now;
    const byWallClock = lease === undefined ? byObservation : lease.renewedAt + length - this.clock.now();
    return Math.max(0, Math.min(byObservation, byWallClock));
  }

  /** Creates the log of an epoch (FH1); undefined when somebody else did. */
  private async grant(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer | undefined> {
    const deadline = this.clock.monotonic() + leaseMs;
    let handle: FileHandle | undefined;
    try {
      await this.durable.makeDirectory(this.directory.path);
      handle = await this.createLog(token.epoch, 0);
      if (handle === undefined) return undefined;
      const own: OwnLog = { token, records: await this.begin(token, handle), part: 0, handle, lines: 1, isBroken: false, renewal: 0 };
      await this.writeLease(own, leaseMs, false);
      if ((await this.directory.latestEpoch()) !== token.epoch) {
        await handle.close();
        return undefined;
      }
      await this.own?.handle?.close().catch(() => undefined);
      this.own = own;
    } catch (error) {
      await handle?.close().catch(() => undefined);
      throw this.failed('become leader', error);
    }
    await this.directory.removeOlderThan({ epoch: token.epoch, part: 0 }).catch(() => undefined);
    return { kind: 'granted', token, deadline };
  }

  private async createLog(epoch: number, part: number): Promise<FileHandle | undefined> {
    try {
      return await this.files.openWrite(this.directory.logPath({ epoch, part }), { exclusive: true });
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'FILE_EXISTS') return undefined;
      throw error;
    }
  }

  /** Makes the new log durable, then reads the older one: in this order (FH1). */
  private async begin(token: LeaderToken, handle: FileHandle): Promise<HaRecords> {
    await this.files.syncDirectory(this.directory.path);
    const { records, origin } = await this.directory.read(token.epoch);
    records.token = token;
    await this.writeBase(handle, records, token, origin);
    return records;
  }

  private async writeBase(handle: FileHandle, records: HaRecords, token: LeaderToken, origin: HaLogOrigin | null): Promise<void> {
    await handle.append(encodeHaLogLine(baseOf(records, token, origin)));
    await handle.sync();
  }

  /** Undefined when a later epoch was granted. */
  private async extend(own: OwnLog, leaseMs: number): Promise<LeaseAnswer | undefined> {
    const deadline = this.clock.monotonic() + leaseMs;
    if ((await this.directory.latestEpoch()) !== own.token.epoch) return undefined;
    await this.writeLease(own, leaseMs, false);
    const isLatest = (await this.directory.latestEpoch()) === own.token.epoch;
    return isLatest ? { kind: 'granted', token: own.token, deadline } : undefined;
  }

  private async writeLease(own: OwnLog, leaseMs: number, isReleased: boolean): Promise<void> {
    own.renewal += 1;
    const lease: HaLease = { holder: own.token.holder, leaseMs, renewal: own.renewal, renewedAt: this.clock.now(), isReleased };
    try {
      await this.durable.write(
        this.directory.path,
        this.directory.leaseName(own.token.epoch),
        new TextEncoder().encode(JSON.stringify(lease)),
      );
    } catch (error) {
      throw this.failed('write the lease', error);
    }
  }

  private async assertLeading(token: LeaderToken): Promise<OwnLog> {
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
      throw this.failed('look for other leaders', error);
    }
  }

  private change(token: LeaderToken, change: HaChange): Promise<void>;
  private change<T>(token: LeaderToken, change: HaChange, answer: (records: HaRecords) => T): Promise<T>;
  private change<T>(token: LeaderToken, change: HaChange, answer?: (records: HaRecords) => T): Promise<T | undefined> {
    return this.inTurn(async () => {
      const own = await this.assertLeading(token);
      if (own.isBroken || own.lines >= this.linesPerPartMax) await this.startPart(own);
      // Until it is told, the line may count or not (FH3).
      own.isBroken = true;
      await this.append(own, change);
      await this.assertLeading(token);
      own.isBroken = false;
      applyHaChange(own.records, change);
      return answer?.(own.records);
    });
  }

  private async append(own: OwnLog, change: HaChange): Promise<void> {
    try {
      if (own.handle === undefined) throw fileError('FILE_IO', this.directory.path);
      await own.handle.append(encodeHaLogLine(change));
      await own.handle.sync();
      own.lines += 1;
    } catch (error) {
      throw this.failed('write to the log', error);
    }
  }

  /** Goes on in a new file that starts with the records as they are (FH3). */
  private async startPart(own: OwnLog): Promise<void> {
    own.isBroken = true;
    const origin = { epoch: own.token.epoch, part: own.part, lines: own.lines };
    try {
      await own.handle?.close().catch(() => undefined);
      own.handle = undefined;
      own.part += 1;
      const handle = await this.createLog(own.token.epoch, own.part);
      if (handle === undefined) throw fileError('FILE_EXISTS', this.directory.logPath({ epoch: own.token.epoch, part: own.part }));
      own.handle = handle;
      await this.writeBase(handle, own.records, own.token, origin);
      await this.files.syncDirectory(this.directory.path);
      own.lines = 1;
      own.isBroken = false;
    } catch (error) {
      throw this.failed('start a new log', error);
    }
    await this.assertLeading(own.token);
    await this.directory.removeOlderThan({ epoch: own.token.epoch, part: own.part }).catch(() => undefined);
  }

  /** Ours while we lead, without reading the disk; else what the logs tell. */
  private async records(): Promise<HaRecords> {
    return this.inTurn(async () => {
      const { own } = this;
      if (own !== undefined && (await this.directory.latestEpoch()) === own.token.epoch) return own.records;
      return (await this.directory.read()).records;
    });
  }

  private failed(what: string, cause: unknown): MillraceError {
    if (cause instanceof MillraceError && cause.code === 'HA_STORE_FAILED') return cause;
    return new MillraceError('HA_STORE_FAILED', `Could not ${what} in ${this.directory.path}: ${toErrorRecord(cause).message}`, {
      domain: 'external',
      recovery: 'retry',
      where: this.directory.path,
      cause,
    });
  }
}
