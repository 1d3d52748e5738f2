/**
 * The splits of a checkpoint, dealt out to the subtasks of a job that has another number of them.
 *
 * RS1  With the parallelism of the checkpoint every split stays where it was; with another one the unfinished ones go round,
 *      each to exactly one subtask and with its position, so that new subtasks have something to read.
 * RS2  What was read to its end stays with the heir of its reader. One that gets something to read is not finished, though
 *      all whose state it takes over were.
 */
import { decode, encode } from '../../bus/codec/cbor.js';
import type { OperatorId } from '../../core/ids.js';
import { checkedRecord, type SourceReaderRecord, type SplitRecord } from '../../dataflow/task/source-state.js';
import { executionVertexId, sourceOperatorsOf, subtasksOf, type ExecutionVertexId } from '../../graph/execution-graph.js';
import type { FormerVertex } from '../../graph/former-state.js';
import type { JobGraph, JobVertex } from '../../graph/types.js';
import type { OperatorSnapshot, TaskSnapshot } from '../../storage/contracts.js';
import type { RestoredTasks } from './job-sources.js';

export interface RestoredSplitsOptions {
  readonly jobGraph: JobGraph;
  /** The vertices of the checkpoint. */
  readonly former: readonly FormerVertex[];
  /** Its state, by the subtask that inherits it. */
  readonly assigned: RestoredTasks;
}

/** See the head of this file. Costs one pass over the state of sources whose parallelism changed. */
export function shareRestoredSplits({ jobGraph, former, assigned }: RestoredSplitsOptions): RestoredTasks {
  const parallelisms = new Map(former.map(({ vertexId, parallelism }) => [vertexId, parallelism]));
  const shared = new Map(assigned);
  for (const vertex of jobGraph.vertices) {
    const parts = subtasksOf(vertex).flatMap((subtask) => assigned.get(executionVertexId(vertex.id, subtask)) ?? []);
    if (parts.every(({ vertexId }) => parallelisms.get(vertexId) === vertex.parallelism)) continue;
    for (const operatorId of sourceOperatorsOf(vertex)) shareSplits(shared, vertex, operatorId);
  }
  return shared;
}

function shareSplits(tasks: Map<ExecutionVertexId, readonly TaskSnapshot[]>, vertex: JobVertex, operatorId: OperatorId): void {
  const subtasks = subtasksOf(vertex).map((subtask) => executionVertexId(vertex.id, subtask));
  const partsOf = (subtask: ExecutionVertexId): readonly TaskSnapshot[] => tasks.get(subtask) ?? [];
  const unfinished = subtasks.flatMap((subtask) =>
    partsOf(subtask).flatMap(({ operators }) => operators.flatMap((operator) => recordOf(operator, operatorId)?.unfinished ?? [])),
  );
  for (const [index, subtask] of subtasks.entries()) {
    const share = unfinished.filter((_, number) => number % subtasks.length === index);
    const parts = partsOf(subtask).map((task) => withoutUnfinished(task, operatorId));
    if (share.length > 0) parts.push(taskWith(share, vertex, { subtaskIndex: index, operatorId }));
    if (parts.length > 0) tasks.set(subtask, parts);
  }
}

function recordOf({ operatorId, operatorState }: OperatorSnapshot, source: OperatorId): SourceReaderRecord | undefined {
  return operatorId === source && operatorState !== null ? checkedRecord(decode(operatorState)) : undefined;
}

function withoutUnfinished(task: TaskSnapshot, source: OperatorId): TaskSnapshot {
  const operators = task.operators.map((operator) => {
    const record = recordOf(operator, source);
    return record === undefined ? operator : { ...operator, operatorState: encode({ ...record, unfinished: [] }) };
  });
  return { ...task, operators };
}

/** RS2: it holds a split, so the subtask that takes it over is not finished. */
function taskWith(
  unfinished: readonly SplitRecord[],
  vertex: JobVertex,
  { subtaskIndex, operatorId }: { readonly subtaskIndex: number; readonly operatorId: OperatorId },
): TaskSnapshot {
  const record: SourceReaderRecord = { finished: [], unfinished };
  const operatorState = encode(record);
  const operator: OperatorSnapshot = { operatorId, keyed: [], operatorState };
  return { vertexId: vertex.id, subtaskIndex, operators: [operator], isFinished: false, stateBytes: operatorState.length };
}
