/**
 * The execution graph: the job graph times its parallelism.
 *
 * EG1  Executions are listed in topological order of their vertices, then by subtask.
 * EG2  A FORWARD edge wires subtask i to subtask i. A RESCALE edge from S to T subtasks wires each consumer to its share of the
 *      producers (S ≥ T), or each producer to its share of the consumers, so that every subtask has a partner and neighbours
 *      stay together. Every other edge wires every producer to every consumer.
 */
import { assert } from '../core/errors.js';
import type { EdgeId, OperatorId, VertexId } from '../core/ids.js';
import type { JobEdge, JobGraph, JobVertex } from './types.js';

/** One subtask of one vertex, whatever its attempts. */
export interface ExecutionVertex {
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
}

/** `<vertex>_<subtask>`: names an execution vertex in maps and messages. */
export type ExecutionVertexId = `${string}_${number}`;

export const executionVertexId = (vertexId: VertexId, subtaskIndex: number): ExecutionVertexId => `${vertexId}_${subtaskIndex}`;

/** One producer subtask to one consumer subtask. */
export interface ChannelWiring {
  readonly edgeId: EdgeId;
  readonly producer: number;
  readonly consumer: number;
}

/** All subtasks of a job (EG1). */
export function executionVerticesOf(jobGraph: JobGraph): readonly ExecutionVertex[] {
  return jobGraph.vertices.flatMap((vertex) => subtasksOf(vertex).map((subtaskIndex) => ({ vertexId: vertex.id, subtaskIndex })));
}

/** `0` to `parallelism - 1`. */
export function subtasksOf(vertex: JobVertex): readonly number[] {
  return Array.from({ length: vertex.parallelism }, (_, index) => index);
}

/** The vertex with this id; an unknown id is a programmer's mistake. */
export function vertexOf(jobGraph: JobGraph, vertexId: VertexId): JobVertex {
  const vertex = jobGraph.vertices.find((candidate) => candidate.id === vertexId);
  assert(vertex !== undefined, `Vertex ${vertexId} is not in job "${jobGraph.name}".`);
  return vertex;
}

/** Consumer subtasks that producer subtask `producer` sends to over `edge`, ascending (EG2). */
export function consumersOf(jobGraph: JobGraph, edge: JobEdge, producer: number): readonly number[] {
  if (edge.partitioner === 'FORWARD') return [producer];
  const consumers = subtasksOf(vertexOf(jobGraph, edge.targetVertex));
  if (edge.partitioner !== 'RESCALE') return consumers;
  return consumers.filter((consumer) => producersOf(jobGraph, edge, consumer).includes(producer));
}

/** Producer subtasks that consumer subtask `consumer` reads from over `edge`, ascending (EG2). */
export function producersOf(jobGraph: JobGraph, edge: JobEdge, consumer: number): readonly number[] {
  if (edge.partitioner === 'FORWARD') return [consumer];
  const source = vertexOf(jobGraph, edge.sourceVertex);
  const producers = subtasksOf(source);
  if (edge.partitioner !== 'RESCALE') return producers;
  const [from, to] = [source.parallelism, vertexOf(jobGraph, edge.targetVertex).parallelism];
  if (from >= to) return producers.slice(Math.floor((consumer * from) / to), Math.floor(((consumer + 1) * from) / to));
  return producers.filter(
    (producer) => consumer >= Math.ceil((producer * to) / from) && consumer < Math.ceil(((producer + 1) * to) / from),
  );
}

/** All channels of an edge, by producer, then consumer. */
export function channelsOf(jobGraph: JobGraph, edge: JobEdge): readonly ChannelWiring[] {
  return subtasksOf(vertexOf(jobGraph, edge.sourceVertex)).flatMap((producer) =>
    consumersOf(jobGraph, edge, producer).map((consumer) => ({ edgeId: edge.id, producer, consumer })),
  );
}

/** Sources of a vertex: their splits must be enumerated, by one subtask. */
export function sourceOperatorsOf(vertex: JobVertex): readonly OperatorId[] {
  return vertex.operators.filter((operator) => operator.kind === 'source').map((operator) => operator.id);
}

/** Whether tasks of this vertex read no channel: checkpoints are triggered there. */
export function isSourceVertex(jobGraph: JobGraph, vertexId: VertexId): boolean {
  return jobGraph.edges.every((edge) => edge.targetVertex !== vertexId);
}

/** `name (2/4)`, as people know it from Flink: subtasks count from 1. */
export function executionName(vertex: JobVertex, subtaskIndex: number): string {
  return `${vertex.name} (${subtaskIndex + 1}/${vertex.parallelism})`;
}
