/** Tasks that share a slot: nobody starves, control comes in between, and one record may yield any number of results. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { noTimestamp, type Operator, type Source } from '../../dataflow/contracts.js';
import { flatMapOperator } from '../../dataflow/operators/flat-map.js';
import type { StreamGraph } from '../../graph/types.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { boundTests } from '../support/bounds.js';
import { checkpointed, collector, rangeSource, streamGraph } from '../support/stream-jobs.js';

boundTests({ testMs: 90_000, fileMs: 200_000 });
const test = suite('fair loop');

/** Records a slice may take under a simulated clock: `recordsPerSlice` of the simulator, and one poll more. */
const sliceRecords = 2 * 2_048;

/** Counts up for ever; `emitted` is how far it is. */
function endlessSource(): { readonly source: Source<unknown>; emitted: number } {
  const endless: { readonly source: Source<unknown>; emitted: number } = {
    emitted: 0,
    source: {
      name: 'endless',
      boundedness: 'unbounded',
      enumerate: async () => [{ id: 'all', data: null }],
      createReader: () => ({
        start: () => {},
        poll: (output, recordsMax) => {
          for (let count = 0; count < recordsMax && output.isAvailable(); count += 1) output.emit((endless.emitted += 1), noTimestamp);
          return 'more';
        },
        whenAvailable: () => Promise.resolve(),
        position: () => endless.emitted,
        close: () => {},
      }),
    },
  };
  return endless;
}

const oneSlot = () => ({ taskManagerId: 'tm', slot: 0 });

