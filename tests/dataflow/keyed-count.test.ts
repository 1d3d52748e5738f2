/** A keyed count over real tasks, channels and state equals the naive count, whatever happens on the way. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyedReduceOperator } from '../../dataflow/operators/keyed-reduce.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import type { Key } from '../../storage/state/contracts.js';
import { TaskHarness, type TaskHarnessOptions } from '../../testing/task-harness.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

interface WordCount {
  readonly word: string;
  readonly count: number;
}

const words = ['ash', 'birch', 'cedar', 'dogwood', 'elm', 'fir', 'ginkgo', 'hazel', 'ironwood', 'juniper', 'kapok'];
const wordAt = (split: number, index: number): string => words[(split * 7 + index * index) % words.length] as string;

interface CountJob {
  readonly splits: number;
  readonly recordsPerSplit: number;
  readonly parallelism: number;
  readonly isCheckpointed?: boolean;
  readonly onRecord?: (count: number) => void;
}

function countJob(job: CountJob, output: CommittedOutput<WordCount>): TaskHarnessOptions['graph'] {
  return streamGraph({
    parallelism: job.parallelism,
    // Small frames, so that records and barriers meet in many orders.
    settings: { ...(job.isCheckpointed === false ? {} : checkpointed), bufferTimeoutMs: 1 },
    nodes: [
      {
        name: 'words',
        source: rangeSource({
          splits: job.splits,
          recordsPerSplit: job.recordsPerSplit,
          value: wordAt,
          pauseEvery: 97,
          ...(job.onRecord === undefined ? {} : { onRecord: job.onRecord }),
        }),
      },
      { name: 'pair', create: () => mapOperator((word) => ({ word: word as string, count: 1 })) as never },
      {
        name: 'count',
        isKeyed: true,
        create: () =>
          keyedReduceOperator<WordCount>(
            (record) => record.word as Key,
            (sum, next) => ({ word: sum.word, count: sum.count + next.count }),
          ) as never,
      },
      { name: 'out', isSink: true, create: transactionalCollector(output) },
    ],
    edges: [
      { from: 'words', to: 'pair' },
      { from: 'pair', to: 'count', partitioner: 'HASH', key: (record) => (record as WordCount).word },
      { from: 'count', to: 'out' },
    ],
  });
}

/** Of each word, every count from 1 to its total, once. */
function assertExactlyOnce(output: CommittedOutput<WordCount>, job: CountJob, what: string): void {
  const seen = new Map<string, number[]>();
  for (const { word, count } of output.values()) seen.set(word, [...(seen.get(word) ?? []), count]);
  const totals = new Map<string, number>();
  for (let split = 0; split < job.splits; split += 1) {
    for (let index = 0; index < job.recordsPerSplit; index += 1) {
      const word = wordAt(split, index);
      totals.set(word, (totals.get(word) ?? 0) + 1);
    }
  }
  for (const [word, total] of totals) {
    const counts = (seen.get(word) ?? []).sort((left, right) => left - right);
    assert.equal(
      counts,
      Array.from({ length: total }, (_, index) => index + 1),
      `${what}: counts of ${word}`,
    );
  }
  assert.is(seen.size, totals.size, what);
}

const test = suite('keyed count');

for (const parallelism of [1, 2, 4]) {
  test(`at parallelism ${parallelism} without checkpoints every record counts once, and the job ends`, async () => {
    const job = { splits: 5, recordsPerSplit: 700, parallelism, isCheckpointed: false };
    const output = new CommittedOutput<WordCount>();
    const harness = new TaskHarness({ graph: countJob(job, output) });
    harness.deploy();
    await harness.runToEnd();
    assertExactlyOnce(output, job, `parallelism ${parallelism}`);
  });

  test(`at parallelism ${parallelism} with checkpoints under way every record counts once`, async () => {
    const job = { splits: 5, recordsPerSplit: 700, parallelism };
    const output = new CommittedOutput<WordCount>();
    const harness = new TaskHarness({ graph: countJob(job, output), checkpointEveryMs: 7 });
    harness.deploy();
    await harness.runToEnd();
    assert.ok(harness.completed.length >= 2, `${harness.completed.length} checkpoints`);
    assertExactlyOnce(output, job, `parallelism ${parallelism}`);
  });
}

