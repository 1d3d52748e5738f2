/** Latency markers through real tasks, channels and a bus, under virtual time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { OperatorId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { LogLinearHistogram, type Quantiles } from '../../core/log-linear-histogram.js';
import type { Operator } from '../../dataflow/contracts.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import type { JobSettings, StreamGraph } from '../../graph/types.js';
import { TaskHarness, type TaskHarnessOptions } from '../../testing/task-harness.js';
import { streamGraph, type JobSketch } from '../support/stream-jobs.js';
import { TappedSource } from '../support/tapped-source.js';

const test = suite('latency markers');

const tracked = (intervalMs: number, granularity: 'single' | 'operator' | 'subtask' = 'operator'): Partial<JobSettings> => ({
  latencyTracking: { intervalMs, granularity },
  bufferTimeoutMs: 0,
});

const busDelayMs = 20;
const harnessOf = (sketch: JobSketch, options: Partial<TaskHarnessOptions> = {}): TaskHarness =>
  new TaskHarness({
    graph: streamGraph(sketch),
    busDelayMs,
    // Every vertex in a slot of its own.
    placement: (vertex, subtask) => ({ taskManagerId: vertex.name.replaceAll(/[^a-z]/gi, ''), slot: subtask }),
    ...options,
  });

async function runFor(harness: TaskHarness, ms: number): Promise<void> {
  let isOver = false;
  harness.world.schedule(ms, 'time is up', () => (isOver = true));
  await harness.runUntil(() => isOver || harness.failures.length > 0);
  assert.equal(harness.failures, []);
}

async function started(harness: TaskHarness): Promise<void> {
  harness.deploy();
  await harness.runUntil(() => harness.isRunning);
}

/** By `source → operator`, or `source/subtask → operator`; `*` for all sources. */
function latenciesOf(harness: TaskHarness): Record<string, Quantiles & { readonly at: string }> {
  const nameOf = (id: OperatorId): string => {
    const named = harness.plan.jobGraph.vertices.flatMap(({ operators }) => operators).find((operator) => operator.id === id);
    return (named?.name ?? id).replace('Source: ', '');
  };
  const entries: [string, Quantiles & { readonly at: string }][] = [];
  for (const { name, runtime } of harness.tasks()) {
    for (const { source, sourceSubtask, operator, buckets, max } of runtime.metrics().latencies ?? []) {
      const histogram = new LogLinearHistogram();
      histogram.merge(buckets, max);
      const from = `${source === null ? '*' : nameOf(source)}${sourceSubtask === null ? '' : `/${sourceSubtask}`}`;
      entries.push([`${from} → ${nameOf(operator)}`, { ...histogram.quantiles(), at: name }]);
    }
  }
  return Object.fromEntries(entries);
}

const sink = (seen: unknown[] = []): Operator => ({ bind: () => (value) => void seen.push(value) });

test('each operator counts how old markers are when they come, chained ones too; functions see records only (LT1)', async () => {
  const tap = new TappedSource();
  const mapped: unknown[] = [];
  const seen: unknown[] = [];
  const map = (): Operator => mapOperator((value) => (mapped.push(value), value)) as never;
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      { name: 'near', create: map },
      { name: 'far', create: map, isChained: false },
      { name: 'last', create: map },
      { name: 'sink', isSink: true, isChained: false, create: () => sink(seen) },
    ],
    edges: [
      { from: 'tap', to: 'near' },
      { from: 'near', to: 'far', partitioner: 'REBALANCE' },
      { from: 'far', to: 'last' },
      { from: 'last', to: 'sink', partitioner: 'REBALANCE' },
    ],
    settings: tracked(100),
  });
  await started(harness);
  tap.emit('a', 'b');
  await runFor(harness, 1_000);
  const latencies = latenciesOf(harness);
  assert.equal(Object.keys(latencies), ['tap → near', 'tap → far', 'tap → last', 'tap → sink']);
  assert.ok((latencies['tap → near']?.max as number) <= 1, 'in the chain of the source, markers are new');
  for (const operator of ['far', 'last']) {
    const { p50, max, count } = latencies[`tap → ${operator}`] as Quantiles;
    assert.ok(p50 >= 5 && max <= busDelayMs + 2, `${operator}: ${p50} to ${max} ms over one hop of up to ${busDelayMs}`);
    assert.ok(count >= 8 && count <= 10, `${count} markers in a second, one each 100 ms`);
  }
  const { max } = latencies['tap → sink'] as Quantiles;
  assert.ok(max > busDelayMs + 2 && max <= 2 * busDelayMs + 4, `${max} ms over two hops`);
  assert.equal(mapped.sort(), ['a', 'a', 'a', 'b', 'b', 'b']);
  assert.equal(seen, ['a', 'b']);
});

