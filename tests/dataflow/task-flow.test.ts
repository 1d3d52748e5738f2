/** What a task does with its outputs full and its operators parked, and which way records go. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTimestamp, type Operator, type SourceReader } from '../../dataflow/contracts.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import type { TaskRuntimeMetrics } from '../../dataflow/task-runtime.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, collector, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const numbers = (splits: number, recordsPerSplit: number) =>
  rangeSource({ splits, recordsPerSplit, value: (split, index) => split * recordsPerSplit + index });
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sorted = (values: readonly number[]): number[] => [...values].sort((left, right) => left - right);

/** Has nothing to read, for ever. */
const silentReader: SourceReader<unknown> = {
  start: () => {},
  poll: () => 'pending',
  whenAvailable: () => new Promise(() => {}),
  position: () => null,
  close: () => {},
};

const test = suite('task flow');

test('one record yields a million results through two generators, in order, without filling memory (ST2)', async () => {
  const got: number[] = [];
  const large = 'x'.repeat(200);
  let mostAhead = 0;
  let yielded = 0;
  const graph = streamGraph({
    nodes: [
      { name: 'one', source: rangeSource({ splits: 1, recordsPerSplit: 1, value: () => 'go' }) },
      { name: 'thousand', create: () => flatMapOperator<unknown, number>(() => range(300)) as never },
      {
        name: 'each',
        create: () =>
          flatMapOperator<number, { n: number; large: string }>(function* (n) {
            for (let index = 0; index < 100; index += 1) {
              yielded += 1;
              yield { n: n * 100 + index, large };
            }
          }) as never,
      },
      {
        name: 'slow',
        isSink: true,
        isChained: false,
        create: () => ({
          bind: () => (value) => {
            got.push((value as { n: number }).n);
            mostAhead = Math.max(mostAhead, yielded - got.length);
          },
        }),
      },
    ],
    edges: [
      { from: 'one', to: 'thousand' },
      { from: 'thousand', to: 'each' },
      { from: 'each', to: 'slow', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({
    graph,
    creditFrames: 2,
    placement: (vertex) => ({ taskManagerId: 'tm', slot: vertex.name === 'slow' ? 1 : 0 }),
  });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(got, range(30_000));
  assert.ok(mostAhead < 1_000, `${mostAhead} results were ahead of the sink`);
});

test('results of a record that comes while an earlier one is parked queue behind it', async () => {
  const got: number[] = [];
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 200) },
      // Collects without looking whether there is room.
      {
        name: 'burst',
        create: () => flatMapOperator<number, number>((n, out) => [0, 1, 2, 3].forEach((k) => out.collect(n * 4 + k))) as never,
      },
      {
        name: 'each',
        create: () => flatMapOperator<number, string>((n) => [0, 1, 2].map((k) => `${n * 3 + k}:${'y'.repeat(3_000)}`)) as never,
      },
      {
        name: 'sink',
        isSink: true,
        isChained: false,
        create: () => ({ bind: () => (value) => void got.push(Number(String(value).split(':')[0])) }),
      },
    ],
    edges: [
      { from: 'source', to: 'burst' },
      { from: 'burst', to: 'each' },
      { from: 'each', to: 'sink', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({
    graph,
    creditFrames: 1,
    placement: (vertex) => ({ taskManagerId: 'tm', slot: vertex.name === 'sink' ? 1 : 0 }),
  });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(got, range(2_400));
});

test('a source in front of a slow sink is back-pressured, the sink is busy, and times add up', async () => {
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 2_000) },
      { name: 'widen', create: () => mapOperator((n) => `${n as number}:${'z'.repeat(2_000)}`) as never },
      {
        name: 'slow',
        isSink: true,
        isChained: false,
        create: () => ({
          bind:
            (_, { park, clock }) =>
            () => {
              park(() => true, new Promise<void>((resolve) => clock.setTimer(10, resolve)));
            },
        }),
      },
    ],
    edges: [
      { from: 'source', to: 'widen' },
      { from: 'widen', to: 'slow', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({
    graph,
    creditFrames: 2,
    placement: (vertex) => ({ taskManagerId: 'tm', slot: vertex.name === 'slow' ? 1 : 0 }),
  });
  harness.deploy();
  await harness.runUntil(() => harness.isRunning);
  const startedAt = harness.world.nowMs;
  await harness.runUntil(() => harness.world.nowMs >= startedAt + 5_000);
  const elapsed = harness.world.nowMs - startedAt;
  const [source, slow] = harness.tasks().map(({ runtime }) => runtime.metrics()) as [TaskRuntimeMetrics, TaskRuntimeMetrics];
  assert.ok(source.backPressuredMs > 0.9 * elapsed, `back-pressured for ${source.backPressuredMs} of ${elapsed} ms`);
  assert.equal(source.slot, { unknownFrames: 0, malformedFrames: 0, sendFailures: 0, congestions: 0 });
  assert.ok(source.waitingFrames >= 1, `${source.waitingFrames} frames wait for credit`);
  assert.ok(slow.busyMs > 0.9 * elapsed && slow.backPressuredMs === 0, `${slow.busyMs} ms busy`);
  assert.ok(slow.channels.inputUse >= 0.5, `the input of the sink is used to ${slow.channels.inputUse}`);
  const [input] = slow.channels.inputs;
  assert.ok(input !== undefined && input.held >= 1 && input.held <= input.granted && input.granted <= 2, JSON.stringify(input));
  assert.is(source.channels.outputUse, 1);
  assert.equal(source.channels.outputs, [{ edgeId: input?.edgeId, peerSubtask: 0, waiting: source.waitingFrames }]);
  assert.ok(slow.queuedFrames <= 2, `${slow.queuedFrames} frames queued with a credit of 2`);
  for (const { busyMs, idleMs, backPressuredMs } of [source, slow]) {
    assert.ok(Math.abs(busyMs + idleMs + backPressuredMs - elapsed) < 50, `${busyMs + idleMs + backPressuredMs} of ${elapsed} ms`);
  }
});

test('a consumer without input is idle, its channels are empty, and times add up', async () => {
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: { ...numbers(1, 1), createReader: () => silentReader } },
      { name: 'sink', isSink: true, isChained: false, create: collector([]) },
    ],
    edges: [{ from: 'source', to: 'sink', partitioner: 'REBALANCE' }],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runUntil(() => harness.isRunning);
  const startedAt = harness.world.nowMs;
  const isOver = (): boolean => harness.world.nowMs >= startedAt + 3_000;
  harness.world.schedule(3_000, 'time is up', () => {});
  await harness.runUntil(isOver);
  for (const { runtime, name } of harness.tasks()) {
    const { idleMs, busyMs, backPressuredMs, channels } = runtime.metrics();
    assert.ok(idleMs > 2_900 && backPressuredMs === 0, `${name}: idle for ${idleMs} ms, back-pressured for ${backPressuredMs}`);
    assert.ok(Math.abs(idleMs + busyMs - 3_000) < 50, `${idleMs + busyMs} of 3,000 ms`);
    assert.equal(channels, { inputUse: 0, outputUse: 0, inputs: [], outputs: [] });
  }
});

