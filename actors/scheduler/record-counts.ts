/**
 * How many records a job has processed, and what its accumulators say, over all attempts: a checkpoint carries what its tasks
 * had counted, and an attempt that starts from it counts on.
 *
 * RC1  Where the parallelism was another one, the first subtask counts on from the whole vertex: only sums are shown.
 */
import { mergeAccumulators, type AccumulatorState } from '../../core/accumulator-state.js';
import type { CompletedCheckpoint, RecordCounts, TaskSnapshot } from '../../storage/contracts.js';
import type { JobVertex } from '../../graph/types.js';

export const noRecords: RecordCounts = { in: 0, written: 0 };

/** The records a subtask counts on from. */
export function recordsBefore(checkpoint: CompletedCheckpoint | undefined, vertex: JobVertex, subtaskIndex: number): RecordCounts {
  const former = formerOf(checkpoint, vertex, subtaskIndex);
  return former.reduce((sum, { records = noRecords }) => ({ in: sum.in + records.in, written: sum.written + records.written }), noRecords);
}

/** The accumulators a subtask counts on from. */
export function accumulatorsBefore(
  checkpoint: CompletedCheckpoint | undefined,
  vertex: JobVertex,
  subtaskIndex: number,
): readonly AccumulatorState[] {
  const former = formerOf(checkpoint, vertex, subtaskIndex);
  return mergeAccumulators(former.map(({ accumulators = [] }) => ({ where: vertex.name, states: accumulators })));
}

/** RC1. */
function formerOf(checkpoint: CompletedCheckpoint | undefined, vertex: JobVertex, subtaskIndex: number): readonly TaskSnapshot[] {
  const former = (checkpoint?.tasks ?? []).filter(({ vertexId }) => vertexId === vertex.id);
  const isSame = former.length === vertex.parallelism;
  return former.filter((task) => (isSame ? task.subtaskIndex === subtaskIndex : subtaskIndex === 0));
}
