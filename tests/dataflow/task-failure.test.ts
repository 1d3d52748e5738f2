/** What remains of a task and its output when checkpoints are given up, functions throw, frames get lost, a task is cancelled. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';

import { mapOperator } from '../../dataflow/operators/map.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const numbers = (splits: number, recordsPerSplit: number) =>
  rangeSource({ splits, recordsPerSplit, value: (split, index) => split * recordsPerSplit + index });
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sorted = (values: readonly number[]): number[] => [...values].sort((left, right) => left - right);

const test = suite('task failure');

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
