/**
 * Leader lease and records in Redis.
 *
 * RH1  Every write is one script that checks the token first: fencing and write are one atomic step.
 * RH2  The lease has a connection of its own, prompt and with a time limit (RC2), so that nothing queued before it can hold
 *      up a renewal; its deadline counts from before the request was sent, on a clock that never jumps.
 * RH3  All scripts are idempotent (LS2).
 */
import { decode, encode } from '../../bus/codec/cbor.js';
import type { CheckpointId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { CheckpointPointer, HaStore, JobRecord, JobResultRecord, LeaderToken, LeaseAnswer } from '../contracts.js';
import type { RedisArgument, RedisConnection } from '../redis/redis-client.js';
import type { RedisKeys } from '../redis/redis-keys.js';
import { expectOk, parseReply, tokenOf } from '../redis/redis-reply.js';
import type { RedisScript } from '../redis/redis-script.js';
import { acquireLease } from '../redis/scripts/acquire-lease.js';
import { addCheckpoint } from '../redis/scripts/add-checkpoint.js';
import { checkToken } from '../redis/scripts/check-token.js';
import { nextCheckpointId } from '../redis/scripts/next-checkpoint-id.js';
import { putJob } from '../redis/scripts/put-job.js';
import { putResult } from '../redis/scripts/put-result.js';
import { raiseCheckpointId } from '../redis/scripts/raise-checkpoint-id.js';
import { releaseLease } from '../redis/scripts/release-lease.js';
import { removeJob } from '../redis/scripts/remove-job.js';
import { removeResults } from '../redis/scripts/remove-results.js';
import { renewLease } from '../redis/scripts/renew-lease.js';
import { checkRetained } from './ha-records.js';

export interface RedisHaStoreOptions {
  /** Patient; for records. */
  readonly records: RedisConnection;
  /** Prompt; for the lease only (RH2). */
  readonly lease: RedisConnection;
  readonly keys: RedisKeys;
  readonly clock: Clock;
}

export class RedisHaStore implements HaStore {
  private readonly client: RedisConnection;
  private readonly lease: RedisConnection;
  private readonly keys: RedisKeys;
  private readonly clock: Clock;

  constructor(options: RedisHaStoreOptions) {
    this.client = options.records.share();
    this.lease = options.lease.share();
    this.keys = options.keys;
    this.clock = options.clock;
  }

  /** As the server was when it was last reached. */
  get durability(): string {
    return this.client.serverFacts.durability;
  }

  acquire(holder: string, leaseMs: number, supersedes?: string): Promise<LeaseAnswer> {
    const { leaderLease, leaderToken } = this.keys;
    return this.askForLease(holder, leaseMs, () =>
      this.lease.run(acquireLease, [leaderLease, leaderToken], [holder, leaseMs, supersedes ?? '']),
    );
  }

  renew(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer> {
    const { leaderLease, leaderToken } = this.keys;
    return this.askForLease(token.holder, leaseMs, () =>
      this.lease.run(renewLease, [leaderLease, leaderToken], [token.epoch, token.holder, leaseMs]),
    );
  }

  async release(token: LeaderToken): Promise<void> {
    await this.lease.run(releaseLease, [this.keys.leaderLease], [token.epoch, token.holder]);
  }

  async check(token: LeaderToken): Promise<void> {
    await this.write(token, checkToken, [], []);
  }

  async leader(): Promise<LeaderToken | undefined> {
    const reply = (await this.client.command('HMGET', this.keys.leaderLease, 'epoch', 'holder')) as readonly (Buffer | null)[];
    return tokenOf(reply[0] ?? '', reply[1] ?? '');
  }

  async putJob(token: LeaderToken, job: JobRecord): Promise<void> {
    await this.write(token, putJob, [this.keys.jobs], [job.jobId, encode(job)]);
  }

  async putResult(token: LeaderToken, result: JobResultRecord): Promise<void> {
    await this.write(token, putResult, [this.keys.results], [result.jobId, encode(result)]);
  }

  async removeJob(token: LeaderToken, job: JobId, options: { readonly keepCheckpoints: boolean }): Promise<void> {
    const { keys } = this;
    await this.write(
      token,
      removeJob,
      [keys.jobs, keys.checkpointIds, keys.checkpoints(job), keys.dropped(job)],
      [job, options.keepCheckpoints ? '1' : '0'],
    );
  }

  async removeResults(token: LeaderToken, jobs: readonly JobId[]): Promise<void> {
    await this.write(token, removeResults, [this.keys.jobs, this.keys.results], jobs);
  }

  async jobs(): Promise<readonly JobRecord[]> {
    return this.readAll(this.keys.jobs, (record: JobRecord) => record.submittedAt);
  }

  async result(job: JobId): Promise<JobResultRecord | undefined> {
    const bytes = (await this.client.command('HGET', this.keys.results, job)) as Buffer | null;
    return bytes === null ? undefined : (decode(bytes) as JobResultRecord);
  }

  async results(): Promise<readonly JobResultRecord[]> {
    return this.readAll(this.keys.results, (record: JobResultRecord) => record.endedAt);
  }

  async nextCheckpointId(token: LeaderToken, job: JobId): Promise<CheckpointId> {
    const [id] = await this.write(token, nextCheckpointId, [this.keys.checkpointIds], [job]);
    return Number(id) as CheckpointId;
  }

  async raiseCheckpointId(token: LeaderToken, job: JobId, after: CheckpointId): Promise<void> {
    await this.write(token, raiseCheckpointId, [this.keys.checkpointIds], [job, after]);
  }

  async addCheckpoint(token: LeaderToken, job: JobId, pointer: CheckpointPointer, retained: number): Promise<readonly CheckpointPointer[]> {
    checkRetained(retained);
    const keys = [this.keys.checkpoints(job), this.keys.dropped(job)];
    const [dropped] = await this.write(token, addCheckpoint, keys, [pointer.checkpointId, JSON.stringify(pointer), retained]);
    return (dropped as readonly Buffer[]).map(parsePointer);
  }

  async checkpoints(job: JobId): Promise<readonly CheckpointPointer[]> {
    return ((await this.client.command('ZRANGE', this.keys.checkpoints(job), 0, -1)) as readonly Buffer[]).map(parsePointer);
  }

  async close(): Promise<void> {
    await Promise.all([this.lease.close(), this.client.close()]);
  }

  /** The deadline is taken before the request is sent: the server's lease ends later than that, never earlier. */
  private async askForLease(holder: string, leaseMs: number, ask: () => Promise<unknown>): Promise<LeaseAnswer> {
    const deadline = this.clock.monotonic() + leaseMs;
    const { tag, rest } = parseReply(await ask());
    if (tag === 'GRANTED') return { kind: 'granted', token: { epoch: Number(String(rest[0])) as LeaderEpoch, holder }, deadline };
    return { kind: 'held', by: tokenOf(rest[0], rest[1]) ?? { epoch: 0 as LeaderEpoch, holder: '' }, remainingMs: Number(rest[2]) };
  }

  private async write(
    token: LeaderToken,
    script: RedisScript,
    keys: readonly string[],
    parameters: readonly RedisArgument[],
  ): Promise<readonly unknown[]> {
    const reply = await this.client.run(script, [this.keys.leaderToken, ...keys], [token.epoch, token.holder, ...parameters]);
    return expectOk(reply, token);
  }

  /** A hash keeps no order: the oldest first, by id where equally old. */
  private async readAll<T extends { readonly jobId: JobId }>(key: string, ageOf: (record: T) => number): Promise<readonly T[]> {
    const values = (await this.client.command('HVALS', key)) as readonly Buffer[];
    const records = values.map((bytes) => decode(bytes) as T);
    return records.sort((left, right) => ageOf(left) - ageOf(right) || (left.jobId < right.jobId ? -1 : 1));
  }
}

const parsePointer = (text: Buffer): CheckpointPointer => JSON.parse(text.toString()) as CheckpointPointer;