test('all tasks of a path in one slot with a credit of one never deadlock, at any fan', async () => {
  for (const parallelism of [1, 3]) {
    for (let seed = 1; seed <= 5; seed += 1) {
      const output = new CommittedOutput<number>();
      const graph = streamGraph({
        parallelism,
        settings: checkpointed,
        nodes: [
          { name: 'source', source: numbers(4, 3_000) },
          { name: 'grow', isChained: false, create: () => flatMapOperator<number, number>((n) => [n * 2, n * 2 + 1]) as never },
          { name: 'same', isChained: false, create: () => mapOperator((n) => n) as never },
          { name: 'sink', isSink: true, isChained: false, create: transactionalCollector(output) },
        ],
        edges: [
          { from: 'source', to: 'grow', partitioner: 'REBALANCE' },
          { from: 'grow', to: 'same', partitioner: 'HASH', key: (n) => n as number },
          { from: 'same', to: 'sink', partitioner: 'HASH', key: (n) => (n as number) % 5 },
        ],
      });
      const harness = new TaskHarness({
        graph,
        creditFrames: 1,
        seed,
        checkpointEveryMs: 10,
        placement: () => ({ taskManagerId: 'tm', slot: 0 }),
      });
      harness.deploy();
      await harness.runToEnd();
      assert.equal(sorted(output.values()), range(24_000), `parallelism ${parallelism}, seed ${seed}`);
      assert.is(harness.bus.published, 0, 'same-slot channels stay off the bus (N2)');
    }
  }
});