test('tasks with endless input in one slot get on alike, and those behind them too (L2)', async () => {
  const [left, right] = [endlessSource(), endlessSource()];
  let counted = 0;
  const graph = streamGraph({
    settings: checkpointed,
    nodes: [
      { name: 'left', source: left.source },
      { name: 'right', source: right.source },
      { name: 'quiet', isSink: true, create: () => ({ bind: () => () => {} }) },
      { name: 'count', isSink: true, isChained: false, create: () => ({ bind: () => () => void (counted += 1) }) },
    ],
    edges: [
      { from: 'left', to: 'quiet' },
      { from: 'right', to: 'count', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({ graph, placement: oneSlot });
  harness.deploy();
  await harness.runUntil(() => counted > 500_000);
  assert.ok(right.emitted >= counted && right.emitted - counted <= 10 * sliceRecords, `${right.emitted} emitted, ${counted} counted`);
  const ratio = left.emitted / right.emitted;
  // The one on the right waits for its consumer as well; the other one is not held back by anything.
  assert.ok(ratio > 0.5 && ratio < 5, `${left.emitted} and ${right.emitted}`);
});

test('a trigger that comes while all tasks have input is followed after one slice of each at most; so is a cancellation', async () => {
  const sources = [endlessSource(), endlessSource(), endlessSource()];
  const atSnapshot: number[] = [];
  const emitted = (): number[] => sources.map((source) => source.emitted);
  const graph = streamGraph({
    settings: checkpointed,
    nodes: sources.flatMap(({ source }, index) => [
      { name: `source ${index}`, source },
      {
        name: `sink ${index}`,
        isSink: true,
        create: (): Operator => ({ bind: () => () => {}, snapshot: () => void (atSnapshot[index] = emitted()[index] as number) }),
      },
    ]),
    edges: sources.map((_, index) => ({ from: `source ${index}`, to: `sink ${index}` })),
  });
  const harness = new TaskHarness({ graph, placement: oneSlot });
  harness.deploy();
  await harness.runUntil(() => sources.every((source) => source.emitted > 10_000));
  for (let checkpoint = 1; checkpoint <= 5; checkpoint += 1) {
    // Taken when the last of the three tasks hears of it; the others may have gone on before.
    const triggered: number[] = [];
    for (const [index, { runtime }] of harness.tasks().entries()) {
      const trigger = runtime.triggerCheckpoint.bind(runtime);
      runtime.triggerCheckpoint = (order) => ((triggered[index] = sources[index]?.emitted as number), trigger(order));
    }
    harness.triggerCheckpoint();
    await harness.runUntil(() => harness.completed.length === checkpoint);
    for (const index of sources.keys()) {
      const later = (atSnapshot[index] as number) - (triggered[index] as number);
      assert.ok(later >= 0 && later <= sliceRecords, `source ${index} emitted ${later} records after it was triggered`);
    }
  }
  const before = emitted();
  await harness.cancel();
  assert.equal(emitted(), before, 'a task that is cancelled emits nothing more');
});

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

const results = 10_000_000;

interface Expansion {
  readonly graph: StreamGraph<never, never>;
  /** Results that came through. */
  readonly progress: { count: number; sum: number; isClosed: boolean };
}

/** One record, ten million results through a channel between slots. */
function expansion(onResult: (count: number) => void): Expansion {
  const progress = { count: 0, sum: 0, isClosed: false };
  function* expand(): Generator<number> {
    try {
      for (let n = 0; n < results; n += 1) yield n;
    } finally {
      progress.isClosed = true;
    }
  }
  const graph = streamGraph({
    settings: checkpointed,
    nodes: [
      { name: 'one', source: rangeSource({ splits: 1, recordsPerSplit: 1, value: () => 'go' }) },
      { name: 'expand', create: () => flatMapOperator<unknown, number>(() => expand()) as never },
      {
        name: 'sum',
        isSink: true,
        isChained: false,
        create: () => ({
          bind: () => (value) => {
            progress.count += 1;
            progress.sum += value as number;
            if (progress.count % 1_000_000 === 0) onResult(progress.count);
          },
        }),
      },
    ],
    edges: [
      { from: 'one', to: 'expand' },
      { from: 'expand', to: 'sum', partitioner: 'REBALANCE' },
    ],
  }) as never;
  return { graph, progress };
}

const twoSlots = (vertex: { readonly name: string }) => ({ taskManagerId: 'tm', slot: vertex.name === 'sum' ? 1 : 0 });

test('ten million results of one record take no more memory than the first million; a checkpoint waits for the last', async () => {
  const used: number[] = [];
  let completedMeanwhile = 0;
  const { graph, progress } = expansion(() => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    used.push(heapUsed + external);
    completedMeanwhile = harness.completed.length;
  });
  const harness = new TaskHarness({ graph, placement: twoSlots });
  harness.deploy();
  await harness.runUntil(() => progress.count > 1_000_000);
  harness.triggerCheckpoint();
  await harness.runToEnd();
  assert.is(progress.count, results);
  assert.is(progress.sum, (results * (results - 1)) / 2);
  const [first, ...later] = used as [number, ...number[]];
  const growth = Math.max(...later) - first;
  console.log(`note: ${(first / 2 ** 20).toFixed(1)} MiB after a million results, at most ${(growth / 2 ** 20).toFixed(2)} MiB more later`);
  assert.ok(growth < 8 * 2 ** 20, `${used.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(', ')} MiB`);
  assert.is(completedMeanwhile, 0, 'there is no state between two results of a record');
  assert.ok(harness.completed.length >= 1 && harness.declined.length === 0, 'the checkpoint completed afterwards');
});

test('a task is cancelled in the middle of a result; the generator is told (RP3)', async () => {
  const { graph, progress } = expansion(() => {});
  const harness = new TaskHarness({ graph, placement: twoSlots });
  harness.deploy();
  await harness.runUntil(() => progress.count > 100_000);
  await harness.cancel();
  assert.ok(progress.isClosed);
  assert.ok(progress.count < 1_000_000, `${progress.count} results`);
});

test('collecting past the overdraft instead fails, names the operator and says what to do', async () => {
  const graph = streamGraph({
    nodes: [
      { name: 'one', source: rangeSource({ splits: 1, recordsPerSplit: 1, value: () => 'go' }) },
      {
        name: 'burst',
        create: () =>
          flatMapOperator<unknown, string>((_, out) => {
            for (let n = 0; n < results; n += 1) out.collect(`${n}: ${'x'.repeat(100)}`);
          }) as never,
      },
      { name: 'sink', isSink: true, isChained: false, create: collector([]) },
    ],
    edges: [
      { from: 'one', to: 'burst' },
      { from: 'burst', to: 'sink', partitioner: 'REBALANCE' },
    ],
  });
  for (const slot of [0, 1]) {
    const harness = new TaskHarness({ graph, placement: (vertex) => ({ taskManagerId: 'tm', slot: vertex.name === 'sink' ? slot : 0 }) });
    harness.deploy();
    await harness.runUntil(() => harness.failures.length > 0);
    const { code, where, hint } = harness.failures[0]?.error as MillraceError;
    assert.equal([code, where], ['OUTPUT_OVERDRAFT', 'burst'], slot === 0 ? 'in one slot' : 'over the bus');
    assert.match(hint ?? '', /generator function/);
  }
});

test.run();
