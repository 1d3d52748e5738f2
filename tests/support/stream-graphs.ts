/** Stream graphs written out, for tests of planning. */
import { Configuration } from '../../core/configuration/configuration.js';
import { jobSettings, planningSettings } from '../../graph/job-settings.js';
import type { StreamEdge, StreamGraph, StreamNode } from '../../graph/types.js';

export type NodeSketch = Partial<StreamNode> & { readonly name: string };
/** `[source, target]` by name, and what is special about the edge. */
export type EdgeSketch = readonly [string, string, Partial<StreamEdge>?];

/** Kinds follow from the edges: no input is a source, no output a sink. */
export function sketch(nodes: readonly NodeSketch[], edges: readonly EdgeSketch[], graph: Partial<StreamGraph> = {}): StreamGraph {
  const idOf = (name: string): number => nodes.findIndex((node) => node.name === name);
  return {
    jobName: 'sketch',
    settings: jobSettings(Configuration.defaults),
    parameters: {},
    planning: planningSettings(Configuration.defaults),
    isChainingEnabled: true,
    ...graph,
    nodes: nodes.map((node, id): StreamNode => {
      const isSource = edges.every(([, target]) => target !== node.name);
      const isSink = edges.every(([source]) => source !== node.name);
      return {
        id,
        kind: isSource ? 'source' : isSink ? 'sink' : 'operator',
        type: 'map',
        isNamed: false,
        uid: undefined,
        parallelism: 1,
        maxParallelism: undefined,
        slotSharingGroup: 'default',
        chaining: 'ALWAYS',
        isKeyed: false,
        data: undefined,
        factory: undefined,
        ...node,
      };
    }),
    edges: edges.map(([source, target, rest]): StreamEdge => ({
      source: idOf(source),
      target: idOf(target),
      partitioner: 'FORWARD',
      inputIndex: 0,
      sideOutput: undefined,
      keySelector: rest?.partitioner === 'HASH' ? () => 0 : undefined,
      ...rest,
    })),
  };
}

export const hash: Partial<StreamEdge> = { partitioner: 'HASH' };
export const rebalance: Partial<StreamEdge> = { partitioner: 'REBALANCE' };
