/**
 * The plan as a picture in text, for `millrace info`.
 *
 * Vertices stand in topological order, one box each, numbered; the lines above a box say how its records come, and
 * from which box when it is not the one right above, and with which fields when they do not bring all.
 */
import type { VertexId } from '../core/ids.js';
import { slotsNeededBy } from './slot-sharing.js';
import { executionVerticesOf } from './execution-graph.js';
import type { JobEdge, JobGraph, JobVertex } from './types.js';

/** A line of the picture stays about as wide as a box. */
const fieldsShownMax = 8;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Draws a plan. Lines are as wide as the longest chain name. */
export function planPicture(jobGraph: JobGraph): string {
  const numbers = new Map(jobGraph.vertices.map((vertex, index) => [vertex.id, index + 1]));
  const title = `${jobGraph.name}: ${counted(executionVerticesOf(jobGraph).length, 'task')}, ${counted(slotsNeededBy(jobGraph), 'slot')}`;
  const blocks = jobGraph.vertices.map((vertex, index) => {
    const inputs = jobGraph.edges.filter((edge) => edge.targetVertex === vertex.id);
    return [...arrows(inputs, index + 1, numbers), ...box(vertex, index + 1)].join('\n');
  });
  return `${[title, ...blocks].join('\n')}\n`;
}

/** Origins are only named when there is another than the box right above. */
function arrows(inputs: readonly JobEdge[], to: number, numbers: ReadonlyMap<VertexId, number>): readonly string[] {
  if (inputs.length === 0) return to === 1 ? [] : [''];
  const isPlain = inputs.length === 1 && numbers.get(inputs[0]?.sourceVertex as VertexId) === to - 1;
  const lines = inputs.map((edge) => {
    const side = edge.sideOutput === null ? '' : ` (side output "${edge.sideOutput}")`;
    const input = edge.inputIndex === 0 ? '' : ` (input ${edge.inputIndex + 1})`;
    return `   │ ${isPlain ? '' : `[${numbers.get(edge.sourceVertex)}] `}${edge.partitioner}${fieldList(edge.fields)}${side}${input}`;
  });
  return [...lines, '   ▼'];
}

/** ` [page, visits]`: what the records travel with, when it is not all they have. */
function fieldList(fields: readonly string[] | undefined): string {
  if (fields === undefined) return '';
  const more = fields.length > fieldsShownMax ? `, … ${fields.length - fieldsShownMax} more` : '';
  return ` [${fields.slice(0, fieldsShownMax).join(', ')}${more}]`;
}

function box(vertex: JobVertex, number: number): readonly string[] {
  const group = vertex.slotSharingGroup === 'default' ? '' : `, slot sharing group ${vertex.slotSharingGroup}`;
  const keyed = vertex.operators.some((operator) => operator.isKeyed) ? `, ${vertex.maxParallelism} key groups` : '';
  const lines = [`[${number}] ${vertex.name}`, `    parallelism ${vertex.parallelism}${keyed}${group}`];
  const width = Math.max(...lines.map((line) => line.length));
  return [`┌${'─'.repeat(width + 2)}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${'─'.repeat(width + 2)}┘`];
}
