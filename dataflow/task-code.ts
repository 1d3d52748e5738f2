/**
 * From a job module to the functions of one vertex.
 *
 * TC1  What a slot builds is the job that was submitted, or it refuses to run (`JOB_MISMATCH`, naming the operator).
 * TC2  Every call builds anew: tasks share no closure of the builder.
 */
import { assert } from '../core/errors.js';
import type { EdgeId, OperatorId, VertexId } from '../core/ids.js';
import { vertexOf } from '../graph/execution-graph.js';
import { assertSameJob } from '../graph/fingerprint.js';
import { planJob } from '../graph/job-plan.js';
import type { CustomPartition, JobGraph } from '../graph/types.js';
import type { JobDefinition, KeySelector, OperatorFactory } from './contracts.js';
import type { TaskCode } from './task-runtime.js';

/** Builds the job again and finds what belongs to one vertex (TC1, TC2). */
export function taskCodeOf(definition: JobDefinition, jobGraph: JobGraph, vertexId: VertexId): TaskCode {
  const plan = planJob(definition.build(jobGraph.parameters, { planning: jobGraph.planning }));
  assertSameJob(jobGraph, plan.jobGraph);
  const operators = new Map<OperatorId, OperatorFactory>();
  for (const { id } of vertexOf(jobGraph, vertexId).operators) {
    const node = plan.nodes.get(id);
    assert(node !== undefined, `Operator ${id} has the same fingerprint but is not there.`);
    operators.set(id, node.factory);
  }
  const keySelectors = new Map<EdgeId, KeySelector>();
  const customPartitions = new Map<EdgeId, CustomPartition>();
  for (const edge of jobGraph.edges) {
    if (edge.sourceVertex !== vertexId && edge.targetVertex !== vertexId) continue;
    const { keySelector, customPartition } = plan.edges.get(edge.id) ?? {};
    if (keySelector !== undefined) keySelectors.set(edge.id, keySelector);
    if (customPartition !== undefined) customPartitions.set(edge.id, customPartition);
  }
  return { operators, keySelectors, customPartitions };
}
