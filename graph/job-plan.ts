/**
 * From a stream graph to the job graph that is submitted, and back to the functions in the slot.
 *
 * JP1  The job graph is plain data and depends on the stream graph only: client and slots plan the same.
 * JP2  `nodes` and `edges` give, for every operator and exchange of the job graph, what the user wrote for it.
 */
import type { EdgeId, OperatorId, VertexId } from '../core/ids.js';
import { chainName, chainsOf, type Chain } from './chaining.js';
import { fingerprintOf, operatorFingerprintsOf } from './fingerprint.js';
import { defaultMaxParallelism } from './key-groups.js';
import { operatorIdsOf } from './operator-ids.js';
import { fieldsOfEdges } from './projection.js';
import { topologyOf, type Topology } from './topology.js';
import type { JobEdge, JobGraph, JobVertex, StreamEdge, StreamGraph, StreamNode } from './types.js';
import { validateStreamGraph } from './validation.js';

/** A job graph with the functions that belong to it. */
export interface JobPlan<Factory = unknown, KeySelector = unknown> {
  readonly jobGraph: JobGraph;
  readonly nodes: ReadonlyMap<OperatorId, StreamNode<Factory>>;
  /** What the user wrote for an exchange; its key selector, above all. */
  readonly edges: ReadonlyMap<EdgeId, StreamEdge<KeySelector>>;
}

/** Plans a stream graph; throws a MillraceError that names the operator when it cannot run. */
export function planJob<Factory, KeySelector>(graph: StreamGraph<Factory, KeySelector>): JobPlan<Factory, KeySelector> {
  validateStreamGraph(graph);
  const topology = topologyOf(graph);
  const ids = operatorIdsOf(topology);
  const idOf = (node: number): OperatorId => ids.get(node) as OperatorId;
  const chains = chainsOf(topology, graph.isChainingEnabled);
  const vertices = chains.map((chain) => vertexOf(chain, idOf));
  const exchanges = exchangesOf(chains, topology, idOf);
  const operatorFingerprints = operatorFingerprintsOf(topology, idOf);
  const edges = exchanges.map(({ jobEdge }) => jobEdge);
  const content = {
    formatVersion: 1,
    name: graph.jobName,
    vertices,
    edges,
    parameters: graph.parameters,
    planning: graph.planning,
    operatorFingerprints,
  } as const;
  return {
    jobGraph: { ...content, settings: graph.settings, fingerprint: fingerprintOf(content) },
    nodes: new Map(topology.nodes.map((node) => [idOf(node.id), node])),
    edges: new Map(exchanges.map(({ jobEdge, streamEdge }) => [jobEdge.id, streamEdge])),
  };
}

/** The head decides the maximum parallelism: only it can have keyed state, because a HASH edge is never a direct call. */
function vertexOf(chain: Chain, idOf: (node: number) => OperatorId): JobVertex {
  return {
    id: idOf(chain.head.id) as string as VertexId,
    name: chainName(chain),
    parallelism: chain.head.parallelism,
    maxParallelism: chain.head.maxParallelism ?? defaultMaxParallelism(chain.head.parallelism),
    slotSharingGroup: chain.head.slotSharingGroup,
    operators: chain.nodes.map((node) => ({
      id: idOf(node.id),
      kind: node.kind,
      type: node.type,
      name: node.name,
      uid: node.uid ?? null,
      isKeyed: node.isKeyed,
    })),
    chainedEdges: chain.edges.map((edge) => ({
      source: idOf(edge.source),
      target: idOf(edge.target),
      sideOutput: edge.sideOutput ?? null,
    })),
  };
}

interface Exchange<KeySelector> {
  readonly jobEdge: JobEdge;
  readonly streamEdge: StreamEdge<KeySelector>;
}

/** The edges that are no direct calls, by target; numbered in that order. */
function exchangesOf<Factory, KeySelector>(
  chains: readonly Chain<Factory, KeySelector>[],
  topology: Topology<Factory, KeySelector>,
  idOf: (node: number) => OperatorId,
): readonly Exchange<KeySelector>[] {
  const headOf = new Map(chains.flatMap((chain) => chain.nodes.map((node) => [node.id, chain.head.id] as const)));
  const streamEdges = chains.flatMap((chain) => topology.inputsOf(chain.head.id));
  const fieldsOf = fieldsOfEdges(topology);
  return streamEdges.map((streamEdge, index) => ({
    streamEdge,
    jobEdge: {
      id: `e${index}` as EdgeId,
      sourceVertex: idOf(headOf.get(streamEdge.source) as number) as string as VertexId,
      targetVertex: idOf(streamEdge.target) as string as VertexId,
      sourceOperator: idOf(streamEdge.source),
      partitioner: streamEdge.partitioner,
      inputIndex: streamEdge.inputIndex,
      sideOutput: streamEdge.sideOutput ?? null,
      ...withFields(fieldsOf.get(streamEdge)),
    },
  }));
}

const withFields = (fields: readonly string[] | undefined): Pick<JobEdge, 'fields'> => (fields === undefined ? {} : { fields });