test('a marker behind records arrives after them, however long their frame waits (LT1, HM1)', async () => {
  const tap = new TappedSource();
  const seen: unknown[] = [];
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      { name: 'sink', isSink: true, isChained: false, create: () => sink(seen) },
    ],
    edges: [{ from: 'tap', to: 'sink', partitioner: 'REBALANCE' }],
    settings: { ...tracked(1_000), bufferTimeoutMs: 300 },
  });
  await started(harness);
  const startedAt = harness.world.nowMs;
  harness.world.schedule(990, 'records', () => tap.emit(1, 2, 3));
  await harness.runUntil(() => latenciesOf(harness)['tap → sink'] !== undefined);
  assert.equal(seen, [1, 2, 3], 'the marker came behind the records');
  const waited = harness.world.nowMs - startedAt - 1_000;
  const { max } = latenciesOf(harness)['tap → sink'] as Quantiles;
  assert.ok(max >= 290 && max <= waited + 25, `${max} ms of ${waited}, of which the buffer timeout is 290 to 300`);
});

test('with full frames only, a marker leaves with the frame of the records before it, and at once when there are none (HM1)', async () => {
  const tap = new TappedSource();
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      { name: 'sink', isSink: true, isChained: false, create: () => sink() },
    ],
    edges: [{ from: 'tap', to: 'sink', partitioner: 'REBALANCE' }],
    settings: { ...tracked(1_000), bufferTimeoutMs: -1 },
  });
  await started(harness);
  await runFor(harness, 1_500);
  assert.is(latenciesOf(harness)['tap → sink']?.count, 1);
  tap.emit('one');
  await runFor(harness, 3_000);
  assert.is(latenciesOf(harness)['tap → sink']?.count, 1, 'the record waits for others, and so do the markers behind it');
  tap.emit(...Array.from({ length: 2_000 }, (_, index) => `${index}:${'x'.repeat(50)}`));
  await runFor(harness, 500);
  const { count, max } = latenciesOf(harness)['tap → sink'] as Quantiles;
  assert.ok(count >= 4 && max >= 2_400, `${count} markers, ${max} ms at most`);
});

test('markers that wait for their frame leave with it before the end of the data (HM1)', async () => {
  const tap = new TappedSource();
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      { name: 'sink', isSink: true, isChained: false, create: () => sink() },
    ],
    edges: [{ from: 'tap', to: 'sink', partitioner: 'REBALANCE' }],
    settings: { ...tracked(100), bufferTimeoutMs: -1 },
  });
  await started(harness);
  tap.emit('one');
  await runFor(harness, 1_050);
  assert.is(latenciesOf(harness)['tap → sink'], undefined);
  tap.end();
  await harness.runToEnd();
  assert.is(latenciesOf(harness)['tap → sink']?.count, 10);
});

/** A sink that takes `ms` for a record. */
const slow =
  (ms: number): (() => Operator) =>
  () => ({
    bind:
      (_, { park, clock }) =>
      () =>
        park(() => true, new Promise<void>((resolve) => clock.setTimer(ms, resolve))),
  });

test('a marker held back by back-pressure shows how long it waited, also where it could not even enter (MS1)', async () => {
  const tap = new TappedSource();
  const harness = harnessOf(
    {
      nodes: [
        { name: 'tap', source: tap.source },
        { name: 'slow', isSink: true, isChained: false, create: slow(500) },
      ],
      edges: [{ from: 'tap', to: 'slow', partitioner: 'REBALANCE' }],
      settings: tracked(100),
    },
    { creditFrames: 1 },
  );
  await started(harness);
  await runFor(harness, 1_000);
  const before = latenciesOf(harness)['tap → slow'] as Quantiles;
  assert.ok(before.max < 100, `${before.max} ms before there are records`);
  // Each fills a frame, and takes the sink half a second.
  tap.emit(...Array.from({ length: 20 }, (_, index) => `${index}:${'x'.repeat(20_000)}`));
  await runFor(harness, 8_000);
  const { count, max } = latenciesOf(harness)['tap → slow'] as Quantiles;
  assert.ok(max >= 500, `${max} ms at most`);
  const markers = count - before.count;
  assert.ok(markers >= 5 && markers < 40, `${markers} markers got through; the source is held back and sends one for several that are due`);
});

