/** A job that is restored goes on from the time of its checkpoint (TT7): what was late stays late, and time does not wait again. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AsyncDataStream, EventTimeSessionWindows, EventTimeTrigger, outputTag } from '../../index.js';
import { SlidingEventTimeWindows, TumblingEventTimeWindows, WatermarkStrategy } from '../../index.js';
import type { DataStream, StreamExecutionEnvironment } from '../../index.js';
import type { TimeAssignment } from '../../dataflow/time/time-assignment.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { boundTests } from '../support/bounds.js';
import { checkpointed, paced, rangeSource, streamGraph } from '../support/stream-jobs.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });
const test = suite('restored time');

interface Item {
  readonly key: string;
  readonly n: number;
  readonly side: 'left' | 'right';
}

/** Records with a time, and watermarks. */
type Step = readonly [n: number, time: number] | number;
/** Many come late: one in three is further behind than the last watermark. */
const steps: readonly Step[] = [
  [0, 5],
  [1, 12],
  9,
  [2, 4],
  [3, 11],
  [4, 25],
  19,
  [5, 6],
  [6, 18],
  [7, 21],
  [8, 40],
  33,
  [9, 32],
  [10, 34],
  [11, 19],
  [14, 7],
  60,
  [12, 41],
  [15, 30],
  [16, 2],
  [13, 70],
];
const keys = ['ada', 'bob', 'cid', 'dee'];
const itemOf = (n: number): Item => ({ key: keys[n % 4] as string, n, side: n % 3 === 0 ? 'left' : 'right' });

type Answer = (items: DataStream<Item>) => DataStream<string>;

const late = outputTag<Item>('late');
const lateLeft = outputTag<Item>('late left');
const lateRight = outputTag<Item>('late right');
const lineOf = ({ n }: Item): string => `late ${n}`;

const windows = {
  tumbling: (items: DataStream<Item>) => items.keyBy('key').window(TumblingEventTimeWindows.of(10)),
  sliding: (items: DataStream<Item>) => items.keyBy('key').window(SlidingEventTimeWindows.of(20, 5)),
  session: (items: DataStream<Item>) => items.keyBy('key').window(EventTimeSessionWindows.withGap(8)),
  'tumbling with lateness': (items: DataStream<Item>) => items.keyBy('key').window(TumblingEventTimeWindows.of(10)).allowedLateness(5),
  'tumbling with a trigger': (items: DataStream<Item>) =>
    items.keyBy('key').window(TumblingEventTimeWindows.of(10)).trigger(EventTimeTrigger.create()),
};

const windowAnswers = Object.entries(windows).map(([name, windowed]): readonly [string, Answer] => [
  name,
  (items) => {
    const fired = windowed(items)
      .sideOutputLateData(late)
      .apply((key, window, members) => [`${key} ${window.maxTimestamp() + 1}: ${members.map(({ n }) => n).join(' ')}`]);
    return fired.union(fired.getSideOutput(late).map(lineOf));
  },
]);

const joined: Answer = (items) => {
  const pairs = items
    .filter(({ side }) => side === 'left')
    .keyBy('key')
    .intervalJoin(items.filter(({ side }) => side === 'right').keyBy('key'))
    .between(-20, 20)
    .sideOutputLeftLateData(lateLeft)
    .sideOutputRightLateData(lateRight)
    .process<string>({ processElement: (left, right) => [`pair ${left.n} ${right.n}`] });
  return pairs.union(pairs.getSideOutput(lateLeft).map(lineOf), pairs.getSideOutput(lateRight).map(lineOf));
};

const answers: readonly (readonly [string, Answer])[] = [...windowAnswers, ['interval join', joined]];

async function started(answer: Answer, parallelism: number) {
  const input = new TestInput<Item>('items');
  const results = new TestOutput<string>();
  const job = await JobTest.start((env) => void answer(env.fromSource(input)).sinkTo(results), { parallelism });
  const play = async (from: number, to: number): Promise<void> => {
    for (const step of steps.slice(from, to)) {
      if (typeof step === 'number') await input.watermark(step);
      else await input.push(itemOf(step[0]), step[1]);
    }
  };
  return { job, results, play };
}

/** The records up to the next watermark are read again at once, before the source says anything of time. */
function killedAfter(cut: number): number {
  const next = steps.findIndex((step, index) => index > cut && typeof step === 'number');
  return typeof steps[cut] === 'number' || next < 0 ? cut + 1 : next;
}

for (const [name, answer] of answers) {
  for (const [from, to] of [
    [1, 1],
    [2, 2],
    [2, 3],
    [3, 2],
  ] as const) {
    test(`${name}, ${from} to ${to} subtasks: killed at any time, the same results and the same late records`, async () => {
      const undisturbed = await started(answer, from);
      await undisturbed.play(0, steps.length);
      await undisturbed.job.finish();
      const expected = [...undisturbed.results.values()].sort();
      assert.ok(expected.filter((line) => line.startsWith('late')).length >= 3, expected.join('; '));
      for (let cut = 1; cut < steps.length; cut += 1) {
        const { job, results, play } = await started(answer, from);
        await play(0, cut);
        const checkpoint = await job.checkpoint();
        const killed = killedAfter(cut);
        await play(cut, killed);
        await job.restore(checkpoint, { parallelism: to });
        await play(killed, steps.length);
        await job.finish();
        assert.equal([...results.values()].sort(), expected, `cut after ${cut}`);
      }
    });
  }
}

