/** What tasks report of latencies: how it is put together for a job, and how it fits into messages. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { latenciesOf } from '../../actors/scheduler/job-latencies.js';
import { partsOf, type TaskReport } from '../../actors/task/report-parts.js';
import { encode } from '../../bus/codec/cbor.js';
import { noTaskMetrics, type TaskLatency } from '../../bus/protocol/messages/tasks.js';
import type { AttemptId, OperatorId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { bucketsMax, LogLinearHistogram } from '../../core/log-linear-histogram.js';
import type { JobGraph, LatencyGranularity } from '../../graph/types.js';

const test = suite('latencies of a job');

const operators = ['numbers', 'map', 'sink'].map((name) => ({ id: name as OperatorId, name }));
const graphOf = (granularity: LatencyGranularity | undefined): Pick<JobGraph, 'vertices' | 'settings'> =>
  ({
    vertices: [{ operators: operators.slice(0, 2) }, { operators: operators.slice(2) }],
    settings: granularity === undefined ? {} : { latencyTracking: { intervalMs: 1, granularity } },
  }) as unknown as JobGraph;

interface Told {
  readonly source?: string | null;
  readonly sourceSubtask?: number | null;
  readonly operator?: string;
}

function told(values: readonly number[], { source = 'numbers', sourceSubtask = null, operator = 'sink' }: Told = {}): TaskLatency {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  return {
    source: source as OperatorId | null,
    sourceSubtask,
    operator: operator as OperatorId,
    max: histogram.max,
    buckets: histogram.buckets(),
  };
}

const task = (subtaskIndex: number, ...latencies: TaskLatency[]) => ({ subtaskIndex, metrics: { ...noTaskMetrics, latencies } });

test('subtasks of an operator are counted together, in the order of the plan (JL1)', () => {
  const { latencies } = latenciesOf(graphOf('operator'), [
    task(0, told([1, 2, 3])),
    task(1, told([4, 100]), told([7], { operator: 'map' })),
    { subtaskIndex: 2, metrics: noTaskMetrics },
  ]);
  const ids = { sourceId: 'numbers', source: 'numbers', sourceSubtask: null, subtask: null };
  assert.equal(latencies, [
    { ...ids, operatorId: 'map', operator: 'map', count: 1, p50: 7, p90: 7, p99: 7, max: 7 },
    { ...ids, operatorId: 'sink', operator: 'sink', count: 5, p50: 3, p90: 100, p99: 100, max: 100 },
  ]);
});

test('at the granularity of subtasks each has a line, at that of operators alone sources are null (JL1)', () => {
  const bySubtask = latenciesOf(graphOf('subtask'), [
    task(1, told([1], { sourceSubtask: 1 }), told([2], { sourceSubtask: 0 })),
    task(0, told([3], { sourceSubtask: 0 })),
  ]);
  assert.equal(
    bySubtask.latencies?.map(({ sourceSubtask, subtask, max }) => [sourceSubtask, subtask, max]),
    [
      [0, 0, 3],
      [0, 1, 2],
      [1, 1, 1],
    ],
  );
  const single = latenciesOf(graphOf('single'), [task(0, told([1], { source: null })), task(1, told([5], { source: null }))]);
  assert.equal(
    single.latencies?.map(({ source, sourceId, operator, count }) => [source, sourceId, operator, count]),
    [[null, null, 'sink', 2]],
  );
});

test('jobs without latency tracking show none, and operators of no such job are left out', () => {
  assert.equal(latenciesOf(graphOf(undefined), [task(0, told([1]))]), {});
  const strange = [told([1], { operator: 'other' }), told([1], { source: 'other' })];
  assert.equal(latenciesOf(graphOf('operator'), [task(0, ...strange)]), { latencies: [] });
});

test('so many are shown as fit the answer, and only their histograms are merged (JL2)', () => {
  let merged = 0;
  const watched = (latency: TaskLatency): TaskLatency => ({
    ...latency,
    get buckets() {
      merged += 1;
      return latency.buckets;
    },
  });
  const tasks = Array.from({ length: 1_000 }, (_, subtask) => task(subtask, watched(told([1], { sourceSubtask: subtask }))));
  const { latencies = [] } = latenciesOf(graphOf('subtask'), tasks);
  assert.is(latencies.length, limits.latenciesShown);
  assert.is(merged, limits.latenciesShown);
  assert.ok(encode(latencies).length < 80 * 1_024, `${encode(latencies).length} bytes`);
});

const full: TaskLatency = {
  source: 'a'.repeat(32) as OperatorId,
  sourceSubtask: 1,
  operator: 'b'.repeat(32) as OperatorId,
  max: 2 ** 31,
  buckets: Array.from({ length: bucketsMax }, (_, bucket) => [bucket, 100_000]).flat(),
};
const reportOf = (histograms: number): TaskReport => ({
  attemptId: 'attempt' as AttemptId,
  metrics: { ...noTaskMetrics, latencies: new Array<TaskLatency>(histograms).fill(full) },
});

test('the fullest reports of many tasks fit their messages, each report in one part and in order', () => {
  const reports = [0, limits.latencyPairsPerTask, 1, 1, limits.latencyPairsPerTask, 0, 40, 40].map(reportOf);
  const parts = partsOf(reports);
  assert.equal(parts.flat(), reports);
  assert.ok(parts.length >= 3 && parts.length <= 5, `${parts.length} parts`);
  for (const part of parts) {
    const { length } = encode(part);
    assert.ok(length < limits.controlMessageBytesMax / 2, `${length} bytes`);
  }
  assert.equal(partsOf([]), []);
  assert.is(partsOf(new Array(500).fill(reportOf(0))).length, 1, 'ordinary reports share a message');
});

test.run();
