/** Who is told that one of two inputs has ended, and when: after its last record, once an attempt (DE1, TP4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark, noTimestamp, type Operator } from '../../dataflow/contracts.js';
import { DataEnds } from '../../dataflow/task/data-ends.js';
import { mapStateDescriptor, type DataStream, type SingleOutputStream } from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, rangeSource, streamGraph } from '../support/stream-jobs.js';

const numbers = (from: string, splits: number, recordsPerSplit: number) =>
  rangeSource({ splits, recordsPerSplit, value: (split, index) => ({ from, n: split * recordsPerSplit + index }) });
const test = suite('end of one input');

test('an input has ended with the last of its channels, whatever gates they came through (DE1)', () => {
  const channels = (count: number): never[] => new Array<never>(count);
  const ends = new DataEnds([
    { inputIndex: 0, channels: channels(2).fill(undefined as never) },
    { inputIndex: 1, channels: channels(1).fill(undefined as never) },
    { inputIndex: 0, channels: channels(1).fill(undefined as never) },
  ]);
  assert.equal(
    [0, 3, 1].map((channel) => ends.end(channel)),
    [undefined, undefined, 0],
  );
  assert.equal([ends.has(0), ends.has(2), ends.areAll], [true, false, false]);
  assert.equal([ends.end(2), ends.areAll], [1, true]);
});

for (const parallelism of [1, 3]) {
  test(`in a task: after the last record of the input, before the end of all, at parallelism ${parallelism}`, async () => {
    const calls: string[][] = [];
    const probe = (): Operator => {
      const mine: string[] = [];
      calls.push(mine);
      return {
        bind: () => () => void mine.push('first'),
        bindSecond: () => () => void mine.push('second'),
        onWatermark: (watermark) => void mine.push(`watermark ${watermark === maxWatermark}`),
        endInputOf: (input) => void mine.push(`end of ${input}`),
        endInput: () => void mine.push('end'),
        finish: () => void mine.push('finish'),
      };
    };
    const graph = streamGraph({
      parallelism,
      nodes: [
        { name: 'a', source: numbers('a', 3, 40) },
        { name: 'b', source: numbers('b', 3, 4_000) },
        { name: 'c', source: numbers('c', 3, 40) },
        { name: 'pair', isSink: true, create: probe },
      ],
      edges: [
        { from: 'a', to: 'pair', partitioner: 'REBALANCE' },
        { from: 'c', to: 'pair', partitioner: 'REBALANCE' },
        { from: 'b', to: 'pair', inputIndex: 1, partitioner: 'REBALANCE' },
      ],
    });
    const harness = new TaskHarness({ graph, creditFrames: 1 });
    harness.deploy();
    await harness.runToEnd();
    assert.is(calls.length, parallelism);
    for (const mine of calls) {
      assert.ok(mine.lastIndexOf('first') < mine.indexOf('end of 1') && mine.lastIndexOf('second') < mine.indexOf('end of 2'));
      assert.equal(mine.filter((call) => call.startsWith('end')).sort(), ['end', 'end of 1', 'end of 2'], 'each once');
      assert.equal(mine.slice(-4), ['watermark true', 'end of 2', 'end', 'finish']);
      assert.ok(mine.lastIndexOf('second') > mine.indexOf('end of 1'), 'the second input went on');
    }
  });
}

test('a task that restores the final checkpoint is told of no end again', async () => {
  const ends: string[] = [];
  const graph = streamGraph({
    settings: checkpointed,
    nodes: [
      { name: 'a', source: numbers('a', 1, 5) },
      { name: 'b', source: numbers('b', 1, 50) },
      {
        name: 'pair',
        isSink: true,
        create: () => ({
          bind: () => () => undefined,
          bindSecond: () => () => undefined,
          endInputOf: (input) => void ends.push(`end of ${input}`),
        }),
      },
    ],
    edges: [
      { from: 'a', to: 'pair' },
      { from: 'b', to: 'pair', inputIndex: 1 },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runUntil(() => harness.completed.length > 0);
  assert.ok(harness.isRunning, 'the checkpoint completed, but nobody was told yet');
  harness.restart();
  await harness.runToEnd();
  assert.equal(ends.sort(), ['end of 1', 'end of 2']);
});

interface Reading {
  readonly key: string;
  readonly n: number;
}

/** What a job on two inputs hands on, where input 1 ends before a checkpoint that it is restored from, and input 2 at its end. */
async function linesOf(
  build: (first: DataStream<Reading>, second: DataStream<Reading>) => SingleOutputStream<string>,
): Promise<readonly string[]> {
  const [first, second] = [new TestInput<Reading>('first'), new TestInput<Reading>('second')];
  const output = new TestOutput<string>('lines');
  const job = await JobTest.start((env) => void build(env.fromSource(first), env.fromSource(second)).sinkTo(output), { parallelism: 1 });
  await first.push({ key: 'a', n: 1 });
  await second.push({ key: 'a', n: 2 });
  await first.end();
  await second.push({ key: 'a', n: 3 });
  const checkpoint = await job.checkpoint();
  await second.push({ key: 'a', n: 4 });
  await job.restore(checkpoint);
  await second.push({ key: 'a', n: 5 });
  await job.finish();
  return output.values();
}

