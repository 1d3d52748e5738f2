/**
 * Which state of a checkpoint goes to which new subtask.
 *
 * SA1  State follows operators by their id, whatever chain they are in now.
 * SA2  A keyed handle goes to every new subtask whose key groups it intersects, and to no other.
 * SA3  With the same parallelism, operator state stays with its subtask; with another one, former subtask j goes to new
 *      subtask j mod p. So every former state goes to exactly one new subtask.
 * SA4  Named operator state stays with its subtask, too, while the parallelism does; else the items of a list go round robin,
 *      each to exactly one new subtask. A union list goes to every new subtask from every former one; of a broadcast state,
 *      each new subtask gets one former copy.
 * SA5  State that no operator of the job wants is an error that names it, unless leaving it behind was allowed.
 * (Flink: StateAssignmentOperation.)
 */
import type { OperatorId } from '../core/ids.js';
import { executionVertexId, subtasksOf, type ExecutionVertexId } from './execution-graph.js';
import type { FormerOperator, FormerTask, FormerVertex, KeyedHandle } from './former-state.js';
import { graphError } from './graph-error.js';
import { intersectKeyGroups, keyGroupRange } from './key-groups.js';
import { NamedStates } from './named-states.js';
import { grouped } from './topology.js';
import type { JobGraph, JobVertex } from './types.js';

export interface StateAssignmentOptions<Handle extends KeyedHandle> {
  readonly jobGraph: JobGraph;
  readonly tasks: readonly FormerTask<Handle>[];
  readonly vertices: readonly FormerVertex[];
  /** Leave state behind that no operator wants (`--allowNonRestoredState`). */
  readonly isNonRestoredAllowed?: boolean;
}

/** State per new subtask; a subtask that is not in the map starts empty. */
export type StateAssignment<Handle extends KeyedHandle> = ReadonlyMap<ExecutionVertexId, readonly FormerTask<Handle>[]>;

/** Assigns the state of a checkpoint to the subtasks of a job (SA1 to SA5). */
export function assignState<Handle extends KeyedHandle>(options: StateAssignmentOptions<Handle>): StateAssignment<Handle> {
  checkMapped(options);
  const former = new Map(options.vertices.map((vertex) => [vertex.vertexId, vertex]));
  const assignment = new Map<ExecutionVertexId, readonly FormerTask<Handle>[]>();
  for (const vertex of options.jobGraph.vertices) {
    const wanted = new Set(vertex.operators.map((operator) => operator.id));
    const tasks = options.tasks.filter((task) => task.operators.some((operator) => wanted.has(operator.operatorId)));
    for (const formerId of new Set(tasks.map((task) => task.vertexId))) checkParallelism(vertex, former.get(formerId), tasks);
    const namedStates = new NamedStates(vertex, tasks);
    for (const subtaskIndex of subtasksOf(vertex)) {
      const parts = tasks
        .map((task) => {
          const formerParallelism = former.get(task.vertexId)?.parallelism;
          return partFor({ vertex, subtaskIndex, task, formerParallelism, wanted, namedStates });
        })
        .filter((part) => part.operators.length > 0);
      if (parts.length > 0) assignment.set(executionVertexId(vertex.id, subtaskIndex), parts);
    }
  }
  return assignment;
}

interface PartOptions<Handle extends KeyedHandle> {
  readonly vertex: JobVertex;
  readonly subtaskIndex: number;
  readonly task: FormerTask<Handle>;
  readonly formerParallelism: number | undefined;
  readonly wanted: ReadonlySet<OperatorId>;
  readonly namedStates: NamedStates;
}

/** What one former subtask leaves to one new subtask. */
function partFor<Handle extends KeyedHandle>(options: PartOptions<Handle>): FormerTask<Handle> {
  const { vertex, subtaskIndex, task, formerParallelism, wanted, namedStates } = options;
  const range = keyGroupRange(subtaskIndex, vertex.parallelism, vertex.maxParallelism);
  const isHeir = task.subtaskIndex % vertex.parallelism === subtaskIndex;
  const operators = task.operators
    .filter((operator) => wanted.has(operator.operatorId))
    .map((operator) => ({
      operatorId: operator.operatorId,
      keyed: operator.keyed.filter((handle) => intersectKeyGroups(handle.keyGroups, range) !== undefined),
      operatorState: isHeir ? operator.operatorState : null,
      ...(isHeir && operator.operatorStateChunks !== undefined ? { operatorStateChunks: operator.operatorStateChunks } : {}),
      ...namedStates.sharesOf({ operator, formerSubtask: task.subtaskIndex, formerParallelism, subtask: subtaskIndex }),
    }))
    .filter((operator) => isHeir || operator.keyed.length > 0 || operator.states !== undefined);
  return { vertexId: task.vertexId, subtaskIndex: task.subtaskIndex, operators, isFinished: task.isFinished, stateBytes: task.stateBytes };
}

const hasState = (operator: FormerOperator<KeyedHandle>): boolean =>
  operator.keyed.length > 0 ||
  operator.operatorState !== null ||
  operator.operatorStateChunks !== undefined ||
  (operator.states ?? []).length > 0;

/** SA5. */
function checkMapped<Handle extends KeyedHandle>(options: StateAssignmentOptions<Handle>): void {
  if (options.isNonRestoredAllowed === true) return;
  const wanted = new Set(options.jobGraph.vertices.flatMap((vertex) => vertex.operators.map((operator) => operator.id)));
  const operators = options.tasks.flatMap((task) => task.operators);
  const unmapped = [...grouped(operators, (operator) => operator.operatorId)].filter(
    ([id, parts]) => !wanted.has(id) && parts.some(hasState),
  );
  if (unmapped.length === 0) return;
  throw graphError(
    'STATE_UNMAPPED',
    `The checkpoint holds state of ${unmapped.length === 1 ? 'an operator' : 'operators'} that job "${options.jobGraph.name}" does not have: ${unmapped.map(([id]) => id).join(', ')}.`,
    { hint: 'Give operators a uid(), so that they keep their state when the job changes; or allow non-restored state to leave it behind.' },
  );
}

function checkParallelism<Handle extends KeyedHandle>(
  vertex: JobVertex,
  former: FormerVertex | undefined,
  tasks: readonly FormerTask<Handle>[],
): void {
  if (former === undefined || former.maxParallelism === vertex.maxParallelism) return;
  const ids = new Set(vertex.operators.map((operator) => operator.id));
  const isKeyedStateLeft = tasks.some(
    (task) =>
      task.vertexId === former.vertexId && task.operators.some((operator) => ids.has(operator.operatorId) && operator.keyed.length > 0),
  );
  if (!isKeyedStateLeft) return;
  throw graphError(
    'MAX_PARALLELISM_CHANGED',
    `The state was written with maximum parallelism ${former.maxParallelism}, the job now has ${vertex.maxParallelism}.`,
    {
      where: vertex.name,
      hint: `The maximum parallelism is fixed with the state: use setMaxParallelism(${former.maxParallelism}).`,
    },
  );
}
