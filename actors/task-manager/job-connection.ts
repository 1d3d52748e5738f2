/**
 * What a TaskManager knows of one job that has slots on it: whether its scheduler is alive, and what the two believe of
 * each other.
 *
 * JX1  The scheduler's silence for the heartbeat timeout is a loss of the job; every heartbeat starts the time over.
 * JX2  An active allocation that the scheduler does not list twice in a row is not its own: it is freed. (Once may be a
 *      heartbeat that was sent before the scheduler accepted the offer.)
 * JX3  A completed checkpoint is passed on to the tasks once, in growing order.
 */
import type { AllocationId, CheckpointId, JobId } from '../../core/ids.js';
import { HeartbeatMonitor, type HeartbeatLoss, type HeartbeatMonitorOptions } from '../runtime/heartbeat-monitor.js';

export interface JobConnectionOptions extends Omit<HeartbeatMonitorOptions, 'name' | 'send' | 'onLost'> {
  readonly jobId: JobId;
  readonly onLost: (reason: HeartbeatLoss) => void;
}

export class JobConnection {
  readonly jobId: JobId;
  readonly #monitor: HeartbeatMonitor;
  #suspects = new Set<AllocationId>();
  #latestCheckpointId = 0 as CheckpointId;

  constructor(options: JobConnectionOptions) {
    this.jobId = options.jobId;
    this.#monitor = new HeartbeatMonitor({ ...options, name: `job ${options.jobId}` });
  }

  /** A heartbeat came in; `active` are this TaskManager's active allocations of the job. Returns those to be freed (JX2). */
  heard(listed: readonly AllocationId[], active: readonly AllocationId[]): readonly AllocationId[] {
    this.#monitor.received();
    const known = new Set(listed);
    const unknown = active.filter((allocation) => !known.has(allocation));
    const foreign = unknown.filter((allocation) => this.#suspects.has(allocation));
    this.#suspects = new Set(unknown);
    return foreign;
  }

  /** Whether this checkpoint is news (JX3). */
  completed(checkpointId: CheckpointId): boolean {
    if (checkpointId <= this.#latestCheckpointId) return false;
    this.#latestCheckpointId = checkpointId;
    return true;
  }

  stop(): void {
    this.#monitor.stop();
  }
}