/** The end of input 1 comes again in the second attempt, whose source has ended before it began. */
const expected = ['1: 1', '2: 2', 'end of 1', '2: 3', 'end of 1', '2: 4', '2: 5', 'end of 2'];
const ended = (input: 1 | 2): readonly string[] => [`end of ${input}`];

for (const [name, build, last] of [
  [
    'process on two streams',
    (first, second) =>
      first.connect(second).process<string>({
        processElement1: ({ n }) => [`1: ${n}`],
        processElement2: ({ n }) => [`2: ${n}`],
        endInput: ended,
        finish: () => ['finish'],
      }),
    ['finish'],
  ],
  [
    'process on two keyed streams',
    (first, second) =>
      first
        .keyBy('key')
        .connect(second.keyBy('key'))
        .process<string>({
          processElement1: ({ n }) => [`1: ${n}`],
          processElement2: ({ n }, context) => {
            context.time.registerEventTimeTimer(1_000);
            return [`2: ${n}`];
          },
          onTimer: () => ['timer'],
          endInput: ended,
        }),
    [],
  ],
  [
    'process on a stream and a broadcast one',
    (first, second) =>
      first.connect(second.broadcast(mapStateDescriptor<string, number>('seen'))).process<string>({
        processElement: ({ n }) => [`1: ${n}`],
        processBroadcastElement: ({ n }) => [`2: ${n}`],
        endInput: ended,
      }),
    [],
  ],
  [
    'process on a keyed stream and a broadcast one',
    (first, second) =>
      first
        .keyBy('key')
        .connect(second.broadcast(mapStateDescriptor<string, number>('seen')))
        .process<string>({
          processElement: ({ n }) => [`1: ${n}`],
          processBroadcastElement: ({ n }) => [`2: ${n}`],
          endInput: ended,
        }),
    [],
  ],
] as readonly (readonly [string, Parameters<typeof linesOf>[0], readonly string[]])[]) {
  test(`${name}: the function is told of each end once an attempt, also of one that came before the attempt`, async () => {
    const lines = (await linesOf(build)).filter((line) => line !== 'timer');
    const sorted = (values: readonly string[]): string[] => [...values].sort();
    assert.equal(sorted(lines), sorted([...expected, ...last]), lines.join(', '));
    assert.ok(lines.indexOf('1: 1') < lines.indexOf('end of 1') && lines.lastIndexOf('2: 5') < lines.indexOf('end of 2'));
  });
}

