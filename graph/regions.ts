/**
 * Pipelined regions: subtasks that exchange records while they run, and so restart together.
 *
 * PR1  Every subtask is in exactly one region. Two subtasks joined by a channel are in the same one (all exchanges are
 *      pipelined so far); subtasks that no chain of channels joins are in different ones.
 * PR2  Regions are ordered by their first subtask, and list their subtasks in the order of the execution graph.
 */
import { channelsOf, executionVertexId, executionVerticesOf, type ExecutionVertex, type ExecutionVertexId } from './execution-graph.js';
import { grouped } from './topology.js';
import type { JobGraph } from './types.js';

/** Subtasks that restart together. */
export type PipelinedRegion = readonly ExecutionVertex[];

/** The regions of a job (PR1, PR2). Costs about one step a channel. */
export function pipelinedRegionsOf(jobGraph: JobGraph): readonly PipelinedRegion[] {
  const regions = new DisjointSets();
  for (const edge of jobGraph.edges) {
    for (const { producer, consumer } of channelsOf(jobGraph, edge)) {
      regions.join(executionVertexId(edge.sourceVertex, producer), executionVertexId(edge.targetVertex, consumer));
    }
  }
  return [
    ...grouped(executionVerticesOf(jobGraph), (vertex) => regions.rootOf(executionVertexId(vertex.vertexId, vertex.subtaskIndex))).values(),
  ];
}

class DisjointSets {
  private readonly parents = new Map<ExecutionVertexId, ExecutionVertexId>();

  rootOf(id: ExecutionVertexId): ExecutionVertexId {
    let root = id;
    for (let parent = this.parents.get(root); parent !== undefined; parent = this.parents.get(root)) root = parent;
    let walker = id;
    while (walker !== root) {
      const next = this.parents.get(walker) as ExecutionVertexId;
      this.parents.set(walker, root);
      walker = next;
    }
    return root;
  }

  join(left: ExecutionVertexId, right: ExecutionVertexId): void {
    const leftRoot = this.rootOf(left);
    const rightRoot = this.rootOf(right);
    if (leftRoot !== rightRoot) this.parents.set(rightRoot, leftRoot);
  }
}
