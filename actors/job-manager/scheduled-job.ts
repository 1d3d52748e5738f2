/** A job under a leader: its scheduler and, when it takes checkpoints, its checkpoint coordinator. */
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { CorePorts } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import type { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { CheckpointCoordinator, type CoordinatorTestSwitches } from '../checkpoint-coordinator/checkpoint-coordinator.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import { withoutCheckpoints, type CheckpointHooksFactory } from '../scheduler/checkpointing.js';
import { Scheduler } from '../scheduler/scheduler.js';
import type { RunningJobFactory, RunningJobOptions } from './running-job.js';

export interface ScheduledJobOptions extends CorePorts {
  readonly endpoint: Endpoint;
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly checkpoints: CheckpointStore;
  readonly heartbeat: HeartbeatMonitorInput;
  readonly exceptionsMax?: number;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly testSwitches?: CoordinatorTestSwitches;
}

export function scheduledJobs(options: ScheduledJobOptions): RunningJobFactory {
  return (job) => {
    const logger = options.logger.child({ jobId: job.jobId, job: job.jobGraph.name });
    return new Scheduler({
      ...options,
      logger,
      jobId: job.jobId,
      jobGraph: job.jobGraph,
      code: job.code,
      leaderEpoch: job.token.epoch,
      submittedAt: job.submittedAt,
      checkpointing: checkpointing({ ...options, logger }, job),
      onEnded: job.onEnded,
    });
  };
}

function checkpointing(options: ScheduledJobOptions, job: RunningJobOptions): CheckpointHooksFactory {
  const settings = job.jobGraph.settings.checkpointing;
  const { intervalMs } = settings;
  if (intervalMs === undefined || intervalMs === null) return withoutCheckpoints(job.restore);
  return (host) =>
    new CheckpointCoordinator({
      ...options,
      host,
      ledger: options.checkpoints.forJob(job.token, job.jobId),
      settings: { ...settings, intervalMs },
      restore: job.restore,
      onFenced: job.onFenced,
    });
}