test('process on one stream, keyed or not: after the last record and timer, before finish; through declared fields too', async () => {
  for (const isDeclared of [false, true]) {
    const input = new TestInput<Reading>('readings');
    const [plain, keyed] = [new TestOutput<string>('plain'), new TestOutput<string>('keyed')];
    const job = await JobTest.start((env) => {
      const readings = env.fromSource(input);
      const function_ = {
        processElement: ({ n }: Pick<Reading, 'n'>) => [`${n}`],
        endInput: () => ['end'],
        finish: () => ['finish'],
      };
      (isDeclared ? readings.uses('n').process(function_) : readings.process(function_)).sinkTo(plain);
      const keyedFunction = {
        processElement: ({ n }: Pick<Reading, 'n'>, { time }: { time: { registerEventTimeTimer(at: number): void } }) => {
          time.registerEventTimeTimer(1_000);
          return [`${n}`];
        },
        onTimer: () => ['timer'],
        endInput: () => ['end'],
      };
      (isDeclared ? readings.keyBy('key').uses('n').process(keyedFunction) : readings.keyBy('key').process(keyedFunction)).sinkTo(keyed);
    });
    await input.push({ key: 'a', n: 1 });
    await job.finish();
    assert.equal(
      [plain.values(), keyed.values()],
      [
        ['1', 'end', 'finish'],
        ['1', 'timer', 'end'],
      ],
    );
  }
});

test('results without number are pulled as outputs have room; records of the other input come after them', async () => {
  const output = new TestOutput<number>('numbers');
  const [first, second] = [new TestInput<Reading>('first'), new TestInput<Reading>('second')];
  const job = await JobTest.start((env) => {
    env
      .fromSource(first)
      .keyBy('key')
      .connect(env.fromSource(second).keyBy('key'))
      .process<number>({
        processElement1: () => [],
        processElement2: ({ n }) => [n],
        *endInput(input) {
          for (let n = 0; n < 30_000; n += 1) yield input * 100_000 + n;
        },
      })
      .rebalance()
      .sinkTo(output);
  });
  await second.push({ key: 'a', n: 1 });
  await first.end();
  await second.push({ key: 'a', n: 2 });
  await job.finish();
  const ofOne = Array.from({ length: 30_000 }, (_, n) => 100_000 + n);
  const ofTwo = ofOne.map((n) => n + 100_000);
  assert.equal([...output.values()], [1, ...ofOne, 2, ...ofTwo]);
  assert.ok(
    output
      .records()
      .filter(({ value }) => value > 2)
      .every(({ timestamp }) => timestamp === undefined || timestamp === noTimestamp),
  );
});

for (const [title, touch] of [
  ['state of a key', (state: { value(): unknown }) => void state.value()],
  [
    'a function that throws',
    () => {
      throw new RangeError('boom');
    },
  ],
] as const) {
  test(`${title} at the end of an input is an error that names the operator (TP4)`, async () => {
    const [first, second] = [new TestInput<Reading>('first'), new TestInput<Reading>('second')];
    const job = await JobTest.start((env) => {
      env
        .fromSource(first)
        .keyBy('key')
        .connect(env.fromSource(second).keyBy('key'))
        .process<number>((runtime) => {
          const seen = runtime.valueState<number>('seen');
          return {
            processElement1: () => seen.update(1),
            processElement2: () => seen.update(1),
            endInput: () => touch(seen),
          };
        })
        .name('pair')
        .sinkTo(new TestOutput<number>('none'));
    });
    await first.push({ key: 'a', n: 1 });
    let failure: unknown;
    try {
      await first.end();
      await job.finish();
    } catch (error) {
      failure = error;
    }
    assert.match(
      String(failure) + JSON.stringify(failure),
      title === 'state of a key' ? /pair.*STATE_WITHOUT_KEY|STATE_WITHOUT_KEY.*pair/ : /boom/,
    );
    await job.close();
  });
}

test.run();
