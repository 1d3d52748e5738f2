/** The plan as JSON, in the shape of Flink's REST API, so that tools which draw Flink plans can draw ours. */
import { slotsNeededBy } from './slot-sharing.js';
import type { JobGraph } from './types.js';

export interface PlanInput {
  readonly num: number;
  readonly id: string;
  readonly ship_strategy: string;
  readonly exchange: string;
  /** The fields that records travel with; null: all. */
  readonly fields: readonly string[] | null;
}

export interface PlanNode {
  readonly id: string;
  readonly parallelism: number;
  readonly max_parallelism: number;
  readonly description: string;
  readonly slot_sharing_group: string;
  readonly operators: readonly { readonly id: string; readonly uid: string | null; readonly name: string; readonly type: string }[];
  readonly inputs: readonly PlanInput[];
}

export interface PlanJson {
  readonly name: string;
  readonly type: 'STREAMING';
  readonly fingerprint: string;
  readonly slots_needed: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly nodes: readonly PlanNode[];
}

/** The plan of a job as plain data. */
export function planJson(jobGraph: JobGraph): PlanJson {
  return {
    name: jobGraph.name,
    type: 'STREAMING',
    fingerprint: jobGraph.fingerprint,
    slots_needed: slotsNeededBy(jobGraph),
    parameters: jobGraph.parameters,
    nodes: jobGraph.vertices.map((vertex) => ({
      id: vertex.id,
      parallelism: vertex.parallelism,
      max_parallelism: vertex.maxParallelism,
      description: vertex.name,
      slot_sharing_group: vertex.slotSharingGroup,
      operators: vertex.operators.map(({ id, uid, name, type }) => ({ id, uid, name, type })),
      inputs: jobGraph.edges
        .filter((edge) => edge.targetVertex === vertex.id)
        .map((edge, num) => ({
          num,
          id: edge.sourceVertex,
          ship_strategy: edge.partitioner,
          exchange: 'pipelined_bounded',
          fields: edge.fields ?? null,
        })),
    })),
  };
}
