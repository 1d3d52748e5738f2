/** Event time through real tasks: from splits and from operators in the middle of a chain, to timers and over channels. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { maxWatermark, noTimestamp, type Operator, type Source } from '../../dataflow/contracts.js';
import { keyedProcessOperator } from '../../dataflow/operators/keyed-process.js';
import { timestampsAndWatermarksOperator } from '../../dataflow/operators/timestamps-and-watermarks.js';
import type { TimeAssignment } from '../../dataflow/time/time-assignment.js';
import { TaskHarness, type TaskHarnessOptions } from '../../testing/task-harness.js';
import { paced, rangeSource, streamGraph, type NodeSketch } from '../support/stream-jobs.js';

interface Reading {
  readonly split: number;
  readonly at: number;
}

/** Timestamps are those of the records; the watermark is a millisecond behind the highest. */
const monotonous: TimeAssignment = {
  assign: (value) => (value as Reading).at,
  generator: { kind: 'bounded-out-of-orderness', delayMs: 0 },
  idleAfterMs: undefined,
  alignment: undefined,
};

/** A reading every virtual millisecond: index 0, 1, … of split s are at `10 s + index`. */
function readings(splits: number, recordsPerSplit: number): Source<unknown> {
  return paced(rangeSource({ splits, recordsPerSplit, value: (split, index): Reading => ({ split, at: 1_000 * split + index }) }));
}

interface Seen {
  readonly value: Reading;
  readonly timestamp: number;
  readonly watermark: number;
}

/** Records with what the watermark was when they came, and every watermark. */
class Probe {
  readonly seen: Seen[] = [];
  readonly watermarks: number[] = [];

  readonly create = (): Operator => {
    return {
      bind: (_out, context) => (value, timestamp) =>
        void this.seen.push({ value: value as Reading, timestamp, watermark: context.currentWatermark() }),
      onWatermark: (watermark) => void this.watermarks.push(watermark),
    };
  };
}

function job(
  nodes: readonly NodeSketch[],
  options: Omit<TaskHarnessOptions, 'graph'> & { readonly intervalMs?: number } = {},
): TaskHarness {
  const edges = nodes.slice(1).map((node, index) => {
    const before = nodes[index] as NodeSketch;
    return { from: before.name, to: node.name, partitioner: before.parallelism === node.parallelism ? 'FORWARD' : 'REBALANCE' } as const;
  });
  return new TaskHarness({
    ...options,
    graph: streamGraph({ nodes, edges, settings: { autoWatermarkIntervalMs: options.intervalMs ?? 10 } }),
  });
}

const test = suite('event time');

test('a source stamps its records; watermarks come periodically, behind the records, and MAX at the end', async () => {
  for (const isChained of [true, false]) {
    const probe = new Probe();
    const harness = job([
      { name: 'readings', source: readings(1, 100), time: monotonous },
      { name: 'sink', isSink: true, isChained, create: probe.create },
    ]);
    harness.deploy();
    await harness.runToEnd();
    assert.is(probe.seen.length, 100);
    for (const { value, timestamp, watermark } of probe.seen) {
      assert.is(timestamp, value.at);
      assert.ok(watermark < timestamp, `${timestamp} came after watermark ${watermark}`);
    }
    assert.is(probe.watermarks.at(-1), maxWatermark);
    assert.ok(probe.watermarks.length >= 5 && probe.watermarks.length <= 30, `${probe.watermarks.length} watermarks of 100 records`);
    assert.equal(
      probe.watermarks,
      [...probe.watermarks].sort((left, right) => left - right),
    );
  }
});

/** Watermarks before the end of 30,000 records that come at once, and how often a generator was asked for one. */
async function ofManyRecords(options: { readonly intervalMs: number; readonly isInChain: boolean; readonly isCustom?: boolean }) {
  const probe = new Probe();
  let asked = 0;
  const custom: TimeAssignment = {
    ...monotonous,
    generator: { kind: 'custom', create: () => ({ onPeriodicEmit: () => void (asked += 1) }) },
  };
  const time = options.isCustom === true ? custom : monotonous;
  const source = rangeSource({ splits: 1, recordsPerSplit: 30_000, value: (split, index): Reading => ({ split, at: index }) });
  const harness = job(
    [
      { name: 'readings', source, ...(options.isInChain ? {} : { time }) },
      ...(options.isInChain ? [{ name: 'assign', create: () => timestampsAndWatermarksOperator(time) }] : []),
      { name: 'sink', isSink: true, create: probe.create },
    ],
    options,
  );
  harness.deploy();
  await harness.runToEnd();
  return { watermarks: probe.watermarks.slice(0, -1), asked };
}