test('restored from each of its checkpoints, the job commits the same output (B2, ST3)', async () => {
  const job = { splits: 150, recordsPerSplit: 16, parallelism: 2 };
  const output = new CommittedOutput<WordCount>();
  const original = new TaskHarness({ graph: countJob(job, output), checkpointEveryMs: 12, seed: 3 });
  original.deploy();
  await original.runToEnd();
  assertExactlyOnce(output, job, 'the run itself');
  assert.ok(original.completed.length >= 3, `${original.completed.length} checkpoints`);
  const committedBy = new Map(output.transactions);
  for (const checkpoint of [...original.completed]) {
    // As a crash right after this checkpoint would have left it.
    output.transactions.clear();
    for (const [id, values] of committedBy) if (Number(id.split('-')[1]) < checkpoint.id) output.transactions.set(id, values);
    original.restart(checkpoint);
    await original.runToEnd();
    assertExactlyOnce(output, job, `restored from checkpoint ${checkpoint.id}`);
  }
});

/** Runs the job with up to four kills at random moments. */
async function runWithKills(harness: TaskHarness): Promise<number> {
  let kills = 0;
  const plan = (): void => {
    harness.world.schedule(15 + harness.world.random.next() * 30, 'kill', () => {
      if (harness.isFinished || kills === 4) return;
      kills += 1;
      harness.restart();
      plan();
    });
  };
  harness.deploy();
  plan();
  await harness.runToEnd();
  return kills;
}

test('killed at random moments and restored from the latest checkpoint, every record counts once', async () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const job = { splits: 90, recordsPerSplit: 40, parallelism: 3 };
    const output = new CommittedOutput<WordCount>();
    const kills = await runWithKills(new TaskHarness({ graph: countJob(job, output), checkpointEveryMs: 6, seed }));
    assert.ok(kills > 0, 'a run without a kill shows nothing');
    assertExactlyOnce(output, job, `seed ${seed}`);
  }
});

test('with alignment switched off a kill makes records count twice: the guard is what holds (B1)', async () => {
  const caught: number[] = [];
  for (let seed = 1; seed <= 8; seed += 1) {
    const job = { splits: 80, recordsPerSplit: 40, parallelism: 3 };
    const output = new CommittedOutput<WordCount>();
    const testSwitches = { isAlignmentOff: true };
    await runWithKills(new TaskHarness({ graph: countJob(job, output), checkpointEveryMs: 6, busDelayMs: 10, seed, testSwitches }));
    try {
      assertExactlyOnce(output, job, `seed ${seed}`);
    } catch {
      caught.push(seed);
    }
  }
  assert.ok(caught.length > 0);
});

test('a restart before the first checkpoint begins anew', async () => {
  const job = { splits: 3, recordsPerSplit: 400, parallelism: 2 };
  const output = new CommittedOutput<WordCount>();
  const harness = new TaskHarness({ graph: countJob(job, output) });
  harness.deploy();
  await harness.runUntil(() => harness.tasks().some(({ runtime }) => runtime.metrics().recordsIn > 200));
  assert.is(harness.completed.length, 0);
  harness.restart();
  await harness.runToEnd();
  assertExactlyOnce(output, job, 'restarted');
});

test('the same seed gives the same run (TH1)', async () => {
  const hashOf = async (): Promise<string> => {
    const output = new CommittedOutput<WordCount>();
    const harness = new TaskHarness({
      graph: countJob({ splits: 3, recordsPerSplit: 300, parallelism: 2 }, output),
      checkpointEveryMs: 5,
      seed: 9,
    });
    harness.deploy();
    await harness.runToEnd();
    return harness.world.traceHash();
  };
  assert.is(await hashOf(), await hashOf());
});

test.run();
