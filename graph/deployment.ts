/**
 * What a task must know of its channels: the inputs and outputs of its deployment descriptor.
 *
 * DP1  Both ends of a channel get the same channel id, made of the edge and both attempts: another attempt of either end
 *      makes another channel.
 * DP2  Gates and partitions are in the order of the job graph's edges, channels in the order of the peer's subtasks.
 * The shapes are those of `task.deploy` in bus/protocol, which planning does not import.
 */
import {
  formatChannelId,
  type AttemptId,
  type ChannelId,
  type EdgeId,
  type OperatorId,
  type TaskManagerId,
  type VertexId,
} from '../core/ids.js';
import { consumersOf, producersOf, vertexOf } from './execution-graph.js';
import type { JobGraph, PartitionerKind } from './types.js';

export interface Location {
  taskManagerId: TaskManagerId;
  slot: number;
}

/** The attempt of a subtask that runs, or will, and where. */
export interface PlacedAttempt {
  readonly attemptId: AttemptId;
  readonly location: Location;
}

export interface ChannelEnd {
  channelId: ChannelId;
  peerSubtask: number;
  peer: Location;
}

export interface InputGate {
  edgeId: EdgeId;
  inputIndex: number;
  partitioner: PartitionerKind;
  channels: ChannelEnd[];
}

export interface ResultPartition {
  edgeId: EdgeId;
  sourceOperator: OperatorId;
  sideOutput: string | null;
  partitioner: PartitionerKind;
  consumerMaxParallelism: number;
  /** Records travel with these fields only; absent: with all. */
  fields?: string[];
  channels: ChannelEnd[];
}

export interface TaskWiring {
  inputs: InputGate[];
  outputs: ResultPartition[];
}

export interface TaskWiringOptions {
  readonly jobGraph: JobGraph;
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  /** The current attempt of any subtask the task talks to, and of the task itself. */
  readonly placed: (vertexId: VertexId, subtaskIndex: number) => PlacedAttempt;
}

/** The inputs and outputs of one task (DP1, DP2). */
export function taskWiringOf(options: TaskWiringOptions): TaskWiring {
  const { jobGraph, vertexId, subtaskIndex, placed } = options;
  const self = placed(vertexId, subtaskIndex);
  return {
    inputs: jobGraph.edges
      .filter((edge) => edge.targetVertex === vertexId)
      .map((edge) => ({
        edgeId: edge.id,
        inputIndex: edge.inputIndex,
        partitioner: edge.partitioner,
        channels: producersOf(jobGraph, edge, subtaskIndex).map((producer) => {
          const peer = placed(edge.sourceVertex, producer);
          return { channelId: formatChannelId(edge.id, peer.attemptId, self.attemptId), peerSubtask: producer, peer: peer.location };
        }),
      })),
    outputs: jobGraph.edges
      .filter((edge) => edge.sourceVertex === vertexId)
      .map((edge) => ({
        edgeId: edge.id,
        sourceOperator: edge.sourceOperator,
        sideOutput: edge.sideOutput,
        partitioner: edge.partitioner,
        consumerMaxParallelism: vertexOf(jobGraph, edge.targetVertex).maxParallelism,
        ...(edge.fields === undefined ? {} : { fields: [...edge.fields] }),
        channels: consumersOf(jobGraph, edge, subtaskIndex).map((consumer) => {
          const peer = placed(edge.targetVertex, consumer);
          return { channelId: formatChannelId(edge.id, self.attemptId, peer.attemptId), peerSubtask: consumer, peer: peer.location };
        }),
      })),
  };
}
