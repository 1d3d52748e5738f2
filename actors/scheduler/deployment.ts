/** What one task is told when it is deployed. */
import { assert } from '../../core/errors.js';
import type { JobId, LeaderEpoch, VertexId } from '../../core/ids.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import { taskWiringOf } from '../../graph/deployment.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import { restoredWatermarks, type Watermarks } from '../../graph/restored-watermarks.js';
import { assignState } from '../../graph/state-assignment.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';
import type { Execution } from './execution.js';
import type { JobSources, RestoredTasks } from './job-sources.js';
import { shareRestoredSplits } from './restored-splits.js';

/** A checkpoint, its state already dealt out to the subtasks of the job. */
export interface RestorePlan {
  readonly checkpoint: CompletedCheckpoint | undefined;
  readonly tasks: RestoredTasks;
  readonly watermarks: ReadonlyMap<ExecutionVertexId, Watermarks>;
}

export const noRestore: RestorePlan = { checkpoint: undefined, tasks: new Map(), watermarks: new Map() };

/** Deals out the state of a checkpoint; throws when it does not fit the job. */
export function planRestore(jobGraph: JobGraph, checkpoint: CompletedCheckpoint | undefined): RestorePlan {
  if (checkpoint === undefined) return noRestore;
  const isNonRestoredAllowed = jobGraph.settings.isNonRestoredStateAllowed ?? false;
  const assigned = assignState({ jobGraph, tasks: checkpoint.tasks, vertices: checkpoint.vertices, isNonRestoredAllowed });
  return {
    checkpoint,
    tasks: shareRestoredSplits({ jobGraph, former: checkpoint.vertices, assigned }),
    watermarks: restoredWatermarks({ jobGraph, ...checkpoint }),
  };
}

export interface DeploymentOptions {
  readonly jobId: JobId;
  readonly leaderEpoch: LeaderEpoch;
  readonly jobGraph: JobGraph;
  readonly code: JobCode;
  readonly sources: JobSources;
  readonly restore: RestorePlan;
  readonly execution: Execution;
  /** The current execution of any subtask; those it talks to have a slot. */
  readonly executionOf: (vertexId: VertexId, subtaskIndex: number) => Execution;
}

/** The descriptor of one task. Every subtask it exchanges records with must have its slot. */
export function describeTask(options: DeploymentOptions): TaskDeploymentDescriptor {
  const { execution, jobGraph, restore } = options;
  const placed = (vertexId: VertexId, subtaskIndex: number) => {
    const { attemptId, slot, name } = options.executionOf(vertexId, subtaskIndex);
    assert(slot !== undefined, `${name} has no slot, so no channel can be made to it.`);
    return { attemptId, location: { taskManagerId: slot.taskManagerId, slot: slot.slot } };
  };
  assert(execution.slot !== undefined, `${execution.name} has no slot.`);
  return {
    jobId: options.jobId,
    leaderEpoch: options.leaderEpoch,
    allocationId: execution.slot.allocationId,
    attemptId: execution.attemptId,
    attemptNumber: execution.attemptNumber,
    vertexId: execution.vertexId,
    subtaskIndex: execution.subtaskIndex,
    jobGraph,
    code: options.code,
    ...taskWiringOf({ jobGraph, vertexId: execution.vertexId, subtaskIndex: execution.subtaskIndex, placed }),
    restore: restoreOf(restore, execution),
    enumerate: options.sources.toEnumerate(execution.vertexId, execution.subtaskIndex),
  };
}

function restoreOf({ checkpoint, tasks, watermarks }: RestorePlan, { subtask }: Execution): TaskDeploymentDescriptor['restore'] {
  if (checkpoint === undefined) return null;
  const { checkpointId, isFinal } = checkpoint;
  const known = watermarks.get(subtask);
  return { checkpointId, isFinal, tasks: [...(tasks.get(subtask) ?? [])], ...(known === undefined ? {} : { watermarks: known }) };
}
