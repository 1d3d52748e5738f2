/** What the tasks of a harness are told when they are deployed: where they run, who they are, what they restore. */
import type { TaskDeploymentDescriptor } from '../bus/protocol/messages/tasks.js';
import {
  allocationId,
  attemptNumber,
  formatAttemptId,
  jobId,
  leaderEpoch,
  sessionId,
  taskManagerId,
  type AttemptId,
  type OperatorId,
} from '../core/ids.js';
import type { SlotLocation } from '../dataflow/channels/elements.js';
import type { TaskInfo } from '../dataflow/contracts.js';
import { taskWiringOf } from '../graph/deployment.js';
import { vertexOf, type ExecutionVertex } from '../graph/execution-graph.js';
import type { JobGraph, JobVertex } from '../graph/types.js';

export interface HarnessDescriptorsOptions {
  readonly jobGraph: JobGraph;
  /** Where a subtask runs; default: each subtask index has a slot of its own, shared by all vertices. */
  readonly placement: ((vertex: JobVertex, subtaskIndex: number) => SlotLocation) | undefined;
  /** Whether the splits of a source are still to be listed. */
  readonly needsEnumeration: (operator: OperatorId) => boolean;
}

const job = jobId('0'.repeat(32));
const epoch = leaderEpoch(1);

/** See the head of this file. */
export class HarnessDescriptors {
  readonly #options: HarnessDescriptorsOptions;

  constructor(options: HarnessDescriptorsOptions) {
    this.#options = options;
  }

  locationOf({ vertexId, subtaskIndex }: ExecutionVertex): SlotLocation {
    const { jobGraph, placement } = this.#options;
    return placement?.(vertexOf(jobGraph, vertexId), subtaskIndex) ?? { taskManagerId: 'tm', slot: subtaskIndex };
  }

  /** Of the attempt of that number. */
  descriptorOf(vertex: ExecutionVertex, attempt: number, restore: TaskDeploymentDescriptor['restore']): TaskDeploymentDescriptor {
    const { jobGraph, needsEnumeration } = this.#options;
    const placed = (vertexId: ExecutionVertex['vertexId'], subtaskIndex: number) => {
      const location = this.locationOf({ vertexId, subtaskIndex });
      return {
        attemptId: attemptIdOf({ vertexId, subtaskIndex }, attempt),
        location: { taskManagerId: taskManagerId(location.taskManagerId), slot: location.slot },
      };
    };
    const sources = vertexOf(jobGraph, vertex.vertexId).operators.filter(({ kind }) => kind === 'source');
    return {
      jobId: job,
      leaderEpoch: epoch,
      allocationId: allocationId('allocation'),
      attemptId: attemptIdOf(vertex, attempt),
      attemptNumber: attempt,
      vertexId: vertex.vertexId,
      subtaskIndex: vertex.subtaskIndex,
      jobGraph,
      code: { kind: 'module', url: 'harness:' },
      ...taskWiringOf({ jobGraph, ...vertex, placed }),
      restore,
      enumerate: vertex.subtaskIndex === 0 ? sources.filter(({ id }) => needsEnumeration(id)).map(({ id }) => id) : [],
    };
  }

  /** What functions see of the task. */
  infoOf(vertex: ExecutionVertex, attempt: number): TaskInfo {
    const { jobGraph } = this.#options;
    const { name, parallelism, maxParallelism } = vertexOf(jobGraph, vertex.vertexId);
    return {
      jobId: job,
      jobName: jobGraph.name,
      taskName: name,
      subtaskIndex: vertex.subtaskIndex,
      parallelism,
      maxParallelism,
      attemptId: attemptIdOf(vertex, attempt),
      attemptNumber: attemptNumber(attempt),
      taskManagerId: this.locationOf(vertex).taskManagerId,
      sessionId: sessionId('session'),
    };
  }
}

function attemptIdOf({ vertexId, subtaskIndex }: ExecutionVertex, attempt: number): AttemptId {
  return formatAttemptId({ vertexId, subtaskIndex, leaderEpoch: epoch, attemptNumber: attemptNumber(attempt) });
}
