/** What a task does with its outputs full, its operators parked, its checkpoints refused, its input ended. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { noTimestamp, type Operator } from '../../dataflow/contracts.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, collector, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const numbers = (splits: number, recordsPerSplit: number) =>
  rangeSource({ splits, recordsPerSplit, value: (split, index) => split * recordsPerSplit + index });
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sorted = (values: readonly number[]): number[] => [...values].sort((left, right) => left - right);

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

test('producer and consumer in one slot never see each other change a record (C2, FC2)', async () => {
  const seen: number[] = [];
  const kept = { n: 0 };
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 100) },
      { name: 'reuse', create: () => mapOperator<number, { n: number }>((n) => Object.assign(kept, { n })) as never },
      { name: 'spoil', isChained: false, create: () => mapOperator<{ n: number }, number>((record) => (record.n += 1_000)) as never },
      {
        name: 'sink',
        isSink: true,
        isChained: false,
        create: () => ({ bind: () => (value) => void seen.push((value as { n: number }).n) }),
      },
    ],
    edges: [
      { from: 'source', to: 'reuse' },
      { from: 'reuse', to: 'spoil' },
      { from: 'reuse', to: 'sink' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(seen, range(100));
});

test('life of an operator: restored, bound, opened last first; records; endInput and finish first to last; closed first to last', async () => {
  const calls: string[] = [];
  const probe = (name: string) => (): Operator => ({
    bind: (out) => {
      calls.push(`bind ${name}`);
      return (value) => {
        calls.push(`record ${name}`);
        out(value as never, noTimestamp);
      };
    },
    open: async () => void calls.push(`open ${name}`),
    onWatermark: () => void calls.push(`watermark ${name}`),
    endInput: () => void calls.push(`endInput ${name}`),
    finish: () => void calls.push(`finish ${name}`),
    prepareSnapshot: async (id) => void calls.push(`prepare ${name} ${id}`),
    snapshot: ({ checkpointId }) => void calls.push(`snapshot ${name} ${checkpointId}`),
    checkpointCompleted: async (id) => {
      calls.push(`commit ${name} ${id}`);
      await Promise.resolve();
      calls.push(`committed ${name} ${id}`);
    },
    close: async () => void calls.push(`close ${name}`),
  });
  const graph = streamGraph({
    settings: checkpointed,
    nodes: [
      { name: 'source', source: numbers(1, 1) },
      { name: 'a', create: probe('a') },
      { name: 'b', isSink: true, create: probe('b') },
    ],
    edges: [
      { from: 'source', to: 'a' },
      { from: 'a', to: 'b' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(calls, [
    'bind b',
    'bind a',
    'open b',
    'open a',
    'record a',
    'record b',
    'watermark a',
    'watermark b',
    'endInput a',
    'finish a',
    'endInput b',
    'finish b',
    'prepare a 1',
    'prepare b 1',
    'snapshot a 1',
    'snapshot b 1',
    'commit a 1',
    'committed a 1',
    'commit b 1',
    'committed b 1',
    'close a',
    'close b',
  ]);
  assert.ok([...(harness.completed[0]?.tasks.values() ?? [])].every((task) => task.isFinished));
});

test('no task ends before the final checkpoint is confirmed, and a restart from it repeats neither finish nor output (ST4)', async () => {
  const output = new CommittedOutput<number>();
  let finishes = 0;
  const graph = streamGraph({
    parallelism: 2,
    settings: checkpointed,
    nodes: [
      { name: 'source', source: numbers(3, 50) },
      {
        name: 'last word',
        isChained: false,
        create: () => {
          let emit: ((value: unknown, timestamp: number) => void) | undefined;
          return {
            bind: (out) => {
              emit = out as never;
              return (value, timestamp) => out(value as never, timestamp);
            },
            finish: () => {
              finishes += 1;
              emit?.(-1, noTimestamp);
            },
          };
        },
      },
      { name: 'sink', isSink: true, isChained: false, create: transactionalCollector(output) },
    ],
    edges: [
      { from: 'source', to: 'last word' },
      { from: 'last word', to: 'sink', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runUntil(() => harness.completed.length > 0);
  assert.ok(harness.isRunning, 'the checkpoint completed, but nobody was told yet');
  harness.restart();
  await harness.runToEnd();
  assert.is(finishes, 2);
  assert.equal(sorted(output.values()), [-1, -1, ...range(150)]);
});

test('an aborted checkpoint frees what waits for it, and later ones complete', async () => {
  const output = new CommittedOutput<number>();
  const graph = streamGraph({
    parallelism: 2,
    settings: checkpointed,
    nodes: [
      { name: 'source', source: numbers(200, 20) },
      { name: 'sink', isSink: true, isChained: false, create: transactionalCollector(output) },
    ],
    edges: [{ from: 'source', to: 'sink', partitioner: 'REBALANCE' }],
  });
  for (let seed = 1; seed <= 10; seed += 1) {
    output.transactions.clear();
    const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 25, creditFrames: 1 });
    let aborts = 0;
    const abort = (): void => {
      harness.world.schedule(7, 'abort', () => {
        if (aborts < 12) harness.abortCheckpoint();
        aborts += 1;
        if (!harness.isFinished) abort();
      });
    };
    abort();
    harness.deploy();
    await harness.runToEnd();
    assert.equal(sorted(output.values()), range(4_000), `seed ${seed}`);
    assert.ok(harness.completed.length > 0);
  }
});

test('a function that throws fails the task by the name of its operator; nothing of it runs afterwards but close (ST5)', async () => {
  let closed = 0;
  let later = 0;
  const graph = streamGraph({
    nodes: [
      { name: 'source', source: numbers(1, 100) },
      {
        name: 'explode',
        create: () =>
          mapOperator<number, number>((n) => {
            if (n === 40) throw new TypeError('forty is too much');
            if (n > 40) later += 1;
            return n;
          }) as never,
      },
      { name: 'sink', isSink: true, create: () => ({ bind: () => () => {}, close: () => void (closed += 1) }) },
    ],
    edges: [
      { from: 'source', to: 'explode' },
      { from: 'explode', to: 'sink' },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  try {
    await harness.runToEnd();
    assert.unreachable('the job ended well');
  } catch (error) {
    assert.is((error as MillraceError).where, 'explode');
    assert.match((error as MillraceError).message, 'TypeError: forty is too much');
  }
  await harness.cancel();
  await harness.cancel();
  assert.is(closed, 1);
  assert.is(later, 0);
});

test('cancel in the middle closes every operator once and silences the task (T1)', async () => {
  let closed = 0;
  const graph = streamGraph({
    parallelism: 2,
    nodes: [
      { name: 'source', source: numbers(100, 1_000) },
      { name: 'sink', isSink: true, isChained: false, create: () => ({ bind: () => () => {}, close: () => void (closed += 1) }) },
    ],
    edges: [{ from: 'source', to: 'sink', partitioner: 'REBALANCE' }],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runUntil(() => harness.tasks().every(({ runtime }) => runtime.metrics().recordsIn > 0));
  await harness.cancel();
  const records = harness.tasks().map(({ runtime }) => runtime.metrics().recordsIn);
  const until = harness.world.nowMs + 2_000;
  harness.world.schedule(2_000, 'time passes', () => {});
  await harness.runUntil(() => harness.world.nowMs >= until);
  assert.equal(
    harness.tasks().map(({ runtime }) => runtime.metrics().recordsIn),
    records,
  );
  assert.is(closed, 2);
  assert.equal(harness.failures, []);
});

test('a lost frame fails a task, and after a restart the output is exact; duplicates change nothing', async () => {
  let failed = 0;
  for (let seed = 1; seed <= 8; seed += 1) {
    const output = new CommittedOutput<number>();
    const graph = streamGraph({
      parallelism: 2,
      settings: checkpointed,
      nodes: [
        { name: 'source', source: numbers(60, 60) },
        { name: 'sink', isSink: true, isChained: false, create: transactionalCollector(output) },
      ],
      edges: [{ from: 'source', to: 'sink', partitioner: 'REBALANCE' }],
    });
    const faults = { drop: 0.01, duplicate: 0.1 };
    const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 15, faults });
    harness.deploy();
    for (;;) {
      await harness.runUntil(() => harness.isFinished || harness.failures.length > failed);
      if (harness.isFinished) break;
      failed = harness.failures.length;
      if (failed > 6) faults.drop = 0;
      harness.restart();
    }
    assert.equal(sorted(output.values()), range(3_600), `seed ${seed}`);
    for (const { error } of harness.failures) assert.match((error as MillraceError).code, /^CHANNEL_(GAP|LOSS)$/);
    failed = 0;
  }
});

test('with the sequence check switched off a loss goes unnoticed: the guard is what holds', async () => {
  let wrong = 0;
  for (let seed = 1; seed <= 8; seed += 1) {
    const output = new CommittedOutput<number>();
    const graph = streamGraph({
      parallelism: 2,
      settings: checkpointed,
      nodes: [
        { name: 'source', source: numbers(60, 60) },
        { name: 'sink', isSink: true, isChained: false, create: transactionalCollector(output) },
      ],
      edges: [{ from: 'source', to: 'sink', partitioner: 'REBALANCE' }],
    });
    const harness = new TaskHarness({
      graph,
      seed,
      checkpointEveryMs: 15,
      faults: { drop: 0, duplicate: 0.2 },
      testSwitches: { isSequenceCheckOff: true },
    });
    harness.deploy();
    await harness.runUntil(() => harness.isFinished || harness.failures.length > 0 || harness.world.nowMs > 5_000);
    if (!harness.isFinished || output.values().length !== 3_600) wrong += 1;
  }
  assert.ok(wrong > 0);
});

test.run();
