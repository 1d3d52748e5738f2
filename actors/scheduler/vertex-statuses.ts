/**
 * How the tasks of a job fare, vertex by vertex.
 *
 * VS1  So much is shown as fits the answer: the first `limits.subtasksShown` subtasks, and of their channels
 *      `limits.channelsShown`, the fullest ones of each subtask that comes before them.
 */
import type { VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { ChannelUse, TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';
import { grouped } from '../../graph/topology.js';
import type { JobGraph } from '../../graph/types.js';
import type { Execution } from './execution.js';

type Subtask = VertexStatus['subtasks'][number];

/** Vertices in the order of the job graph, with all their executions. */
export function vertexStatusesOf(jobGraph: JobGraph, executions: readonly Execution[]): VertexStatus[] {
  const ofVertex = grouped(executions, ({ vertexId }) => vertexId);
  const room = { subtasks: limits.subtasksShown as number, channels: limits.channelsShown as number };
  return jobGraph.vertices.map(({ id, name, parallelism }) => {
    const shown = (ofVertex.get(id) ?? []).slice(0, room.subtasks);
    room.subtasks -= shown.length;
    const inputs = jobGraph.edges.filter(({ targetVertex }) => targetVertex === id);
    return {
      vertexId: id,
      name,
      parallelism,
      subtasks: shown.map((execution) => subtaskOf(execution, room)),
      inputs: inputs.map((edge) => ({ edgeId: edge.id, vertexId: edge.sourceVertex })),
    };
  });
}

function subtaskOf({ subtaskIndex, attemptId, state, slot, metrics, load }: Execution, room: { channels: number }): Subtask {
  return {
    subtaskIndex,
    attemptId,
    state,
    taskManagerId: slot?.taskManagerId ?? null,
    metrics: shownMetrics(metrics, room),
    load: load === undefined ? null : { ...load },
  };
}

/** Latencies are shown for the job as a whole. */
function shownMetrics({ latencies: _, channels, ...counters }: TaskMetrics, room: { channels: number }): TaskMetrics {
  return channels === undefined ? counters : { ...counters, channels: shownChannels(channels, room) };
}

function shownChannels(use: ChannelUse, room: { channels: number }): ChannelUse {
  const inputs = use.inputs.slice(0, room.channels);
  room.channels -= inputs.length;
  const outputs = use.outputs.slice(0, room.channels);
  room.channels -= outputs.length;
  return { ...use, inputs, outputs };
}
