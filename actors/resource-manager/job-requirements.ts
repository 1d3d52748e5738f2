/**
 * What jobs require of the cluster, as they declared it (RM2 to RM4). A job that requires no slots any more is forgotten; it is told
 * what it is short of when that changes, and after each declaration.
 */
import type { JobId } from '../../core/ids.js';
import type { HeartbeatMonitor } from '../runtime/heartbeat-monitor.js';
import type { JobNeed, Shortage } from './slot-matching.js';
import { unanswered, watch, type PeerOptions } from './watched-peers.js';

export interface JobRequirementsOptions extends PeerOptions {
  /** A job requires something else than before. */
  readonly onChanged: () => void;
}

interface Requirements {
  version: number;
  slots: number;
  readonly monitor: HeartbeatMonitor;
  /** What it was last told to be short of. */
  told: string | undefined;
}

/** See the head of this file. */
export class JobRequirements {
  readonly #options: JobRequirementsOptions;
  readonly #jobs = new Map<JobId, Requirements>();

  constructor(options: JobRequirementsOptions) {
    this.#options = options;
  }

  /** RM2. */
  declare(jobId: JobId, version: number, slots: number): void {
    const job = this.#jobs.get(jobId);
    if (job !== undefined && version < job.version) return;
    if (slots === 0) {
      this.#forget(jobId);
      return;
    }
    if (job === undefined) this.#jobs.set(jobId, { version, slots, monitor: this.#watch(jobId), told: undefined });
    else {
      job.version = version;
      job.slots = slots;
      job.told = undefined;
    }
    this.#options.onChanged();
  }

  /** The jobs that require slots, in the order they declared. */
  ids(): Iterable<JobId> {
    return this.#jobs.keys();
  }

  needs(heldBy: (jobId: JobId) => number): readonly JobNeed[] {
    return [...this.#jobs].map(([jobId, { slots }]) => ({ jobId, required: slots, held: heldBy(jobId) }));
  }

  /** Tells it unless it knows. */
  tellShortage({ jobId, required, available }: Shortage, taskManagers: number): void {
    const job = this.#jobs.get(jobId);
    const text = `${required} ${available} ${taskManagers}`;
    if (job === undefined || job.told === text) return;
    job.told = text;
    const { endpoint, leaderEpoch } = this.#options;
    const body = { jobId, required, available, taskManagers };
    endpoint.tell({ kind: 'job', jobId }, 'resource-manager.resources-short', body, { leaderEpoch });
  }

  stop(): void {
    for (const { monitor } of this.#jobs.values()) monitor.stop();
  }

  #watch(jobId: JobId): HeartbeatMonitor {
    return watch(this.#options, {
      name: `job.${jobId}`,
      send: () => this.#beat(jobId),
      onLost: () => {
        this.#options.logger.log('warn', 'a job does not answer any more; its requirements are dropped', { jobId });
        this.#forget(jobId);
      },
    });
  }

  #beat(jobId: JobId): void {
    const { endpoint, leaderEpoch, heartbeat } = this.#options;
    endpoint.ask({ kind: 'job', jobId }, 'resource-manager.job-heartbeat', { jobId }, { timeoutMs: heartbeat.timeoutMs, leaderEpoch }).then(
      ({ slots, version }) => {
        const job = this.#jobs.get(jobId);
        job?.monitor.received();
        if (job !== undefined && version > job.version) this.declare(jobId, version, slots);
      },
      (error: unknown) => unanswered(this.#jobs.get(jobId)?.monitor, error),
    );
  }

  #forget(jobId: JobId): void {
    this.#jobs.get(jobId)?.monitor.stop();
    this.#jobs.delete(jobId);
  }
}
