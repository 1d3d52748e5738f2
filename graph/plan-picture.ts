/**
 * The plan as a picture in text, for `millrace info`.
 *
 * Vertices stand in topological order, one box each, numbered; the lines above a box say where its records come from.
 */
import { slotsNeededBy } from './slot-sharing.js';
import { executionVerticesOf } from './execution-graph.js';
import type { JobEdge, JobGraph, JobVertex } from './types.js';

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Draws a plan. Lines are as wide as the longest chain name. */
export function planPicture(jobGraph: JobGraph): string {
  const numbers = new Map(jobGraph.vertices.map((vertex, index) => [vertex.id, index + 1]));
  const title = `${jobGraph.name}: ${counted(executionVerticesOf(jobGraph).length, 'task')}, ${counted(slotsNeededBy(jobGraph), 'slot')}`;
  const blocks = jobGraph.vertices.map((vertex, index) => {
    const inputs = jobGraph.edges.filter((edge) => edge.targetVertex === vertex.id);
    const arrows = inputs.map((edge) => arrow(edge, numbers.get(edge.sourceVertex) ?? 0, index + 1));
    return [...arrows, ...box(vertex, index + 1)].join('\n');
  });
  return `${[title, ...blocks].join('\n')}\n`;
}

/** Where an edge comes from is only said when it is not the box right above. */
function arrow(edge: JobEdge, from: number, to: number): string {
  const origin = from === to - 1 ? '' : ` from [${from}]`;
  const side = edge.sideOutput === null ? '' : ` side output "${edge.sideOutput}"`;
  return `   │ ${edge.partitioner}${origin}${side}\n   ▼`;
}

function box(vertex: JobVertex, number: number): readonly string[] {
  const group = vertex.slotSharingGroup === 'default' ? '' : `, slot sharing group ${vertex.slotSharingGroup}`;
  const keyed = vertex.operators.some((operator) => operator.isKeyed) ? `, ${vertex.maxParallelism} key groups` : '';
  const lines = [`[${number}] ${vertex.name}`, `    parallelism ${vertex.parallelism}${keyed}${group}`];
  const width = Math.max(...lines.map((line) => line.length));
  return [`┌${'─'.repeat(width + 2)}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${'─'.repeat(width + 2)}┘`];
}
