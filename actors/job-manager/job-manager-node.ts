/**
 * Everything a JobManager process does, free of adapters: it stands for election and, while it leads, runs the JobManager
 * and the ResourceManager of its epoch.
 *
 * JN1  At most one leadership of this process is alive; a revoked or fenced one is suspended before the next begins.
 */
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { CorePorts } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import type { BlobStore, CheckpointStorage, HaStore, LeaderToken } from '../../storage/contracts.js';
import type { CoordinatorTestSwitches } from '../checkpoint-coordinator/checkpoint-coordinator.js';
import { ResourceManager } from '../resource-manager/resource-manager.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import { JobManager, type ProcessAddress } from './job-manager.js';
import type { JobStoreSettings } from './job-results.js';
import { LeaderElection } from './leader-election.js';
import { scheduledJobs } from './scheduled-job.js';

export interface JobManagerNodeOptions extends CorePorts {
  readonly bus: Bus;
  readonly endpoint: Endpoint;
  readonly store: HaStore;
  readonly checkpointStorage: CheckpointStorage;
  readonly blobs: BlobStore;
  /** Names this life of the process. */
  readonly holder: string;
  readonly process: ProcessAddress;
  /** Former holders known to be dead, the latest first. */
  readonly supersedes?: readonly string[];
  readonly leaseMs: number;
  /** How often the lease is renewed; at most half of it. */
  readonly renewMs: number;
  readonly heartbeat: HeartbeatMonitorInput;
  /** Failures of a job that are remembered; default `limits.exceptionHistory`. */
  readonly exceptionsMax?: number;
  /** How many results of ended jobs are kept, and for how long. */
  readonly jobStore?: JobStoreSettings;
  readonly onLeadership?: (token: LeaderToken | undefined) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly testSwitches?: CoordinatorTestSwitches;
}

interface Leadership {
  readonly token: LeaderToken;
  readonly jobManager: JobManager;
  readonly resourceManager: ResourceManager;
}

export class JobManagerNode {
  readonly #options: JobManagerNodeOptions;
  readonly #election: LeaderElection;
  #leadership: Leadership | undefined;

  /** Stands for election at once. */
  constructor(options: JobManagerNodeOptions) {
    this.#options = options;
    this.#election = new LeaderElection({
      ...options,
      onGranted: (token) => this.#lead(token),
      onRevoked: (token, reason) => this.#stepDown(token, reason),
    });
  }

  get isLeading(): boolean {
    return this.#leadership !== undefined;
  }

  /** Jobs of the current leadership; empty while another process leads. */
  get jobManager(): JobManager | undefined {
    return this.#leadership?.jobManager;
  }

  /** Suspends the jobs, gives the lease back and closes nothing else: bus and stores belong to the caller. */
  async stop(): Promise<void> {
    await this.#election.stop();
    if (this.#leadership !== undefined) this.#stepDown(this.#leadership.token, 'the process stops');
  }

  #lead(token: LeaderToken): void {
    const { store, checkpointStorage, clock, heartbeat } = this.#options;
    const logger = this.#options.logger.child({ leaderEpoch: token.epoch });
    const common = { ...this.#options, logger };
    const checkpoints = new CheckpointStore({ ha: store, storage: checkpointStorage, clock, logger });
    const resourceManager = new ResourceManager({ ...common, leaderEpoch: token.epoch, heartbeat });
    const jobManager = new JobManager({
      ...common,
      token,
      checkpoints,
      createJob: scheduledJobs({ ...common, checkpoints }),
      overview: () => resourceManager.overview(),
      onFenced: () => this.#stepDown(token, 'a later leader exists'),
    });
    this.#leadership = { token, jobManager, resourceManager };
    resourceManager.start();
    void jobManager.start().then(() => {
      if (this.#leadership?.token.epoch === token.epoch) this.#options.onLeadership?.(token);
    });
  }

  #stepDown(token: LeaderToken, reason: string): void {
    if (this.#leadership?.token.epoch !== token.epoch) return;
    const { jobManager, resourceManager } = this.#leadership;
    this.#leadership = undefined;
    this.#options.logger.log('warn', 'this JobManager no longer leads: its jobs are suspended', { leaderEpoch: token.epoch, reason });
    jobManager.suspend();
    resourceManager.stop();
    this.#options.onLeadership?.(undefined);
  }
}
