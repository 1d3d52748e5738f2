/** Named operator states through real tasks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProcessFunction } from '../../dataflow/functions.js';
import { processOperator } from '../../dataflow/operators/process.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const test = suite('operator state in tasks');

test('list, union list and broadcast state come back with a checkpoint, each exact to the record, after kills', async () => {
  const output = new CommittedOutput<string>();
  const graph = streamGraph({
    settings: checkpointed,
    parallelism: 2,
    nodes: [
      { name: 'numbers', source: rangeSource({ splits: 40, recordsPerSplit: 20, value: (split, index) => split * 20 + index }) },
      {
        name: 'sum',
        create: () =>
          processOperator<number, string>(
            ({ task, operatorListState, unionListState, broadcastState }): ProcessFunction<number, string> => {
              const sum = operatorListState<number>('sum');
              const counts = unionListState<{ subtask: number; count: number }>('counts');
              const last = broadcastState<string, number>('last');
              const mine = () => counts.get().find(({ subtask }) => subtask === task.subtaskIndex)?.count ?? 0;
              return {
                processElement: (value) => {
                  sum.update([(sum.get()[0] ?? 0) + value]);
                  counts.update([{ subtask: task.subtaskIndex, count: mine() + 1 }]);
                  last.put('count', mine());
                },
                finish: (out) => out.collect(`${sum.get()[0]} ${mine()} ${last.get('count')}`),
              };
            },
          ) as never,
      },
      { name: 'sink', isSink: true, create: transactionalCollector(output) },
    ],
    edges: [
      { from: 'numbers', to: 'sum', partitioner: 'REBALANCE' },
      { from: 'sum', to: 'sink' },
    ],
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
    const lines = output.values().map((line) => line.split(' ').map(Number) as [number, number, number]);
    assert.ok(kills > 0, 'it was killed');
    assert.is(lines.length, 2, `seed ${seed}`);
    assert.is(
      lines.reduce((total, [sum]) => total + sum, 0),
      (799 * 800) / 2,
    );
    assert.is(
      lines.reduce((total, [, count]) => total + count, 0),
      800,
    );
    for (const [, count, last] of lines) assert.is(last, count);
  }
});

test.run();
