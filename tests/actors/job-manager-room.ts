/** A JobManager that leads, with jobs that the test plays, under virtual time. */
import { Client } from '../../actors/client/client.js';
import { JobManager } from '../../actors/job-manager/job-manager.js';
import { type JobStoreSettings } from '../../actors/job-manager/job-results.js';
import type { RunningJobOptions, SummaryOptions } from '../../actors/job-manager/running-job.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { type JobId, checkpointId, leaderEpoch, jobId } from '../../core/ids.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobGraph } from '../../graph/types.js';
import { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import type { CompletedCheckpoint, HaStore } from '../../storage/contracts.js';
import { defineJob } from '../../api/job.js';
import { sequenceSource } from '../../connectors/sequence-source.js';
import { BusRoom, type Participant } from './simulated-bus-room.js';

export function smallGraph(): JobGraph {
  const job = defineJob('small', (env) => void env.fromSource(sequenceSource(1, 3), 'numbers').map((n) => n + 1));
  return planJob(job.build({})).jobGraph;
}

/** A job that does what it is told, and nothing by itself. */
export class FakeJob {
  readonly calls: string[] = [];
  readonly options: RunningJobOptions;
  status: JobSummary['status'] = 'RUNNING';
  endedAt = Date.UTC(2026, 0, 1);
  latestCheckpointId: JobSummary['latestCheckpointId'] = null;
  /** Resolves when the last pointer has moved. */
  pointerMove: Promise<void> = Promise.resolve();

  constructor(options: RunningJobOptions) {
    this.options = options;
  }
  handlers() {
    return {};
  }
  start(): void {
    this.calls.push('start');
  }
  cancel(): void {
    this.calls.push('cancel');
  }
  suspend(): void {
    this.calls.push('suspend');
  }
  end(status: JobSummary['status']): void {
    this.status = status;
    this.options.onEnded(this.summary());
  }
  settled(): Promise<void> {
    return this.pointerMove;
  }
  summary({ withHistory = false }: SummaryOptions = {}): JobSummary {
    if (withHistory) this.calls.push('history');
    return {
      jobId: this.options.jobId,
      name: this.options.jobGraph.name,
      status: this.status,
      submittedAt: this.options.submittedAt,
      timestamps: {},
      endedAt: this.status === 'RUNNING' ? null : this.endedAt,
      restarts: 0,
      checkpointsCompleted: 0,
      latestCheckpointId: this.latestCheckpointId,
      recordsIn: 0,
      recordsOut: 0,
      tasks: {},
      error: null,
    };
  }
}

/** The third checkpoint of a job, with nothing in it. */
export const completedCheckpoint = (job: JobId): CompletedCheckpoint => ({
  formatVersion: 1,
  jobId: job,
  checkpointId: checkpointId(3),
  leaderEpoch: leaderEpoch(1),
  fingerprint: 'f',
  triggeredAt: 1,
  completedAt: 2,
  isFinal: false,
  vertices: [],
  tasks: [],
  sources: [],
  sharedResources: {},
});

export interface Setting {
  readonly room: BusRoom;
  readonly client: Client;
  readonly stored: ReturnType<typeof createMemoryHaWorld>;
  readonly chunks: Map<string, Uint8Array>;
  readonly blobs: MemoryBlobStore;
}

export interface Leading {
  readonly manager: JobManager;
  readonly jobs: Map<JobId, FakeJob>;
  readonly at: Participant;
  readonly store: HaStore;
  fenced: number;
}

export function setUp(): Setting {
  const room = new BusRoom();
  const { endpoint, process } = room.join('client');
  return {
    room,
    client: new Client({ endpoint, clock: process.clock, random: process.random, patienceMs: 3_000 }),
    stored: createMemoryHaWorld(),
    chunks: new Map(),
    blobs: new MemoryBlobStore(),
  };
}

export async function lead(
  { room, stored, chunks, blobs }: Setting,
  holder: string,
  wrap: (store: HaStore) => HaStore = (store) => store,
  more: { readonly jobStore?: JobStoreSettings; readonly refuses?: (options: RunningJobOptions) => boolean } = {},
): Promise<Leading> {
  const at = room.join(holder);
  const { clock, logger } = at.process;
  const store = wrap(new MemoryHaStore({ clock, world: stored }));
  const lease = await store.acquire(holder, 1_000_000, stored.records.token?.holder);
  if (lease.kind !== 'granted') throw new Error('the lease was not granted');
  const jobs = new Map<JobId, FakeJob>();
  const leading: Leading = {
    at,
    store,
    jobs,
    fenced: 0,
    manager: new JobManager({
      token: lease.token,
      endpoint: at.endpoint,
      store,
      checkpoints: new CheckpointStore({ ha: store, storage: new MemoryCheckpointStorage({ chunks }), clock, logger }),
      blobs,
      clock,
      logger,
      ...(more.jobStore === undefined ? {} : { jobStore: more.jobStore }),
      createJob: (options) => {
        if (more.refuses?.(options) === true) throw new TypeError('no such graph');
        const job = new FakeJob(options);
        jobs.set(options.jobId, job);
        return job;
      },
      process: { host: 'here', pid: 1 },
      overview: () => [],
      onFenced: () => leading.fenced++,
    }),
  };
  await room.settle(leading.manager.start());
  return leading;
}

export const code = { kind: 'module', url: 'file:///job.js' } as const;

export const idOf = (n: number): JobId => jobId(n.toString(16).padStart(32, '0'));
