/** Reducing, aggregating and expiring state, and timers, through real tasks that are killed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeyedProcessFunction, KeyedRuntimeContext } from '../../dataflow/functions.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const test = suite('keyed states in tasks');
const keys = 5;

const range = {
  createAccumulator: () => ({ least: Infinity, most: -Infinity }),
  add: (value: number, { least, most }: { least: number; most: number }) => ({
    least: Math.min(least, value),
    most: Math.max(most, value),
  }),
  getResult: ({ least, most }: { least: number; most: number }) => `${least} to ${most}`,
  merge: (left: { least: number; most: number }, right: { least: number; most: number }) => ({
    least: Math.min(left.least, right.least),
    most: Math.max(left.most, right.most),
  }),
};

function summary(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, number, string> {
  const sum = runtime.reducingState<number>('sum', (left, right) => left + right, { ttl: { timeToLive: '1 d' } });
  const values = runtime.aggregatingState('range', range);
  const brief = runtime.mapState<number, boolean>('brief', { ttl: { timeToLive: 1 } });
  const kept = runtime.listState<number>('kept', { ttl: { timeToLive: '1 h', updateType: 'OnReadAndWrite' } });
  return {
    processElement(value, { time }) {
      sum.add(value);
      values.add(value);
      brief.put(value, true);
      kept.add(value);
      time.registerEventTimeTimer(1_000_000);
    },
    onTimer(_time, context, out) {
      out.collect(`${context.currentKey()}: ${sum.get()}, ${values.get()}, ${kept.get().length} kept`);
    },
  };
}

test('they come back with a checkpoint, exact to the record, after kills', async () => {
  const output = new CommittedOutput<string>();
  const graph = streamGraph({
    settings: checkpointed,
    parallelism: 2,
    nodes: [
      { name: 'numbers', source: rangeSource({ splits: 40, recordsPerSplit: 20, value: (split, index) => split * 20 + index }) },
      {
        name: 'per key',
        isKeyed: true,
        create: () => keyedProcessOperator<number, number, string>((value) => value % keys, summary) as never,
      },
      { name: 'sink', isSink: true, create: transactionalCollector(output) },
    ],
    edges: [
      { from: 'numbers', to: 'per key', partitioner: 'HASH', key: (value) => (value as number) % keys },
      { from: 'per key', to: 'sink' },
    ],
  });
  const expected = Array.from({ length: keys }, (_, key) => {
    const values = Array.from({ length: 800 / keys }, (_each, index) => index * keys + key);
    return `${key}: ${values.reduce((left, right) => left + right)}, ${values[0]} to ${values.at(-1)}, ${values.length} kept`;
  });
  for (let seed = 1; seed <= 6; seed += 1) {
    output.transactions.clear();
    const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 8 });
    harness.deploy();
    let kills = 0;
    for (; kills < 3; kills += 1) {
      const before = harness.completed.length;
      await harness.runUntil(() => harness.completed.length > before || harness.isFinished);
      if (harness.isFinished) break;
      harness.restart();
    }
    await harness.runToEnd();
    assert.ok(kills > 0, 'it was killed');
    assert.equal(output.values().sort(), expected, `seed ${seed}`);
  }
});

test.run();