test('between two periods the watermark is brought up to the records after so many of them, where they alone make it (TT8)', async () => {
  for (const isInChain of [false, true]) {
    const { watermarks } = await ofManyRecords({ intervalMs: 1_000_000, isInChain });
    assert.is(watermarks.length, Math.floor(30_000 / limits.recordsPerWatermark));
    assert.equal((await ofManyRecords({ intervalMs: 0, isInChain })).watermarks, [], 'none was asked for');
    assert.equal(await ofManyRecords({ intervalMs: 1_000_000, isInChain, isCustom: true }), { watermarks: [], asked: 0 });
  }
});

test('a split nobody reads yet holds time, and so does one before its first record (SM1)', async () => {
  const probe = new Probe();
  const harness = job([
    { name: 'readings', source: readings(3, 60), time: monotonous },
    { name: 'sink', isSink: true, create: probe.create },
  ]);
  harness.deploy();
  await harness.runToEnd();
  const early = probe.seen.filter(({ value }) => value.split < 2);
  assert.is(early.length, 120);
  for (const { watermark } of early) assert.is(watermark, Number.MIN_SAFE_INTEGER, 'the third split could still have begun at any time');
  assert.ok((probe.seen.at(-1) as Seen).watermark > 2_000, 'with the last split time goes on');
});

test('readers of one source hold each other: nothing is late at any parallelism (SM1, SI1)', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const probe = new Probe();
    const splits = 1 + (seed % 5);
    const harness = job(
      [
        { name: 'readings', source: readings(splits, 40), time: monotonous, parallelism: 2 },
        { name: 'sink', isSink: true, create: probe.create },
      ],
      { seed, intervalMs: 2 },
    );
    harness.deploy();
    await harness.runToEnd();
    assert.is(probe.seen.length, splits * 40);
    for (const { timestamp, watermark } of probe.seen) assert.ok(watermark < timestamp, `seed ${seed}: ${timestamp} after ${watermark}`);
    assert.is(probe.watermarks.at(-1), maxWatermark);
  }
});

test('nothing is late after restarts either, whatever was on its way to a reader (SM1, SM4)', async () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const probe = new Probe();
    const harness = job(
      [
        { name: 'readings', source: readings(5, 60), time: monotonous, parallelism: 2 },
        { name: 'sink', isSink: true, create: probe.create },
      ],
      { seed, intervalMs: 2, checkpointEveryMs: 7 },
    );
    harness.deploy();
    for (let kills = 0; kills < 3 && !harness.isFinished; kills += 1) {
      const before = harness.completed.length;
      await harness.runUntil(() => harness.completed.length > before || harness.isFinished);
      if (!harness.isFinished) harness.restart();
    }
    await harness.runToEnd();
    const seen = new Set(probe.seen.map(({ timestamp }) => timestamp));
    assert.is(seen.size, 300, `seed ${seed}: every record came`);
    for (const { timestamp, watermark } of probe.seen) assert.ok(watermark < timestamp, `seed ${seed}: ${timestamp} after ${watermark}`);
  }
});

test('parts of one ordered file hold only from the first that is read (SC5)', async () => {
  const probe = new Probe();
  const source = readings(3, 60);
  const ordered: Source<unknown> = {
    ...source,
    enumerate: async (context) => (await source.enumerate(context)).map((split) => ({ ...split, orderedIn: 'file' })),
  };
  const harness = job([
    { name: 'readings', source: ordered, time: monotonous },
    { name: 'sink', isSink: true, create: probe.create },
  ]);
  harness.deploy();
  await harness.runToEnd();
  assert.ok((probe.seen[59] as Seen).watermark > 10, 'time went on in the first part');
  for (const { timestamp, watermark } of probe.seen) assert.ok(watermark < timestamp, `${timestamp} after ${watermark}`);
});

