/** How the tasks of a job fare, on a terminal. */
import type { JobSummary, VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { bottleneckOf } from './bottleneck.js';
import { channelLines } from './channel-display.js';
import { type Colours, coloursFor } from './colours.js';
import { colourOf } from './status-colours.js';

const count = new Intl.NumberFormat('en-US');

type Subtask = VertexStatus['subtasks'][number];

/**
 * A line a vertex: states, records, how its subtasks spent their latest second (of several, the mean; the most
 * back-pressured one in brackets), and what holds it back. Where frames wait, lines for the fullest channels.
 */
export function vertexLines({ vertices = [] }: JobSummary, colours: Colours = coloursFor(process.stdout)): readonly string[] {
  return vertices.flatMap((vertex) => [vertexLine(vertex, vertices, colours), ...channelLines(vertex, vertices)]);
}

function vertexLine(vertex: VertexStatus, vertices: readonly VertexStatus[], colours: Colours): string {
  const { name, parallelism, subtasks } = vertex;
  const states = new Map<string, number>();
  for (const { state } of subtasks) states.set(state, (states.get(state) ?? 0) + 1);
  const sum = (of: (metrics: TaskMetrics) => number): string => count.format(subtasks.reduce((all, { metrics }) => all + of(metrics), 0));
  const bottleneck = bottleneckOf(vertex, vertices);
  const parts = [
    `  ${name} (${parallelism})`,
    [...states].map(([state, tasks]) => colourOf(state, colours)(tasks === parallelism ? state : `${tasks} ${state}`)).join(' '),
    `${sum(({ recordsIn }) => recordsIn)} in`,
    `${sum(({ recordsOut, recordsWritten }) => recordsOut + recordsWritten)} out`,
    ...loadText(subtasks),
    ...unsettledText(subtasks).map((text) => colours.yellow(text)),
    ...(bottleneck === undefined ? [] : [colours.yellow(`held back by ${bottleneck.name}`)]),
  ];
  return parts.join('  ');
}

function loadText(subtasks: readonly Subtask[]): readonly string[] {
  const loads = subtasks.flatMap(({ load }) => (load === null ? [] : [load]));
  if (loads.length === 0) return [];
  const percent = (of: (load: (typeof loads)[number]) => number): string =>
    `${Math.round(loads.reduce((all, load) => all + of(load), 0) / loads.length / 10)} %`;
  const worst = Math.round(Math.max(...loads.map(({ backPressured }) => backPressured)) / 10);
  return [
    `busy ${percent(({ busy }) => busy)}`,
    `back-pressured ${percent(({ backPressured }) => backPressured)}${loads.length > 1 && worst > 0 ? ` (${worst} %)` : ''}`,
    `idle ${percent(({ idle }) => idle)}`,
  ];
}

/** The calls of user code that are waited for unusually long, each with its slowest subtask. */
function unsettledText(subtasks: readonly Subtask[]): readonly string[] {
  const slowest = new Map<string, number>();
  for (const { metrics, state } of subtasks) {
    const { unsettled } = metrics;
    if (unsettled === undefined || (state !== 'INITIALIZING' && state !== 'RUNNING')) continue;
    const what = `${unsettled.call} of "${unsettled.operator}"`;
    slowest.set(what, Math.max(unsettled.forMs, slowest.get(what) ?? 0));
  }
  return [...slowest].map(([what, forMs]) => `waits for ${what} for ${Math.round(forMs / 1_000)} s`);
}