test('one marker a subtask and interval reaches each edge, by a channel drawn at random (LT1)', async () => {
  const tap = new TappedSource();
  const harness = harnessOf(
    {
      nodes: [
        { name: 'tap', source: tap.source },
        { name: 'left', isSink: true, parallelism: 3, create: () => sink() },
        { name: 'right', isSink: true, parallelism: 3, create: () => sink() },
      ],
      edges: [
        { from: 'tap', to: 'left', partitioner: 'REBALANCE' },
        { from: 'tap', to: 'right', partitioner: 'BROADCAST' },
      ],
      settings: tracked(10),
    },
    { seed: 3 },
  );
  await started(harness);
  await runFor(harness, 3_000);
  for (const vertex of ['left', 'right']) {
    const counts = harness
      .tasks()
      .flatMap(({ name, runtime }) =>
        name.startsWith(vertex) ? (runtime.metrics().latencies ?? []).map(({ buckets, max }) => countOf(buckets, max)) : [],
      );
    assert.is(counts.length, 3, 'every subtask got some');
    const all = counts.reduce((sum, count) => sum + count, 0);
    assert.ok(all >= 290 && all <= 301, `${all} markers for ${vertex} in three seconds, one each 10 ms`);
    for (const count of counts) assert.ok(count > 60 && count < 140, `${counts.join(', ')}: about a third each`);
  }
});

const countOf = (buckets: readonly number[], max: number): number => {
  const histogram = new LogLinearHistogram();
  histogram.merge(buckets, max);
  return histogram.count;
};

const twoSources = (granularity: 'single' | 'operator' | 'subtask'): StreamGraph<never, never> =>
  streamGraph({
    parallelism: 2,
    nodes: [
      { name: 'a', source: new TappedSource().source },
      { name: 'b', source: new TappedSource().source },
      { name: 'sink', isSink: true, parallelism: 1, create: () => sink() },
    ],
    edges: [
      { from: 'a', to: 'sink', partitioner: 'REBALANCE' },
      { from: 'b', to: 'sink', partitioner: 'REBALANCE' },
    ],
    settings: tracked(50, granularity),
  }) as never;

test('the granularity says what is told apart: operators, sources, or subtasks of sources', async () => {
  const expected = {
    single: ['* → sink'],
    operator: ['a → sink', 'b → sink'],
    subtask: ['a/0 → sink', 'a/1 → sink', 'b/0 → sink', 'b/1 → sink'],
  } as const;
  for (const granularity of ['single', 'operator', 'subtask'] as const) {
    const harness = new TaskHarness({ graph: twoSources(granularity), busDelayMs });
    await started(harness);
    await runFor(harness, 1_000);
    assert.equal(Object.keys(latenciesOf(harness)).sort(), expected[granularity]);
  }
});

test('the same seed gives the same latencies', async () => {
  const once = async (): Promise<unknown> => {
    const harness = new TaskHarness({ graph: twoSources('subtask'), busDelayMs, seed: 7 });
    await started(harness);
    await runFor(harness, 2_000);
    return [latenciesOf(harness), harness.world.traceHash()];
  };
  assert.equal(await once(), await once());
});

test('a receiver that reads nothing holds a bounded number of markers; the others are dropped and nothing is missed', async () => {
  const tap = new TappedSource();
  const seen: unknown[] = [];
  let release: () => void = () => undefined;
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      {
        name: 'stuck',
        isSink: true,
        isChained: false,
        create: () => ({
          bind:
            (_, { park }) =>
            (value) => {
              seen.push(value);
              if (value === 'stop') park(() => true, new Promise<void>((resolve) => (release = resolve)));
            },
        }),
      },
    ],
    edges: [{ from: 'tap', to: 'stuck', partitioner: 'REBALANCE' }],
    settings: tracked(10),
  });
  await started(harness);
  tap.emit('stop');
  await runFor(harness, 10_000);
  const stuck = harness.tasks().find(({ name }) => name.startsWith('stuck'));
  assert.is(stuck?.runtime.metrics().queuedFrames, limits.markersQueuedMax);
  tap.emit('after');
  await runFor(harness, 100);
  release();
  await runFor(harness, 1_000);
  assert.equal(seen, ['stop', 'after']);
  assert.is(stuck?.runtime.metrics().queuedFrames, 0);
});

test('without latency tracking there are no markers', async () => {
  const tap = new TappedSource();
  const harness = harnessOf({
    nodes: [
      { name: 'tap', source: tap.source },
      { name: 'sink', isSink: true, isChained: false, create: () => sink() },
    ],
    edges: [{ from: 'tap', to: 'sink', partitioner: 'REBALANCE' }],
  });
  await started(harness);
  await runFor(harness, 2_000);
  for (const { runtime } of harness.tasks()) assert.is(runtime.metrics().latencies, undefined);
});

test.run();