test('an operator begins time anew in the middle of a chain: before it nothing changes, behind it its watermarks count (TT1, TW1)', async () => {
  for (const isChained of [true, false]) {
    const [before, after] = [new Probe(), new Probe()];
    const passing = (probe: Probe) => (): Operator => {
      const inner = probe.create();
      return {
        ...inner,
        bind: (out, context) => {
          const take = inner.bind(out, context);
          return (value, timestamp) => {
            take(value, timestamp);
            out(value, timestamp);
          };
        },
      };
    };
    const harness = job([
      { name: 'readings', source: readings(2, 400), time: { ...monotonous, generator: { kind: 'none' } } },
      { name: 'before', create: passing(before) },
      {
        name: 'assign',
        isChained,
        create: () => timestampsAndWatermarksOperator({ ...monotonous, assign: (value) => (value as Reading).at + 7 }),
      },
      { name: 'after', create: passing(after) },
      { name: 'sink', isSink: true, isChained, create: () => ({ bind: () => () => undefined }) },
    ]);
    harness.deploy();
    await harness.runToEnd();
    assert.equal(before.watermarks, [maxWatermark]);
    assert.ok(before.seen.every(({ value, timestamp }) => timestamp === value.at));
    assert.ok(after.watermarks.length > 5);
    assert.is(after.watermarks.at(-1), maxWatermark);
    assert.ok(after.seen.every(({ value, timestamp, watermark }) => timestamp === value.at + 7 && watermark < timestamp));
    assert.ok(after.seen.some(({ watermark }) => watermark > 1_000));
  }
});

test('a watermark made for one record leaves before the next (TT2)', async () => {
  const perRecord: TimeAssignment = {
    ...monotonous,
    generator: { kind: 'custom', create: () => ({ onEvent: (_value, timestamp, output) => output.emitWatermark(timestamp) }) },
  };
  for (const isSourceTime of [true, false]) {
    const probe = new Probe();
    const source = rangeSource({ splits: 1, recordsPerSplit: 50, value: (split, index): Reading => ({ split, at: index }) });
    const harness = job(
      [
        { name: 'readings', source, ...(isSourceTime ? { time: perRecord } : {}) },
        ...(isSourceTime ? [] : [{ name: 'assign', create: () => timestampsAndWatermarksOperator(perRecord) }]),
        { name: 'sink', isSink: true, isChained: false, create: probe.create },
      ],
      { intervalMs: 0 },
    );
    harness.deploy();
    await harness.runToEnd();
    if (isSourceTime) {
      // Until the JobManager said that no other split holds time.
      assert.ok(probe.seen.every(({ timestamp, watermark }) => watermark < timestamp));
      continue;
    }
    assert.equal(
      probe.seen.map(({ watermark }) => watermark),
      [Number.MIN_SAFE_INTEGER, ...Array.from({ length: 49 }, (_, index) => index)],
    );
  }
});

test('how far a split has come is restored with it: time does not begin from nothing (SM4)', async () => {
  const probe = new Probe();
  const harness = job(
    [
      { name: 'readings', source: readings(1, 2_000), time: monotonous },
      { name: 'sink', isSink: true, create: probe.create },
    ],
    { checkpointEveryMs: 50 },
  );
  harness.deploy();
  await harness.runUntil(() => harness.completed.length > 3);
  const before = probe.seen.length;
  probe.seen.length = 0;
  harness.restart();
  await harness.runToEnd();
  assert.ok(before > 100);
  const held = probe.seen.filter(({ watermark }) => watermark === Number.MIN_SAFE_INTEGER);
  assert.ok(probe.seen.length > held.length + 100, 'time goes on once the JobManager said that nothing holds it');
  for (const { timestamp, watermark } of probe.seen) assert.ok(watermark < timestamp);
});

