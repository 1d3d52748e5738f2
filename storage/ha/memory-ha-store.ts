/**
 * Leader lease and records in memory: for the simulator (several simulated processes share one world) and for embedded
 * clusters. Deterministic; a lease ends by the clock of whoever asks.
 *
 * MH1  Every write checks the token and takes effect in one synchronous step.
 */
import type { CheckpointId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { CheckpointPointer, HaStore, JobRecord, JobResultRecord, LeaderToken, LeaseAnswer } from '../contracts.js';
import {
  applyHaChange,
  assertCurrentToken,
  checkRetained,
  emptyHaRecords,
  isSameToken,
  type HaChange,
  type HaRecords,
} from './ha-records.js';

/** What the stores of one cluster share. `lease` ends at a reading of the shared clock's `monotonic()`. */
export interface MemoryHaWorld {
  readonly records: HaRecords;
  lease: { readonly token: LeaderToken; readonly endsAt: number } | undefined;
}

export function createMemoryHaWorld(): MemoryHaWorld {
  return { records: emptyHaRecords(), lease: undefined };
}

export interface MemoryHaStoreOptions {
  readonly clock: Clock;
  /** Shared by the stores of one cluster; a world of its own by default. */
  readonly world?: MemoryHaWorld;
}

export class MemoryHaStore implements HaStore {
  readonly durability = 'memory of this process: jobs and checkpoints are forgotten when it ends';
  private readonly clock: Clock;
  private readonly world: MemoryHaWorld;

  constructor(options: MemoryHaStoreOptions) {
    this.clock = options.clock;
    this.world = options.world ?? createMemoryHaWorld();
  }

  async acquire(holder: string, leaseMs: number, supersedes?: string): Promise<LeaseAnswer> {
    const lease = this.runningLease();
    if (lease !== undefined && lease.token.holder !== holder && lease.token.holder !== supersedes) return this.held(lease);
    const token: LeaderToken = { epoch: ((this.world.records.token?.epoch ?? 0) + 1) as LeaderEpoch, holder };
    this.world.records.token = token;
    return this.grant(token, leaseMs);
  }

  async renew(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer> {
    const current = this.world.records.token;
    if (isSameToken(current, token)) return this.grant(token, leaseMs);
    const lease = this.runningLease();
    return lease === undefined ? { kind: 'held', by: current ?? token, remainingMs: 0 } : this.held(lease);
  }

  async release(token: LeaderToken): Promise<void> {
    if (isSameToken(this.world.lease?.token, token)) this.world.lease = undefined;
  }

  async check(token: LeaderToken): Promise<void> {
    assertCurrentToken(this.world.records, token);
  }

  async leader(): Promise<LeaderToken | undefined> {
    return this.runningLease()?.token;
  }

  async putJob(token: LeaderToken, job: JobRecord): Promise<void> {
    this.change(token, { kind: 'put-job', job: { ...job, submission: job.submission.slice() } });
  }

  async putResult(token: LeaderToken, result: JobResultRecord): Promise<void> {
    this.change(token, { kind: 'put-result', result: { ...result, result: result.result.slice() } });
  }

  async removeJob(token: LeaderToken, jobId: JobId, options: { readonly keepCheckpoints: boolean }): Promise<void> {
    this.change(token, { kind: 'remove-job', jobId, keepCheckpoints: options.keepCheckpoints });
  }

  async removeResults(token: LeaderToken, jobIds: readonly JobId[]): Promise<void> {
    this.change(token, { kind: 'remove-results', jobIds });
  }

  async jobs(): Promise<readonly JobRecord[]> {
    return [...this.world.records.jobs.values()];
  }

  async result(job: JobId): Promise<JobResultRecord | undefined> {
    return this.world.records.results.get(job);
  }

  async results(): Promise<readonly JobResultRecord[]> {
    return [...this.world.records.results.values()];
  }

  async nextCheckpointId(token: LeaderToken, jobId: JobId): Promise<CheckpointId> {
    this.change(token, { kind: 'next-checkpoint-id', jobId });
    return (this.world.records.checkpoints.get(jobId)?.lastId ?? 0) as CheckpointId;
  }

  async raiseCheckpointId(token: LeaderToken, jobId: JobId, after: CheckpointId): Promise<void> {
    this.change(token, { kind: 'raise-checkpoint-id', jobId, after });
  }

  async addCheckpoint(
    token: LeaderToken,
    jobId: JobId,
    pointer: CheckpointPointer,
    retained: number,
  ): Promise<readonly CheckpointPointer[]> {
    checkRetained(retained);
    this.change(token, { kind: 'add-checkpoint', jobId, pointer, retained });
    return this.world.records.checkpoints.get(jobId)?.dropped ?? [];
  }

  async checkpoints(job: JobId): Promise<readonly CheckpointPointer[]> {
    return this.world.records.checkpoints.get(job)?.pointers ?? [];
  }

  async close(): Promise<void> {}

  private change(token: LeaderToken, change: HaChange): void {
    assertCurrentToken(this.world.records, token);
    applyHaChange(this.world.records, change);
  }

  private runningLease(): MemoryHaWorld['lease'] {
    const lease = this.world.lease;
    return lease !== undefined && this.clock.monotonic() < lease.endsAt ? lease : undefined;
  }

  private grant(token: LeaderToken, leaseMs: number): LeaseAnswer {
    const deadline = this.clock.monotonic() + leaseMs;
    this.world.lease = { token, endsAt: deadline };
    return { kind: 'granted', token, deadline };
  }

  private held(lease: { readonly token: LeaderToken; readonly endsAt: number }): LeaseAnswer {
    return { kind: 'held', by: lease.token, remainingMs: Math.max(0, lease.endsAt - this.clock.monotonic()) };
  }
}
