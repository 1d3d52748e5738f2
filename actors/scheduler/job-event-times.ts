/**
 * Where event time stands in each operator of a job, and what holds it, from what its tasks reported.
 *
 * JT1  An operator stands where that of its subtasks does which is furthest behind, idle and ended ones aside.
 * JT2  What holds it is followed from task to task up to where time begins: a split, a strategy that is missing.
 * JT3  At most `limits.eventTimesShown` operators are shown, in the order of the plan.
 */
import type { OperatorTime, TaskTimeReport, TimeHolder } from '../../bus/protocol/event-times.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { limits } from '../../core/limits.js';
import type { OperatorId, VertexId } from '../../core/ids.js';
import { executionName } from '../../graph/execution-graph.js';
import type { JobGraph, JobVertex } from '../../graph/types.js';
import type { Execution } from './execution.js';

type Reporter = Pick<Execution, 'vertexId' | 'subtaskIndex' | 'metrics'>;
type Plan = Pick<JobGraph, 'vertices' | 'edges'>;

/** Of one subtask: the timeline an operator is in. */
interface Stand {
  readonly subtask: number;
  readonly time: TaskTimeReport;
}

/** Nothing before a task reported. */
export function eventTimesOf(plan: Plan, tasks: readonly Reporter[]): Pick<JobSummary, 'eventTimes'> {
  const reported = new Map(tasks.map((task) => [`${task.vertexId}/${task.subtaskIndex}`, task.metrics.eventTimes ?? []]));
  const timesOf = (vertexId: VertexId, subtask: number): readonly TaskTimeReport[] => reported.get(`${vertexId}/${subtask}`) ?? [];
  const rows: OperatorTime[] = [];
  for (const vertex of plan.vertices) {
    for (const { id, name } of vertex.operators) {
      if (rows.length === limits.eventTimesShown) break;
      const stands = Array.from({ length: vertex.parallelism }, (_, subtask): Stand[] => {
        const time = timelineOf(vertex, id, timesOf(vertex.id, subtask));
        return time === undefined ? [] : [{ subtask, time }];
      }).flat();
      const last = furthestBehind(stands);
      if (last === undefined) continue;
      const { watermark, since, isIdle, idle, finished, restoredFrom } = last.time;
      const timers = stands.flatMap(({ time }) => time.nextTimers.filter(({ operatorId }) => operatorId === id).map(({ at }) => at));
      rows.push({
        operatorId: id,
        operator: name,
        task: executionName(vertex, last.subtask),
        watermark,
        since,
        isIdle,
        ...(restoredFrom === undefined ? {} : { restoredFrom }),
        heldBy: heldBy(plan, timesOf, last.time),
        idle,
        finished,
        nextTimer: timers.length === 0 ? null : Math.min(...timers),
      });
    }
  }
  return rows.length === 0 ? {} : { eventTimes: rows };
}

/** The timeline an operator is in: that which begins with it, or the one of the operator before it. */
function timelineOf(vertex: JobVertex, operatorId: OperatorId, times: readonly TaskTimeReport[]): TaskTimeReport | undefined {
  for (let at: OperatorId | undefined = operatorId; at !== undefined;) {
    const id: OperatorId = at;
    const own = times.find((time) => time.operatorId === id);
    if (own !== undefined) return own;
    at = vertex.chainedEdges.find(({ target }) => target === id)?.source;
  }
  return undefined;
}

/** JT1. */
function furthestBehind(stands: readonly Stand[]): Stand | undefined {
  const active = stands.filter(({ time }) => !time.isIdle);
  const [first, ...others] = active.length > 0 ? active : stands;
  if (first === undefined) return undefined;
  const standOf = ({ time }: Stand): number => time.watermark ?? -Infinity;
  return others.reduce((lowest, stand) => (standOf(stand) < standOf(lowest) ? stand : lowest), first);
}

/** JT2. */
function heldBy(plan: Plan, timesOf: (vertexId: VertexId, subtask: number) => readonly TaskTimeReport[], from: TaskTimeReport): string[] {
  const path: string[] = [];
  let time: TaskTimeReport | undefined = from;
  while (time !== undefined && time.heldBy !== null && path.length <= plan.vertices.length) {
    const holder: TimeHolder = time.heldBy;
    const edge = holder.kind === 'channel' ? plan.edges.find(({ id }) => id === holder.edgeId) : undefined;
    const vertex = edge && plan.vertices.find(({ id }) => id === edge.sourceVertex);
    if (holder.kind !== 'channel') {
      path.push(words(holder));
      break;
    }
    if (edge === undefined || vertex === undefined) break;
    path.push(executionName(vertex, holder.peerSubtask));
    time = timelineOf(vertex, edge.sourceOperator, timesOf(vertex.id, holder.peerSubtask));
  }
  return path;
}

function words(holder: Exclude<TimeHolder, { readonly kind: 'channel' }>): string {
  switch (holder.kind) {
    case 'split':
      return `split ${JSON.stringify(holder.splitId)}`;
    case 'unread-splits':
      return 'splits that nobody reads yet';
    case 'records':
      return 'no record with a later timestamp';
    case 'no-strategy':
      return 'the source has no watermark strategy';
  }
}
