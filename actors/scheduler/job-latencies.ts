/**
 * The latencies of a job, from what its tasks reported: a line for each source and operator.
 *
 * JL1  Subtasks of an operator are counted together, except at the granularity `subtask`.
 * JL2  At most `limits.latenciesShown` are shown, in the order of the plan; only histograms of those are merged.
 */
import type { JobSummary, Latency } from '../../bus/protocol/messages/jobs.js';
import type { TaskLatency } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';
import { LogLinearHistogram } from '../../core/log-linear-histogram.js';
import type { JobGraph } from '../../graph/types.js';
import type { Execution } from './execution.js';

type Reporter = Pick<Execution, 'subtaskIndex' | 'metrics'>;

interface Row extends Omit<Latency, 'count' | 'p50' | 'p90' | 'p99' | 'max'> {
  readonly order: number;
  /** What subtasks counted; merged once it is known which lines are shown. */
  readonly parts: TaskLatency[];
}

/** Nothing of jobs without latency tracking. */
export function latenciesOf(jobGraph: Pick<JobGraph, 'vertices' | 'settings'>, tasks: readonly Reporter[]): Pick<JobSummary, 'latencies'> {
  const tracking = jobGraph.settings.latencyTracking;
  if (tracking === undefined) return {};
  const rows = new Map<string, Row>();
  const operators = new Map(jobGraph.vertices.flatMap((vertex) => vertex.operators).map(({ id, name }, order) => [id, { name, order }]));
  for (const { subtaskIndex, metrics } of tasks) {
    for (const latency of metrics.latencies ?? []) {
      const subtask = tracking.granularity === 'subtask' ? subtaskIndex : null;
      const key = [latency.source, latency.sourceSubtask, latency.operator, subtask].join('/');
      const row = rows.get(key) ?? newRow(latency, subtask, operators);
      if (row === undefined) continue;
      rows.set(key, row);
      row.parts.push(latency);
    }
  }
  const sorted = [...rows.values()].sort(
    (left, right) =>
      left.order - right.order || Number(left.sourceSubtask) - Number(right.sourceSubtask) || Number(left.subtask) - Number(right.subtask),
  );
  return { latencies: sorted.slice(0, limits.latenciesShown).map(({ order: _, parts, ...row }) => ({ ...row, ...quantilesOf(parts) })) };
}

function quantilesOf(parts: readonly TaskLatency[]): ReturnType<LogLinearHistogram['quantiles']> {
  const histogram = new LogLinearHistogram();
  for (const { buckets, max } of parts) histogram.merge(buckets, max);
  return histogram.quantiles();
}

/** Undefined when the job has no such operators: what came is not of this job. */
function newRow(
  { source, sourceSubtask, operator }: TaskLatency,
  subtask: number | null,
  operators: ReadonlyMap<string, { readonly name: string; readonly order: number }>,
): Row | undefined {
  const from = source === null ? { name: null, order: 0 } : operators.get(source);
  const to = operators.get(operator);
  if (from === undefined || to === undefined) return undefined;
  return {
    sourceId: source,
    source: from.name,
    operatorId: operator,
    operator: to.name,
    sourceSubtask,
    subtask,
    order: from.order * operators.size + to.order,
    parts: [],
  };
}
