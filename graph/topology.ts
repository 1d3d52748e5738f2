/**
 * The order of a stream graph: sources first, every node after all of its inputs, otherwise as written.
 */
import type { StreamEdge, StreamGraph, StreamNode } from './types.js';
import { graphError } from './graph-error.js';

/** A stream graph with its nodes in topological order and its edges at hand by either end. */
export interface Topology<Factory = unknown, KeySelector = unknown> {
  readonly nodes: readonly StreamNode<Factory>[];
  inputsOf(node: number): readonly StreamEdge<KeySelector>[];
  outputsOf(node: number): readonly StreamEdge<KeySelector>[];
  node(id: number): StreamNode<Factory>;
}

/** Orders a graph; edges must name nodes that exist. Fails with `GRAPH_CYCLE` when records could run in circles. */
export function topologyOf<Factory, KeySelector>(graph: StreamGraph<Factory, KeySelector>): Topology<Factory, KeySelector> {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const inputs = grouped(graph.edges, (edge) => edge.target);
  const outputs = grouped(graph.edges, (edge) => edge.source);
  const waitingFor = new Map(graph.nodes.map((node) => [node.id, inputs.get(node.id)?.length ?? 0]));
  const ready = graph.nodes.filter((node) => waitingFor.get(node.id) === 0).map((node) => node.id);
  const ordered: StreamNode<Factory>[] = [];
  while (ready.length > 0) {
    ready.sort((left, right) => left - right);
    const id = ready.shift() as number;
    ordered.push(byId.get(id) as StreamNode<Factory>);
    for (const edge of outputs.get(id) ?? []) {
      const left = (waitingFor.get(edge.target) ?? 0) - 1;
      waitingFor.set(edge.target, left);
      if (left === 0) ready.push(edge.target);
    }
  }
  const stuck = graph.nodes.find((node) => (waitingFor.get(node.id) ?? 0) > 0);
  if (stuck !== undefined) {
    throw graphError('GRAPH_CYCLE', `"${stuck.name}" gets its own output as input.`, {
      where: stuck.name,
      hint: 'A stream must not feed back into itself.',
    });
  }
  return {
    nodes: ordered,
    inputsOf: (node) => inputs.get(node) ?? [],
    outputsOf: (node) => outputs.get(node) ?? [],
    node: (id) => byId.get(id) as StreamNode<Factory>,
  };
}

/** Items by a property, both in order of first appearance. */
export function grouped<Item, Group>(items: Iterable<Item>, groupOf: (item: Item) => Group): Map<Group, Item[]> {
  const groups = new Map<Group, Item[]>();
  for (const item of items) {
    const group = groupOf(item);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [item]);
    else members.push(item);
  }
  return groups;
}
