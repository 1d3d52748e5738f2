/** The sources of a job: routes enumeration and requests to their coordinators, and reads what restored readers own. */
import { splitsOwned, wasAtEnd } from '../../dataflow/task/source-state.js';
import { MillraceError } from '../../core/errors.js';
import type { AttemptId, OperatorId, VertexId } from '../../core/ids.js';
import type { Handlers } from '../../bus/endpoint-contract.js';
import { decode } from '../../bus/codec/cbor.js';
import { executionVertexId, sourceOperatorsOf, type ExecutionVertexId } from '../../graph/execution-graph.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint, SourceCoordinatorSnapshot, TaskSnapshot } from '../../storage/contracts.js';
import type { SplitTimeReply, SplitTimeReport } from '../../dataflow/task-runtime.js';
import { AlignmentGroups } from './alignment-groups.js';
import { enumeratingSubtask, SourceCoordinator } from './source-coordinator.js';

/** Former subtasks' state by the new subtask that gets it. */
export type RestoredTasks = ReadonlyMap<ExecutionVertexId, readonly TaskSnapshot[]>;

interface JobSource {
  readonly vertexId: VertexId;
  readonly coordinator: SourceCoordinator;
}

export class JobSources {
  readonly #sources: readonly JobSource[];
  readonly #alignment = new AlignmentGroups();

  constructor(jobGraph: JobGraph) {
    this.#sources = jobGraph.vertices.flatMap((vertex) =>
      sourceOperatorsOf(vertex).map((operatorId) => ({
        vertexId: vertex.id,
        coordinator: new SourceCoordinator({
          operatorId,
          operatorName: vertex.operators.find(({ id }) => id === operatorId)?.name ?? operatorId,
          parallelism: vertex.parallelism,
        }),
      })),
    );
  }

  /** The coordinator of a source operator. */
  find(operatorId: OperatorId): SourceCoordinator {
    const found = this.#sources.find(({ coordinator }) => coordinator.operatorId === operatorId);
    if (found !== undefined) return found.coordinator;
    throw new MillraceError('UNKNOWN_SOURCE', `the job has no source operator ${operatorId}`, { recovery: 'restart-job' });
  }

  /** Answers the enumerating subtasks and the readers. `subtaskOf` throws for an attempt that is not current. */
  handlers(job: { readonly subtaskOf: (attemptId: AttemptId) => number; readonly failJob: (error: MillraceError) => void }): Handlers {
    return {
      'source.enumerated': (body) => {
        job.subtaskOf(body.attemptId);
        try {
          this.find(body.operatorId).enumerated(body);
        } catch (error) {
          if (error instanceof MillraceError && error.recovery === 'fail-job') job.failJob(error);
          throw error;
        }
        return {};
      },
      'source.request-split': ({ operatorId, ...asked }) =>
        this.find(operatorId).request({ ...asked, subtaskIndex: job.subtaskOf(asked.attemptId) }),
      'source.exchange-time': ({ attemptId, operatorId, alignment }) => this.timeOf(operatorId, job.subtaskOf(attemptId), alignment),
    };
  }

  /** What holds the event time of a reader back, and how far it may read when it says how far it has come. */
  timeOf(operatorId: OperatorId, subtaskIndex: number, alignment?: SplitTimeReport): SplitTimeReply {
    const reply = this.find(operatorId).timeOf(subtaskIndex);
    const readUpTo = alignment && this.#alignment.report({ operatorId, subtaskIndex }, alignment);
    return readUpTo === undefined ? reply : { ...reply, readUpTo };
  }

  /** Source operators whose splits this subtask must enumerate. */
  toEnumerate(vertexId: VertexId, subtaskIndex: number): OperatorId[] {
    if (subtaskIndex !== enumeratingSubtask) return [];
    return this.#sources
      .filter((source) => source.vertexId === vertexId && source.coordinator.needsEnumeration)
      .map(({ coordinator }) => coordinator.operatorId);
  }

  /** Subtasks are about to be deployed with this state; see SourceCoordinator.reset. */
  reset(
    subtasks: readonly ExecutionVertexId[],
    restored: RestoredTasks,
    checkpoint: Pick<CompletedCheckpoint, 'sources'> | undefined,
  ): void {
    for (const { vertexId, coordinator } of this.#sources) {
      const indexes = subtasks.flatMap((subtask) => indexIn(vertexId, subtask));
      if (indexes.length === 0) continue;
      for (const subtaskIndex of indexes) this.#alignment.forget({ operatorId: coordinator.operatorId, subtaskIndex });
      const tasksOf = (index: number): readonly TaskSnapshot[] => restored.get(executionVertexId(vertexId, index)) ?? [];
      const owned = new Map(indexes.map((index) => [index, ownedSplits(tasksOf(index), coordinator.operatorId)]));
      const finished = indexes.filter((index) => wasAtEnd(tasksOf(index)));
      const splits = checkpoint?.sources.find(({ operatorId }) => operatorId === coordinator.operatorId)?.splits ?? null;
      coordinator.reset({ subtasks: indexes, owned, finished, splits });
    }
  }

  snapshots(): readonly SourceCoordinatorSnapshot[] {
    return this.#sources.map(({ coordinator }) => coordinator.snapshot());
  }
}

function indexIn(vertexId: VertexId, subtask: ExecutionVertexId): number[] {
  const prefix = `${vertexId}_`;
  if (!subtask.startsWith(prefix)) return [];
  const index = Number(subtask.slice(prefix.length));
  return Number.isSafeInteger(index) ? [index] : [];
}

/** Ids of the splits that stand in the state of a source's readers: those they finished and those they read. */
function ownedSplits(tasks: readonly TaskSnapshot[], operatorId: OperatorId): readonly string[] {
  return tasks.flatMap(({ operators }) =>
    operators.flatMap((operator) =>
      operator.operatorId === operatorId && operator.operatorState !== null ? splitsOwned(decode(operator.operatorState)) : [],
    ),
  );
}
