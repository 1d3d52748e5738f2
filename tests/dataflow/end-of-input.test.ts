/** The life of operators, and how a bounded job ends. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTimestamp, type Operator } from '../../dataflow/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const numbers = (splits: number, recordsPerSplit: number) =>
  rangeSource({ splits, recordsPerSplit, value: (split, index) => split * recordsPerSplit + index });
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const sorted = (values: readonly number[]): number[] => [...values].sort((left, right) => left - right);

const test = suite('end of input');

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

test.run();
