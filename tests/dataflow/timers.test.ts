/** Timers and watermarks through real tasks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark, noTimestamp, type Operator } from '../../dataflow/contracts.js';
import type { KeyedProcessFunction } from '../../dataflow/functions.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import type { ValueState } from '../../storage/state/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, collector, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

interface Tick {
  readonly key: string;
  readonly at: number;
}

const keyOf = (tick: Tick): string => tick.key;
const ticks = (keys: number, each: number) =>
  rangeSource({
    splits: 1,
    recordsPerSplit: keys * each,
    value: (_split, index): Tick => ({ key: `k${index % keys}`, at: Math.floor(index / keys) }),
  });

/** The graph `ticks → function per key → sink`, the function in a task of its own. */
function timerJob(
  create: () => KeyedProcessFunction<string, Tick, unknown>,
  sink: () => Operator,
  source = ticks(3, 4),
  isCheckpointed = false,
) {
  return streamGraph({
    ...(isCheckpointed ? { settings: checkpointed } : {}),
    nodes: [
      { name: 'ticks', source },
      { name: 'per key', isKeyed: true, create: () => keyedProcessOperator<string, Tick, unknown>(keyOf, create) as never },
      { name: 'sink', isSink: true, create: sink },
    ],
    edges: [
      { from: 'ticks', to: 'per key', partitioner: 'HASH', key: (tick) => (tick as Tick).key },
      { from: 'per key', to: 'sink' },
    ],
  });
}

const test = suite('timers');

test('event timers fire in order of time, once each, before the last watermark is handed on; deleted ones do not (ET1)', async () => {
  const got: unknown[] = [];
  const watermarks: number[] = [];
  const graph = timerJob(
    () => ({
      processElement: ({ at }, { time }) => {
        time.registerEventTimeTimer(100 - at);
        time.registerEventTimeTimer(100 - at);
        time.registerEventTimeTimer(1_000 + at);
        time.deleteEventTimeTimer(1_000 + at);
      },
      onTimer: (time, context, out) => out.collect(`${context.currentKey()} ${time} ${context.domain} ${context.timestamp()}`),
    }),
    () => ({ bind: () => (value) => void got.push(value), onWatermark: (watermark) => void watermarks.push(watermark, got.length) }),
  );
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.is(got.length, 12);
  const times = got.map((line) => Number(String(line).split(' ')[1]));
  assert.equal(
    times,
    [...times].sort((left, right) => left - right),
  );
  assert.ok(got.includes('k0 97 event 97'));
  assert.equal(watermarks, [maxWatermark, 12]);
});

test('processing timers fire at their time, not before; those past the end of input do not fire', async () => {
  const fired: { readonly due: number; readonly at: number }[] = [];
  let pending = 65;
  const graph = timerJob(
    () => ({
      processElement: ({ at }, { time }) => time.registerProcessingTimeTimer(time.currentProcessingTime() + 10 * (at + 1)),
      onTimer: (due, { time, timestamp }) => {
        assert.is(timestamp(), undefined);
        fired.push({ due, at: time.currentProcessingTime() });
      },
    }),
    collector([]),
    {
      ...rangeSource({ splits: 1, recordsPerSplit: 0, value: () => 0 }),
      createReader: (context) => {
        let next = 0;
        return {
          start: () => {},
          poll: (output) => {
            if (next < 5) output.emit({ key: 'k', at: next++ } satisfies Tick, noTimestamp);
            else if (pending-- === 0) return 'split-finished';
            return 'pending';
          },
          whenAvailable: () => new Promise((resolve) => void context.clock.setTimer(2, resolve)),
          position: () => next,
          close: () => {},
        };
      },
    },
  );
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.ok(fired.length >= 2 && fired.length < 5, `${fired.length} of 5 fired`);
  for (const { due, at } of fired) assert.ok(at >= due && at < due + 5, `due ${due}, fired ${at}`);
});

test('timers and state come back with a checkpoint; a timer that is overdue fires at once, and each fires once', async () => {
  const output = new CommittedOutput<string>();
  const graph = timerJob(
    () => {
      let count: ValueState<number>;
      return {
        open: (context) => void (count = context.valueState('count')),
        processElement: (_tick, { time }) => {
          count.update((count.value() ?? 0) + 1);
          time.registerEventTimeTimer(1_000_000);
          if (count.value() === 1) time.registerProcessingTimeTimer(time.currentProcessingTime() + 1);
        },
        onTimer: (_time, context, out) =>
          out.collect(`${context.currentKey()} ${context.domain} ${context.domain === 'event' ? count.value() : ''}`),
      };
    },
    transactionalCollector(output),
    rangeSource({ splits: 60, recordsPerSplit: 20, value: (_split, index): Tick => ({ key: `k${index % 5}`, at: 0 }) }),
    true,
  );
  for (let seed = 1; seed <= 6; seed += 1) {
    output.transactions.clear();
    const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 8 });
    harness.deploy();
    for (let kills = 0; kills < 3; kills += 1) {
      const before = harness.completed.length;
      await harness.runUntil(() => harness.completed.length > before || harness.isFinished);
      if (!harness.isFinished) harness.restart();
    }
    await harness.runToEnd();
    const lines = output.values().sort();
    const expected = [0, 1, 2, 3, 4].flatMap((key) => [`k${key} event 240`, `k${key} processing `]);
    assert.equal(lines, expected, `seed ${seed}`);
  }
});

function* results(time: number): Iterable<unknown> {
  for (let index = 0; index < 2_000; index += 1) yield { n: time * 2_000 + index, large: 'x'.repeat(100) };
}

test('a timer that yields many results pauses while the output is full; the next one waits for it (ET2)', async () => {
  const got: number[] = [];
  let fired = 0;
  let mostAhead = 0;
  const graph = streamGraph({
    nodes: [
      { name: 'ticks', source: ticks(4, 1) },
      {
        name: 'per key',
        isKeyed: true,
        create: () =>
          keyedProcessOperator<string, Tick, unknown>(keyOf, {
            processElement: (_tick, { time, ...context }) => time.registerEventTimeTimer(Number(context.currentKey().slice(1))),
            onTimer: (time) => {
              fired += 1;
              return results(time);
            },
          }) as never,
      },
      {
        name: 'sink',
        isSink: true,
        isChained: false,
        create: () => ({
          bind: () => (value) => {
            got.push((value as { n: number }).n);
            mostAhead = Math.max(mostAhead, fired - got.length / 2_000);
          },
        }),
      },
    ],
    edges: [
      { from: 'ticks', to: 'per key', partitioner: 'HASH', key: (tick) => (tick as Tick).key },
      { from: 'per key', to: 'sink', partitioner: 'REBALANCE' },
    ],
  });
  const harness = new TaskHarness({
    graph,
    creditFrames: 1,
    placement: (vertex) => ({ taskManagerId: 'tm', slot: vertex.name === 'sink' ? 1 : 0 }),
  });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(
    got,
    Array.from({ length: 8_000 }, (_, index) => index),
  );
  assert.ok(mostAhead < 2, `${mostAhead} timers were ahead of the sink`);
});

test.run();
