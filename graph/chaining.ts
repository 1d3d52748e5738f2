/**
 * Chains: operators that run in one task and call each other directly.
 *
 * CH1  An edge is a direct call exactly when all of Flink's conditions that apply here hold (StreamingJobGraphGenerator).
 * CH2  A chain is a tree: every operator but the head has exactly one input, from its own chain. So an edge between
 *      chains always ends at a head, and chains form no cycle.
 */
import { limits } from '../core/limits.js';
import { shortened } from '../core/shortened.js';
import type { Topology } from './topology.js';
import type { StreamEdge, StreamNode } from './types.js';

/** A chain of nodes, head first, in topological order. */
export interface Chain<Factory = unknown, KeySelector = unknown> {
  readonly head: StreamNode<Factory>;
  readonly nodes: readonly StreamNode<Factory>[];
  /** The direct calls. */
  readonly edges: readonly StreamEdge<KeySelector>[];
}

/** Whether an edge becomes a direct call (CH1). */
export function isChainable(edge: StreamEdge, topology: Topology, isChainingEnabled: boolean): boolean {
  const upstream = topology.node(edge.source);
  const downstream = topology.node(edge.target);
  return (
    isChainingEnabled &&
    topology.inputsOf(downstream.id).length === 1 &&
    edge.partitioner === 'FORWARD' &&
    upstream.slotSharingGroup === downstream.slotSharingGroup &&
    upstream.parallelism === downstream.parallelism &&
    upstream.chaining !== 'NEVER' &&
    downstream.chaining === 'ALWAYS'
  );
}

/** The chains of a graph, in topological order of their heads. */
export function chainsOf<Factory, KeySelector>(
  topology: Topology<Factory, KeySelector>,
  isChainingEnabled: boolean,
): readonly Chain<Factory, KeySelector>[] {
  const chains = new Map<number, { head: StreamNode<Factory>; nodes: StreamNode<Factory>[]; edges: StreamEdge<KeySelector>[] }>();
  const headOf = new Map<number, number>();
  for (const node of topology.nodes) {
    const direct = topology.inputsOf(node.id).find((edge) => isChainable(edge, topology, isChainingEnabled));
    const head = direct === undefined ? undefined : headOf.get(direct.source);
    const chain = head === undefined ? undefined : chains.get(head);
    if (direct === undefined || chain === undefined) {
      headOf.set(node.id, node.id);
      chains.set(node.id, { head: node, nodes: [node], edges: [] });
    } else {
      headOf.set(node.id, chain.head.id);
      chain.nodes.push(node);
      chain.edges.push(direct);
    }
  }
  return [...chains.values()];
}

/** `a -> b -> c`, and `a -> (b, c)` where the chain forks; at most `limits.taskNameMax` characters. */
export function chainName(chain: Chain): string {
  const named = (node: StreamNode): string => {
    const next = chain.edges
      .filter((edge) => edge.source === node.id)
      .map((edge) => named(chain.nodes.find((other) => other.id === edge.target) as StreamNode));
    if (next.length === 0) return node.name;
    return next.length === 1 ? `${node.name} -> ${next[0]}` : `${node.name} -> (${next.join(', ')})`;
  };
  return shortened(named(chain.head), limits.taskNameMax);
}
