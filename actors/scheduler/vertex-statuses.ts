/**
 * How the tasks of a job fare, vertex by vertex.
 *
 * VS1  So much is shown as fits the answer: the first `limits.subtasksShown` subtasks, of their channels
 *      `limits.channelsShown`, the fullest ones of each subtask that comes before them, and of the metrics of their
 *      functions `limits.functionMetricsShown`.
 */
import type { VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { ChannelUse, TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';
import { grouped } from '../../graph/topology.js';
import type { JobGraph } from '../../graph/types.js';
import type { Execution } from './execution.js';

type Subtask = VertexStatus['subtasks'][number];

/** How many more of each may be shown. */
interface Room {
  subtasks: number;
  channels: number;
  functions: number;
}

/** Vertices in the order of the job graph, with all their executions. */
export function vertexStatusesOf(jobGraph: JobGraph, executions: readonly Execution[]): VertexStatus[] {
  const ofVertex = grouped(executions, ({ vertexId }) => vertexId);
  const room: Room = { subtasks: limits.subtasksShown, channels: limits.channelsShown, functions: limits.functionMetricsShown };
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

function subtaskOf({ subtaskIndex, attemptId, state, slot, metrics, load }: Execution, room: Room): Subtask {
  return {
    subtaskIndex,
    attemptId,
    state,
    taskManagerId: slot?.taskManagerId ?? null,
    metrics: shownMetrics(metrics, room),
    load: load === undefined ? null : { ...load },
  };
}

/** Latencies and accumulators are shown for the job as a whole. */
function shownMetrics({ latencies: _, accumulators: __, channels, functions, ...counters }: TaskMetrics, room: Room): TaskMetrics {
  const shown = functions?.slice(0, room.functions) ?? [];
  room.functions -= shown.length;
  return {
    ...counters,
    ...(channels === undefined ? {} : { channels: shownChannels(channels, room) }),
    ...(shown.length === 0 ? {} : { functions: shown }),
  };
}

function shownChannels(use: ChannelUse, room: Room): ChannelUse {
  const inputs = use.inputs.slice(0, room.channels);
  room.channels -= inputs.length;
  const outputs = use.outputs.slice(0, room.channels);
  room.channels -= outputs.length;
  return { ...use, inputs, outputs };
}
