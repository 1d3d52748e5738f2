/**
 * Slot sharing: which subtasks run in one slot.
 *
 * SS1  Subtask i of every vertex of a slot sharing group runs in slot i of the group, so a group needs as many slots as
 *      its largest parallelism, and a job the sum over its groups.
 * SS2  A slot holds at most one subtask of a vertex.
 */
import { subtasksOf, type ExecutionVertex } from './execution-graph.js';
import { grouped } from './topology.js';
import type { JobGraph } from './types.js';

/** One slot that the job needs, with all that runs there. */
export interface SharedSlot {
  /** Its place among all slots of the job, from 0. */
  readonly index: number;
  readonly group: string;
  /** Its place in its group: the subtask index of all that runs there. */
  readonly subtaskIndex: number;
  readonly executions: readonly ExecutionVertex[];
}

/** The slots of a job (SS1), group by group in order of appearance. */
export function sharedSlotsOf(jobGraph: JobGraph): readonly SharedSlot[] {
  const slots: SharedSlot[] = [];
  for (const [group, vertices] of grouped(jobGraph.vertices, (vertex) => vertex.slotSharingGroup)) {
    const executions = grouped(
      vertices.flatMap((vertex) => subtasksOf(vertex).map((subtaskIndex) => ({ vertexId: vertex.id, subtaskIndex }))),
      (execution) => execution.subtaskIndex,
    );
    for (let subtaskIndex = 0; subtaskIndex < executions.size; subtaskIndex += 1) {
      slots.push({ index: slots.length, group, subtaskIndex, executions: executions.get(subtaskIndex) ?? [] });
    }
  }
  return slots;
}

/** How many slots a job needs (SS1). */
export function slotsNeededBy(jobGraph: JobGraph): number {
  return sharedSlotsOf(jobGraph).length;
}