test('broadcast reaches every consumer, rebalance spreads evenly, side outputs go their own way', async () => {
  const everywhere: string[] = [];
  const spread = [0, 0, 0];
  const odd: number[] = [];
  const sideOutputs = (): Operator => ({
    bind: (out, context) => {
      const toOdd = context.sideOutput('odd');
      const toNobody = context.sideOutput('nobody');
      return (value) => {
        toNobody(value, noTimestamp);
        ((value as number) % 2 === 1 ? toOdd : out)(value as never, noTimestamp);
      };
    },
  });
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 3_000) },
      { name: 'split', create: sideOutputs },
      {
        name: 'all',
        isSink: true,
        parallelism: 3,
        create: () => ({
          bind:
            (_out, { task }) =>
            (value) =>
              void everywhere.push(`${task.subtaskIndex}:${value as number}`),
        }),
      },
      {
        name: 'some',
        isSink: true,
        parallelism: 3,
        create: () => ({
          bind:
            (_out, { task }) =>
            () =>
              void ((spread[task.subtaskIndex] as number) += 1),
        }),
      },
      { name: 'odd', isSink: true, create: collector(odd) },
    ],
    edges: [
      { from: 'source', to: 'split' },
      { from: 'split', to: 'all', partitioner: 'BROADCAST' },
      { from: 'split', to: 'some', partitioner: 'REBALANCE' },
      { from: 'split', to: 'odd', sideOutput: 'odd' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  const even = range(1_500).map((n) => n * 2);
  assert.equal(everywhere.sort(), [0, 1, 2].flatMap((subtask) => even.map((n) => `${subtask}:${n}`)).sort());
  assert.equal(spread, [500, 500, 500]);
  assert.equal(
    odd,
    range(1_500).map((n) => n * 2 + 1),
  );
});

test('a union of two sources is read fairly, and ends when both ended', async () => {
  const got: number[] = [];
  const graph = streamGraph({
    nodes: [
      { name: 'low', source: numbers(2, 1_000) },
      { name: 'high', source: rangeSource({ splits: 1, recordsPerSplit: 1_000, value: (_split, index) => 10_000 + index }) },
      { name: 'sink', isSink: true, create: collector(got) },
    ],
    edges: [
      { from: 'low', to: 'sink' },
      { from: 'high', to: 'sink' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(sorted(got), [...range(2_000), ...range(1_000).map((n) => 10_000 + n)]);
});

test('producer and consumer in one slot never see each other change a record (CW2, FC2)', async () => {
  const seen: number[] = [];
  const spoilt: number[] = [];
  const kept = { n: 0 };
  const into = (values: number[]) => (): Operator => ({ bind: () => (value) => void values.push((value as { n: number }).n) });
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 100) },
      // One object for all records, as a careless function might.
      { name: 'reuse', create: () => mapOperator<number, { n: number }>((n) => Object.assign(kept, { n })) as never },
      {
        name: 'spoil',
        isChained: false,
        create: () => mapOperator<{ n: number }, { n: number }>((record) => Object.assign(record, { n: record.n + 1_000 })) as never,
      },
      { name: 'spoilt', isSink: true, create: into(spoilt) },
      { name: 'sink', isSink: true, isChained: false, create: into(seen) },
    ],
    edges: [
      { from: 'source', to: 'reuse' },
      { from: 'reuse', to: 'spoil' },
      { from: 'spoil', to: 'spoilt' },
      { from: 'reuse', to: 'sink' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(seen, range(100));
  assert.equal(
    spoilt,
    range(100).map((n) => n + 1_000),
  );
});

test.run();
