/**
 * How far the event time of operators had come in a checkpoint, for the subtasks that go on from it.
 *
 * RW1  With the parallelism of the checkpoint, a subtask goes on from its own watermark; with another one all go on from the
 *      lowest of the former subtasks, so that nothing is late that was not.
 * RW2  A former subtask at its end says nothing: that its time was over is no word about the others. One that is not, and had
 *      not come to any watermark, holds with the minimum, and so does a checkpoint that knows of no watermarks.
 */
import type { OperatorId } from '../core/ids.js';
import { executionVertexId, subtasksOf, type ExecutionVertexId } from './execution-graph.js';
import type { FormerTask, FormerVertex, KeyedHandle } from './former-state.js';
import type { JobGraph } from './types.js';

/** Those of the operators of one subtask that had come to one. */
export type Watermarks = Readonly<Record<OperatorId, number>>;

export interface RestoredWatermarksOptions {
  readonly jobGraph: JobGraph;
  readonly tasks: readonly FormerTask<KeyedHandle>[];
  readonly vertices: readonly FormerVertex[];
}

/** What one former subtask says of an operator. */
interface FormerTime {
  readonly task: FormerTask<KeyedHandle>;
  readonly watermark: number | undefined;
}

/** By new subtask; one that is not in the map begins at the minimum. Costs one pass over the checkpoint. */
export function restoredWatermarks({ jobGraph, tasks, vertices }: RestoredWatermarksOptions): ReadonlyMap<ExecutionVertexId, Watermarks> {
  const parallelisms = new Map(vertices.map(({ vertexId, parallelism }) => [vertexId, parallelism]));
  const former = formerTimes(tasks);
  const restored = new Map<ExecutionVertexId, Record<OperatorId, number>>();
  for (const vertex of jobGraph.vertices) {
    for (const { id } of vertex.operators) {
      const times = former.get(id) ?? [];
      const isSame = times.every(({ task }) => parallelisms.get(task.vertexId) === vertex.parallelism);
      const own = new Map(isSame ? times.map(({ task, watermark }) => [task.subtaskIndex, watermark]) : []);
      const lowest = isSame ? undefined : lowestOf(times);
      for (const subtask of subtasksOf(vertex)) {
        const watermark = isSame ? own.get(subtask) : lowest;
        if (watermark === undefined) continue;
        const key = executionVertexId(vertex.id, subtask);
        restored.set(key, { ...restored.get(key), [id]: watermark });
      }
    }
  }
  return restored;
}

/** RW2. */
function formerTimes(tasks: readonly FormerTask<KeyedHandle>[]): ReadonlyMap<OperatorId, readonly FormerTime[]> {
  const times = new Map<OperatorId, FormerTime[]>();
  for (const task of tasks) {
    if (task.isFinished) continue;
    for (const { operatorId, watermark } of task.operators) {
      const known = times.get(operatorId);
      if (known === undefined) times.set(operatorId, [{ task, watermark }]);
      else known.push({ task, watermark });
    }
  }
  return times;
}

function lowestOf(times: readonly FormerTime[]): number | undefined {
  let lowest: number | undefined;
  for (const { watermark } of times) {
    if (watermark === undefined) return undefined;
    if (lowest === undefined || watermark < lowest) lowest = watermark;
  }
  return lowest;
}
