/** The fullest channels of a vertex, on a terminal. */
import type { VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { ChannelUse } from '../../bus/protocol/messages/tasks.js';

/** A channel and the subtask that reported it. */
type Reported<T> = T & { readonly subtaskIndex: number };

/** A line for the fullest input and one for the fullest output; none where no frame waits. */
export function channelLines(vertex: VertexStatus, vertices: readonly VertexStatus[]): readonly string[] {
  return [...inputLine(vertex, vertices), ...outputLine(vertex, vertices)];
}

function inputLine(vertex: VertexStatus, vertices: readonly VertexStatus[]): readonly string[] {
  const input = fullest(
    channelsOf(vertex, ({ inputs }) => inputs),
    ({ held, granted }) => held / Math.max(1, granted),
  );
  const edge = vertex.inputs?.find(({ edgeId }) => edgeId === input?.edgeId);
  const from = vertices.find(({ vertexId }) => vertexId === edge?.vertexId);
  if (input === undefined || from === undefined) return [];
  const { held, granted, peerSubtask, subtaskIndex } = input;
  return [`      fullest input: ${held} of ${granted} frames from ${from.name} (${peerSubtask + 1}) at subtask ${subtaskIndex + 1}`];
}

function outputLine(vertex: VertexStatus, vertices: readonly VertexStatus[]): readonly string[] {
  const output = fullest(
    channelsOf(vertex, ({ outputs }) => outputs),
    ({ waiting }) => waiting,
  );
  const to = vertices.find(({ inputs = [] }) => inputs.some(({ edgeId }) => edgeId === output?.edgeId));
  if (output === undefined || to === undefined) return [];
  const { waiting, peerSubtask, subtaskIndex } = output;
  return [
    `      fullest output: ${waiting} frame${waiting === 1 ? '' : 's'} for ${to.name} (${peerSubtask + 1}) at subtask ${subtaskIndex + 1}`,
  ];
}

function channelsOf<T extends object>({ subtasks }: VertexStatus, of: (use: ChannelUse) => readonly T[]): readonly Reported<T>[] {
  return subtasks.flatMap(({ metrics: { channels }, subtaskIndex }) =>
    channels === undefined ? [] : of(channels).map((channel) => ({ ...channel, subtaskIndex })),
  );
}

function fullest<T>(channels: readonly T[], fill: (channel: T) => number): T | undefined {
  return [...channels].sort((left, right) => fill(right) - fill(left))[0];
}