test('an idle source does not hold the other: time goes on, and comes back with the first record (TT4)', async () => {
  const probe = new Probe();
  let quietLeft = 200;
  const quiet = rangeSource({ splits: 1, recordsPerSplit: 1, value: (): Reading => ({ split: 9, at: 5_000 }) });
  const silentAtFirst: Source<unknown> = {
    ...quiet,
    createReader: (context) => {
      const reader = quiet.createReader(context);
      return {
        ...reader,
        start: (split, position) => reader.start(split, position),
        poll: (output, recordsMax) => ((quietLeft -= 1) > 0 ? 'pending' : reader.poll(output, recordsMax)),
        whenAvailable: () => new Promise((resolve) => void context.clock.setTimer(5, resolve)),
      };
    },
  };
  const harness = new TaskHarness({
    graph: streamGraph({
      settings: { autoWatermarkIntervalMs: 10 },
      nodes: [
        { name: 'readings', source: readings(1, 900), time: monotonous },
        { name: 'quiet', source: silentAtFirst, time: { ...monotonous, idleAfterMs: 50 } },
        { name: 'sink', isSink: true, create: probe.create },
      ],
      edges: [
        { from: 'readings', to: 'sink', partitioner: 'REBALANCE' },
        { from: 'quiet', to: 'sink', partitioner: 'REBALANCE' },
      ],
    }),
  });
  harness.deploy();
  await harness.runToEnd();
  const fromReadings = probe.seen.filter(({ value }) => value.split === 0);
  assert.is(fromReadings.length, 900);
  assert.is((fromReadings[20] as Seen).watermark, Number.MIN_SAFE_INTEGER, 'the quiet source holds time until it counts as idle');
  assert.ok((fromReadings.at(-1) as Seen).watermark > 500, 'then time goes on without it');
  assert.is(probe.watermarks.at(-1), maxWatermark);
});

test('a timestamp that is none fails the job, by the name of the source or the operator (TG1)', async () => {
  const wrong: TimeAssignment = { ...monotonous, assign: () => Number.NaN };
  for (const name of ['readings', 'assign']) {
    const harness = job([
      { name: 'readings', source: readings(1, 3), ...(name === 'readings' ? { time: wrong } : {}) },
      ...(name === 'assign' ? [{ name, create: () => timestampsAndWatermarksOperator(wrong) }] : []),
      { name: 'sink', isSink: true, create: () => ({ bind: () => () => undefined }) },
    ]);
    harness.deploy();
    try {
      await harness.runToEnd();
      assert.unreachable('the job finished');
    } catch (error) {
      assert.equal([(error as MillraceError).code, (error as MillraceError).where], ['TIMESTAMP_INVALID', name]);
    }
  }
});

test('a generator that throws, or emits what is no time, fails the job by the name of the source or the operator', async () => {
  const of = (onPeriodicEmit: () => void): TimeAssignment => ({
    ...monotonous,
    generator: { kind: 'custom', create: () => ({ onPeriodicEmit }) },
  });
  const failing = of(() => {
    throw new Error('no clock');
  });
  for (const name of ['readings', 'assign']) {
    const harness = job([
      { name: 'readings', source: readings(1, 300), ...(name === 'readings' ? { time: failing } : {}) },
      ...(name === 'assign' ? [{ name, create: () => timestampsAndWatermarksOperator(failing) }] : []),
      { name: 'sink', isSink: true, create: () => ({ bind: () => () => undefined }) },
    ]);
    harness.deploy();
    try {
      await harness.runToEnd();
      assert.unreachable('the job finished');
    } catch (error) {
      assert.equal([(error as MillraceError).code, (error as MillraceError).where], ['USER_FUNCTION_FAILED', name]);
    }
  }
});

test('records without a timestamp keep none, and move no time', async () => {
  const probe = new Probe();
  const harness = job([
    { name: 'readings', source: readings(1, 30), time: { ...monotonous, assign: undefined } },
    { name: 'sink', isSink: true, create: probe.create },
  ]);
  harness.deploy();
  await harness.runToEnd();
  assert.ok(probe.seen.every(({ timestamp }) => timestamp === noTimestamp));
  assert.equal(probe.watermarks, [maxWatermark]);
});

