/** Windows of latencies under a manual clock, and what a task counts at all. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { OperatorId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { LogLinearHistogram, type Quantiles } from '../../core/log-linear-histogram.js';
import { LatencyStatistics } from '../../dataflow/task/latency-statistics.js';
import { LatencyWindow, latencyWindowMs } from '../../dataflow/task/latency-window.js';
import { MarkerSchedule } from '../../dataflow/task/marker-schedule.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import { ManualClock } from '../../testing/manual-clock.js';

const test = suite('latency statistics');

const quantilesOf = (content: { readonly buckets: readonly number[]; readonly max: number } | undefined): Quantiles | undefined => {
  if (content === undefined) return undefined;
  const histogram = new LogLinearHistogram();
  histogram.merge(content.buckets, content.max);
  return histogram.quantiles();
};

test('a window holds the latest minute at least and two minutes at most', () => {
  const window = new LatencyWindow(1_000);
  window.record(10, 1_000);
  window.record(20, 1_000 + latencyWindowMs - 1);
  window.record(30, 1_000 + latencyWindowMs);
  assert.is(quantilesOf(window.content(1_000 + 2 * latencyWindowMs - 1))?.count, 3);
  assert.equal(quantilesOf(window.content(1_000 + 2 * latencyWindowMs)), { count: 1, p50: 30, p90: 30, p99: 30, max: 30 });
  assert.is(window.content(1_000 + 4 * latencyWindowMs), undefined);
  window.record(40, 1_000 + 9 * latencyWindowMs);
  assert.is(quantilesOf(window.content(1_000 + 9 * latencyWindowMs))?.max, 40);
});

const operator = (name: string, kind: 'source' | 'operator'): OperatorDescriptor => ({
  id: name as OperatorId,
  kind,
  type: 'test',
  name,
  uid: null,
  isKeyed: false,
});
const vertex = (operators: readonly OperatorDescriptor[], parallelism: number): JobVertex =>
  ({ operators, parallelism }) as unknown as JobVertex;
const source = operator('a'.repeat(32), 'source');
const marker = (subtask: number, markedAt: number, operatorId = source.id) =>
  ({ kind: 'latency-marker', operatorId, subtask, markedAt }) as const;

test('the latency is the time since the marker was made, for every operator of the chain but its source', () => {
  const clock = new ManualClock();
  const operators = [source, operator('map', 'operator'), operator('sink', 'operator')];
  const statistics = new LatencyStatistics({ jobGraph: { vertices: [vertex(operators, 1)] }, granularity: 'operator', operators, clock });
  const markedAt = clock.now();
  clock.advance(30);
  statistics.record(marker(0, markedAt));
  clock.advance(70);
  statistics.record(marker(0, markedAt));
  // A clock that is behind that of the source.
  statistics.record(marker(0, clock.now() + 5));
  assert.equal(
    statistics.report().map(({ operator: of, source: from, ...content }) => [from, of, quantilesOf(content)]),
    ['map', 'sink'].map((of) => [source.id, of, { count: 3, p50: 30, p90: 100, p99: 100, max: 100 }]),
  );
});

test('a marker that is not taken keeps the time it was due at, and those due meanwhile are left out (MS1)', () => {
  const clock = new ManualClock();
  let wakes = 0;
  const schedule = new MarkerSchedule({ intervalMs: 100, clock, wake: () => void (wakes += 1) });
  schedule.start();
  assert.is(schedule.take(), undefined);
  clock.advance(100);
  const firstDueAt = clock.now();
  clock.advance(450);
  assert.is(schedule.take(), firstDueAt);
  assert.is(schedule.take(), undefined);
  clock.advance(50);
  assert.is(schedule.take(), clock.now(), 'the next one comes at its own time');
  assert.is(wakes, 6);
  schedule.stop();
  assert.is(clock.pendingTimers(), 0);
});

test('pairs are bounded, and markers of what is no source subtask of the job count nothing (LS1, LS2)', () => {
  const clock = new ManualClock();
  const sink = operator('sink', 'operator');
  const jobGraph = { vertices: [vertex([source], 1_000), vertex([sink], 1)] };
  const statistics = new LatencyStatistics({ jobGraph, granularity: 'subtask', operators: [sink], clock });
  for (const strange of [marker(1_000, 0), marker(0, 0, 'nobody' as OperatorId), marker(0, 0, sink.id)]) statistics.record(strange);
  assert.equal(statistics.report(), []);
  for (let subtask = 0; subtask < 1_000; subtask += 1) statistics.record(marker(subtask, clock.now()));
  const report = statistics.report();
  assert.is(report.length, limits.latencyPairsPerTask);
  assert.equal(
    report.map(({ sourceSubtask }) => sourceSubtask),
    Array.from({ length: limits.latencyPairsPerTask }, (_, subtask) => subtask),
  );
});

test.run();
