/** What tasks report of latencies: how it is put together for a job, and how it fits into messages. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { latenciesOf } from '../../actors/scheduler/job-latencies.js';
import { partsOf, reportBytesOf, type TaskReport } from '../../actors/task/report-parts.js';
import { encode } from '../../bus/codec/cbor.js';
import { encodeEnvelope, readEnvelope } from '../../bus/protocol/envelope.js';
import { noTaskMetrics, type ChannelUse, type TaskLatency, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { jobId, leaderEpoch, type AttemptId, type EdgeId, type OperatorId } from '../../core/ids.js';
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
const channel = { edgeId: 'e100000' as EdgeId, peerSubtask: 30_000, held: 2 ** 40, waiting: 2 ** 40, granted: 2 ** 40 };
const channels: ChannelUse = {
  inputUse: 0.123_456,
  outputUse: 0.123_456,
  inputs: new Array(limits.channelsReported).fill(channel),
  outputs: new Array(limits.channelsReported).fill(channel),
};
const largeCounts = Object.fromEntries(Object.keys(noTaskMetrics).map((name) => [name, 2 ** 50])) as unknown as TaskMetrics;
const reportOf = (histograms: number): TaskReport => ({
  attemptId: `${'v'.repeat(64)}_30000_100000_100000` as AttemptId,
  metrics: { ...largeCounts, channels, ...(histograms === 0 ? {} : { latencies: new Array<TaskLatency>(histograms).fill(full) }) },
});
/** The bytes of a part as it travels; it must be read again. */
function bytesOf(tasks: readonly TaskReport[]): number {
  const label = 'l'.repeat(64);
  const bytes = encodeEnvelope({
    version: 1,
    id: label,
    type: 'task.progressed',
    from: label,
    to: label,
    leaderEpoch: leaderEpoch(1),
    attempt: null,
    correlationId: label,
    causationId: label,
    sentAt: 1_700_000_000_000,
    body: { jobId: jobId(label), tasks: [...tasks] },
  });
  const read = readEnvelope(bytes);
  assert.is(read.kind, 'envelope', JSON.stringify(read).slice(0, 200));
  return bytes.length;
}

for (const payloadBytesMax of [limits.controlMessageBytesMax, limits.payloadBytesMin]) {
  const bytesMax = reportBytesOf(payloadBytesMax);

  test(`the fullest reports of many tasks fit messages of ${payloadBytesMax} bytes, in order (RP1)`, () => {
    const reports = [0, limits.latencyPairsPerTask, 1, 1, limits.latencyPairsPerTask, 0, 40, 40].map(reportOf);
    const parts = partsOf(reports, bytesMax);
    assert.equal(
      parts.flat().map(({ attemptId }) => attemptId),
      reports.map(({ attemptId }) => attemptId),
    );
    if (bytesMax === limits.reportBytesMax) assert.equal(parts.flat(), reports, 'none is cut');
    assert.ok(Math.max(...parts.map(bytesOf)) <= payloadBytesMax);
    assert.ok(parts.length <= 8, `${parts.length} parts`);
  });

  test(`reports without latencies but with full lists of channels share messages of ${payloadBytesMax} bytes (RP1)`, () => {
    const parts = partsOf(new Array<TaskReport>(1_000).fill(reportOf(0)), bytesMax);
    const bytes = parts.map(bytesOf);
    assert.is(parts.flat().length, 1_000);
    assert.ok(Math.max(...bytes) <= payloadBytesMax, `${Math.max(...bytes)} bytes`);
    assert.ok(
      bytes.slice(0, -1).every((each) => each > bytesMax * 0.9),
      'parts are filled',
    );
  });
}

test('a report that is too large by itself leaves out latencies (RP2)', () => {
  const [part = []] = partsOf([reportOf(limits.latencyPairsPerTask)], reportBytesOf(limits.payloadBytesMin));
  const kept = part[0]?.metrics.latencies?.length ?? 0;
  assert.ok(kept > 8 && kept < limits.latencyPairsPerTask, `${kept} kept`);
  assert.equal({ ...part[0]?.metrics, latencies: [] }, { ...reportOf(1).metrics, latencies: [] });
  assert.equal(partsOf([], 1_000), []);
});

test.run();