test('a task says where its time stands since when, what holds it, and which timer is next', async () => {
  const timed: NodeSketch = {
    name: 'timed',
    isKeyed: true,
    isChained: false,
    create: () =>
      keyedProcessOperator<string, Reading, unknown>(() => 'key', {
        processElement: ({ at }, { time }) => time.registerEventTimeTimer(at + 500),
      }) as never,
  };
  const harness = new TaskHarness({
    graph: streamGraph({
      settings: { autoWatermarkIntervalMs: 10 },
      nodes: [{ name: 'readings', source: readings(2, 300), time: monotonous }, { name: 'plain', source: readings(1, 300) }, timed],
      edges: [
        { from: 'readings', to: 'timed', partitioner: 'HASH', key: () => 'key' },
        { from: 'plain', to: 'timed', partitioner: 'HASH', key: () => 'key' },
      ],
    }),
  });
  harness.deploy();
  const timesOf = (name: string) =>
    harness
      .tasks()
      .find((task) => task.name.startsWith(name))
      ?.runtime.metrics().eventTimes?.[0];
  await harness.runUntil(() => (timesOf('timed')?.nextTimers.length ?? 0) > 0);
  assert.equal(timesOf('plain')?.heldBy, { kind: 'no-strategy' });
  assert.equal(timesOf('readings')?.heldBy, { kind: 'unread-splits' });
  const held = timesOf('timed');
  assert.equal([held?.watermark, held?.heldBy?.kind, held?.nextTimers[0]?.at], [null, 'channel', 500]);
  await harness.runUntil(() => timesOf('readings')?.heldBy?.kind === 'split');
  assert.equal(timesOf('readings')?.heldBy, { kind: 'split', splitId: 'split-1' });
  await harness.runUntil(() => timesOf('readings')?.watermark !== null);
  const moved = timesOf('readings')?.since ?? 0;
  await harness.runUntil(() => (timesOf('readings')?.since ?? 0) > moved);
  await harness.runToEnd();
});

test('readers of a group wait for the one that is furthest behind, and none waits for one that ended (AG1, AG2, SI3)', async () => {
  const aligned = { ...monotonous, alignment: { group: 'g', maxDriftMs: 100, updateIntervalMs: 20 } };
  const drifts: number[] = [];
  const latest = new Map<string, number>();
  const note = (name: string) => (): Operator => ({
    bind: () => (value) => {
      latest.set(name, (value as Reading).at);
      const [slow, fast] = [latest.get('slow'), latest.get('fast')];
      if (name === 'fast' && (slow ?? 0) < 590) drifts.push((fast as number) - (slow ?? 0));
    },
  });
  const source = (everyMs: number, records: number) =>
    paced(rangeSource({ splits: 1, recordsPerSplit: records, value: (split, index): Reading => ({ split, at: index }) }), everyMs);
  for (const isAligned of [true, false]) {
    drifts.length = 0;
    latest.clear();
    const time = isAligned ? aligned : monotonous;
    const harness = new TaskHarness({
      graph: streamGraph({
        settings: { autoWatermarkIntervalMs: 10 },
        nodes: [
          { name: 'slow', source: source(5, 600), time },
          { name: 'fast', source: source(1, 2_000), time },
          { name: 'slow sink', isSink: true, create: note('slow') },
          { name: 'fast sink', isSink: true, create: note('fast') },
        ],
        edges: [
          { from: 'slow', to: 'slow sink' },
          { from: 'fast', to: 'fast sink' },
        ],
      }),
    });
    harness.deploy();
    await harness.runToEnd();
    assert.is(latest.get('fast'), 1_999, 'the fast one goes on when the slow one ended');
    const most = Math.max(...drifts);
    if (isAligned) assert.ok(most > 80 && most <= 103, `the fast reader was ${most} ms ahead`);
    else assert.ok(most > 1_000, `nothing held it: ${most} ms`);
  }
});

test('splits that wait for their turn in a reader never make it wait for itself', async () => {
  const aligned = { ...monotonous, alignment: { group: 'g', maxDriftMs: 5, updateIntervalMs: 20 } };
  const probe = new Probe();
  const harness = job([
    { name: 'readings', source: readings(3, 30), time: aligned, parallelism: 2 },
    { name: 'sink', isSink: true, create: probe.create },
  ]);
  harness.deploy();
  await harness.runToEnd();
  assert.is(probe.seen.length, 90);
});

test.run();