async function twoInputs(
  build: (env: StreamExecutionEnvironment, left: TestInput<string>, right: TestInput<string>) => DataStream<string>,
) {
  const left = new TestInput<string>('left');
  const right = new TestInput<string>('right');
  const results = new TestOutput<string>();
  const job = await JobTest.start((env) => void build(env, left, right).sinkTo(results));
  return { left, right, results, job };
}

test('an input that says nothing more holds time no further back than before the restart', async () => {
  const { left, right, results, job } = await twoInputs((env, one, other) => env.fromSource(one).union(env.fromSource(other)).rebalance());
  await left.watermark(100);
  await right.watermark(10);
  await job.restore(await job.checkpoint());
  assert.is(results.watermark(), 10, 'before anything new came');
  await right.watermark(50);
  assert.is(results.watermark(), 50, 'left had come further, and needs not say so again');
  await left.watermark(120);
  await right.watermark(130);
  assert.is(results.watermark(), 120);
  await job.finish();
});

test('an input at its end makes no other one jump, before a restart or after', async () => {
  for (const parallelism of [1, 2]) {
    const { left, right, results, job } = await twoInputs((env, one, other) =>
      env.fromSource(one).union(env.fromSource(other)).rebalance(),
    );
    await right.watermark(10);
    await left.watermark(5);
    await left.end();
    assert.is(results.watermark(), 10);
    await job.restore(await job.checkpoint(), { parallelism });
    assert.is(results.watermark(), 10);
    await right.watermark(20);
    assert.is(results.watermark(), 20);
    await job.finish();
  }
});

test('the time that an asynchronous operator holds back is held until the restored inputs have left', async () => {
  const answers: (() => void)[] = [];
  const { left, right, results, job } = await twoInputs((env, one, other) =>
    AsyncDataStream.orderedWait(
      env.fromSource(one).union(env.fromSource(other)),
      (word) => new Promise<string>((resolve) => void answers.push(() => resolve(word))),
      { timeout: '1 h', capacity: 4 },
    ),
  );
  await right.end();
  await left.watermark(3);
  assert.is(results.watermark(), 3);
  await left.push('slow', 5);
  await left.watermark(10);
  assert.is(results.watermark(), 3);
  await job.restore(await job.checkpoint());
  assert.is(results.watermark(), 3, 'the sink goes on from what it had come to');
  assert.equal(results.values(), []);
  answers.at(-1)?.();
  await job.settle();
  assert.equal([results.values(), results.watermark()], [['slow'], 10]);
  await job.finish();
});

test('a task says which checkpoint its time is from, until it moves', async () => {
  const time: TimeAssignment = {
    assign: (value) => value as number,
    generator: { kind: 'bounded-out-of-orderness', delayMs: 0 },
    idleAfterMs: undefined,
    alignment: undefined,
  };
  const harness = new TaskHarness({
    graph: streamGraph({
      settings: { ...checkpointed, autoWatermarkIntervalMs: 10 },
      nodes: [
        { name: 'source', source: paced(rangeSource({ splits: 1, recordsPerSplit: 500, value: (_split, index) => index })), time },
        { name: 'sink', isSink: true, create: () => ({ bind: () => () => undefined }) },
      ],
      edges: [{ from: 'source', to: 'sink' }],
    }),
  });
  const told = () => harness.tasks()[0]?.runtime.metrics().eventTimes?.[0];
  harness.deploy();
  await harness.runUntil(() => (told()?.watermark ?? 0) > 20);
  const id = harness.triggerCheckpoint();
  await harness.runUntil(() => harness.completed.length > 0);
  const watermark = harness.completed[0]?.tasks.values().next().value?.operators[0]?.watermark;
  harness.restart();
  await harness.runUntil(() => told() !== undefined);
  assert.equal([told()?.watermark, told()?.restoredFrom], [watermark, id]);
  await harness.runUntil(() => (told()?.watermark ?? 0) > (watermark ?? Infinity));
  assert.is(told()?.restoredFrom, undefined);
  await harness.cancel();
});

test('timestamps that an operator assigns go on from its own time, as what follows it does', async () => {
  const tag = outputTag<string>('late words');
  const input = new TestInput<string>('words');
  const results = new TestOutput<string>();
  const timeOf = (word: string): number => Number(word.split(' ')[1]);
  const job = await JobTest.start((env) => {
    const fired = env
      .fromSource(input)
      .assignTimestampsAndWatermarks(
        WatermarkStrategy.forGenerator<string>(() => ({
          onEvent: (_word, time, output) => output.emitWatermark(time - 1),
        })).withTimestampAssigner(timeOf),
      )
      .keyBy((word) => word.charAt(0))
      .window(TumblingEventTimeWindows.of(10))
      .sideOutputLateData(tag)
      .apply((key, window, members) => [`${key} ${window.maxTimestamp() + 1}: ${members.length}`]);
    fired.union(fired.getSideOutput(tag).map((word) => `late ${word}`)).sinkTo(results);
  });
  await input.pushAll(['a 5', 'a 25']);
  const checkpoint = await job.checkpoint();
  await input.push('a 3');
  assert.equal(results.values(), ['a 10: 1', 'late a 3']);
  await job.restore(checkpoint);
  assert.equal(results.values(), ['a 10: 1', 'late a 3']);
  await job.finish();
});

test.run();
