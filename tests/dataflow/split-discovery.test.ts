/** Sources that get splits while the job runs: what is found is read once, whatever restarts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Source } from '../../dataflow/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const recordsPerSplit = 50;
const discoveryIntervalMs = 200;

class Room {
  readonly output = new CommittedOutput<string>();
  readonly harness: TaskHarness;
  /** Splits that are there to be found. */
  found = 0;
  enumerations = 0;

  constructor(parallelism: number) {
    const splits = rangeSource({ splits: 100, recordsPerSplit, value: (split, index) => `${split}/${index}`, pauseEvery: 7 });
    const source: Source<unknown> = {
      ...splits,
      boundedness: 'unbounded',
      discoveryIntervalMs,
      enumerate: async () => {
        this.enumerations += 1;
        return Array.from({ length: this.found }, (_, index) => ({ id: `split-${index}`, data: { index } }));
      },
    };
    const graph = streamGraph({
      parallelism,
      settings: checkpointed,
      nodes: [
        { name: 'source', source },
        { name: 'sink', isSink: true, create: transactionalCollector(this.output) },
      ],
      edges: [{ from: 'source', to: 'sink' }],
    });
    this.harness = new TaskHarness({ graph, checkpointEveryMs: 100 });
  }

  async committed(splits: number): Promise<void> {
    await this.harness.runUntil(() => this.output.values().length >= splits * recordsPerSplit || this.harness.failures.length > 0, 30_000);
    assert.equal(this.harness.failures, []);
    const expected = Array.from({ length: splits }, (_, split) =>
      Array.from({ length: recordsPerSplit }, (__, index) => `${split}/${index}`),
    );
    assert.equal(this.output.values().sort(), expected.flat().sort());
  }
}

const test = suite('split discovery');

test('splits that appear while the job runs are read, each once (SE2)', async () => {
  for (const parallelism of [1, 3]) {
    const room = new Room(parallelism);
    room.harness.deploy();
    await room.harness.runUntil(() => room.enumerations >= 2);
    for (const found of [1, 4, 9]) {
      room.found = found;
      await room.committed(found);
    }
    assert.not(room.harness.isFinished);
    await room.harness.cancel();
  }
});

test('after a crash what was found is found again and read once, with what came meanwhile (SE2)', async () => {
  const room = new Room(2);
  room.found = 2;
  room.harness.deploy();
  await room.committed(2);
  room.found = 5;
  await room.harness.runUntil(() => room.output.values().length > 2 * recordsPerSplit);
  room.found = 7;
  room.harness.restart();
  await room.committed(7);
  room.harness.restart(room.harness.completed.at(-1));
  room.found = 8;
  await room.committed(8);
  await room.harness.cancel();
});

test('a task that was cancelled enumerates no more (SE2)', async () => {
  const room = new Room(2);
  room.harness.deploy();
  await room.harness.runUntil(() => room.enumerations >= 3);
  await room.harness.cancel();
  const { enumerations } = room;
  await room.harness.runUntil(() => false, 10 * discoveryIntervalMs).catch(() => undefined);
  assert.is(room.enumerations, enumerations);
});
test.run();
