/**
 * Where the tasks of a job start, and what each of them is told.
 *
 * JD1  Tasks are deployed from the restore point of the latest round: one that was found for an earlier round is dropped.
 * JD2  A job that starts from another job's checkpoint takes its state and its positions, not its counts nor the tokens of
 *      its shared resources: those are of one job, and cannot be compared.
 */
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import { toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { JobId, LeaderEpoch } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { JobGraph } from '../../graph/types.js';
import type { CheckpointHooks } from './checkpointing.js';
import { describeTask, noRestore, planRestore, type RestorePlan } from './deployment.js';
import type { ExecutionGraph } from './execution-graph.js';
import type { Execution } from './execution.js';
import type { JobSources } from './job-sources.js';
import type { SharedResources } from './shared-resources.js';
import type { SlotPool } from './slot-pool.js';

export interface JobDeploymentsOptions {
  readonly jobId: JobId;
  readonly jobGraph: JobGraph;
  readonly code: JobCode;
  readonly leaderEpoch: LeaderEpoch;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly executions: ExecutionGraph;
  readonly pool: SlotPool;
  readonly sources: JobSources;
  readonly sharedResources: SharedResources;
  readonly restorePoint: CheckpointHooks['restorePoint'];
  /** The round the machine is in. */
  readonly round: () => number;
  readonly onRestorePointFound: (round: number) => void;
  readonly onRestorePointFailed: (round: number, error: ErrorRecord) => void;
}

/** See the head of this file. */
export class JobDeployments {
  readonly #options: JobDeploymentsOptions;
  #restore: RestorePlan = noRestore;

  constructor(options: JobDeploymentsOptions) {
    this.#options = options;
  }

  /** Told when it was found and its state dealt out, or that neither could be done. */
  findRestorePoint(round: number): void {
    const { jobGraph, restorePoint, onRestorePointFound, onRestorePointFailed } = this.#options;
    restorePoint()
      .then((checkpoint) => planRestore(jobGraph, checkpoint))
      .then(
        (plan) => {
          if (round === this.#options.round()) this.#restore = plan;
          onRestorePointFound(round);
        },
        (error: unknown) => onRestorePointFailed(round, toErrorRecord(error)),
      );
  }

  /** Has these subtasks deployed to the slots they were assigned (JD1, JD2). */
  deploy(subtasks: readonly ExecutionVertexId[]): void {
    const { jobId, clock, logger, executions, pool, sources, sharedResources } = this.#options;
    const { checkpoint, tasks } = this.#restore;
    sources.reset(subtasks, tasks, checkpoint);
    const own = checkpoint?.jobId === jobId ? checkpoint : undefined;
    if (own !== undefined) sharedResources.restore(own.sharedResources);
    const deployed = subtasks.map((subtask) => executions.current(subtask));
    for (const execution of deployed) {
      execution.slot = pool.slotOf(execution.subtask);
      execution.countOn(own);
    }
    logger.log('info', 'deploying tasks', { tasks: deployed.length, checkpointId: checkpoint?.checkpointId ?? null });
    for (const execution of deployed) execution.send({ type: 'DEPLOY', at: clock.now() });
  }

  /** What the task of an execution is told; it and those it talks to have their slots. */
  describe(execution: Execution): TaskDeploymentDescriptor {
    const { executions } = this.#options;
    return describeTask({
      ...this.#options,
      restore: this.#restore,
      execution,
      executionOf: (vertexId, subtaskIndex) => executions.currentOf(vertexId, subtaskIndex),
    });
  }
}
