/**
 * How many records a job has processed, over all attempts: a checkpoint carries the counts of its tasks, and an attempt
 * that starts from it counts on.
 */
import type { CompletedCheckpoint, RecordCounts } from '../../storage/contracts.js';
import type { JobVertex } from '../../graph/types.js';

export const noRecords: RecordCounts = { in: 0, written: 0 };

/**
 * What a subtask counts on from. Where the parallelism was another one, the first subtask counts on from the whole
 * vertex: only sums are shown.
 */
export function recordsBefore(checkpoint: CompletedCheckpoint | undefined, vertex: JobVertex, subtaskIndex: number): RecordCounts {
  const former = (checkpoint?.tasks ?? []).filter(({ vertexId }) => vertexId === vertex.id);
  const isSame = former.length === vertex.parallelism;
  const mine = former.filter((task) => (isSame ? task.subtaskIndex === subtaskIndex : subtaskIndex === 0));
  return mine.reduce((sum, { records = noRecords }) => ({ in: sum.in + records.in, written: sum.written + records.written }), noRecords);
}
