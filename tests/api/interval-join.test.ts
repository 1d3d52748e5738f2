/** Jobs that join streams by time, against a naive join of everything. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  outputTag,
  sequenceSource,
  throttled,
  WatermarkStrategy,
  type IntervalJoin,
  type SingleOutputStream,
  type StreamExecutionEnvironment,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { refused } from '../support/refused.js';
import { Committed, runGraph } from '../support/run-graph.js';
import { nothing } from '../support/sinks.js';
import { graphOf } from '../support/word-count.js';

boundTests({ testMs: 60_000 });
const test = suite('jobs that join by time');

interface Item {
  readonly n: number;
  readonly key: number;
  readonly t: number;
}

const count = 240;
const lower = -45;
const upper = 30;
/** Records are at most so far behind one before them in their split. */
const disorderMs = 40;

/** Every split goes through the same times, a little out of order. */
const itemOf = (n: number, parallelism: number, factor: number, delayMs = 0): Item => ({
  n,
  key: (n * factor) % 7,
  t: (n % (count / parallelism)) * 10 + ((n * (26 + factor)) % disorderMs) - (isDelayed(n) ? delayMs : 0),
});

interface ItemsOptions {
  readonly parallelism: number;
  readonly factor: number;
  /** How far every tenth record is behind; default not at all. */
  readonly delayMs?: number;
}

const isDelayed = (n: number): boolean => n % 10 === 3;

function items(env: StreamExecutionEnvironment, { parallelism, factor, delayMs = 0 }: ItemsOptions): SingleOutputStream<Item> {
  const strategy = WatermarkStrategy.forBoundedOutOfOrderness<Item>(disorderMs).withTimestampAssigner(({ t }) => t);
  return env
    .fromSource(throttled(sequenceSource(0, count - 1, { splits: parallelism }), { recordsPerSecond: 3_000 / parallelism }))
    .map((n) => itemOf(n, parallelism, factor, delayMs))
    .assignTimestampsAndWatermarks(strategy);
}

const everyItem = (parallelism: number, factor: number, delayMs?: number): readonly Item[] =>
  Array.from({ length: count }, (_, n) => itemOf(n, parallelism, factor, delayMs));

const naivePairs = (parallelism: number, delayMs?: number): readonly string[] =>
  everyItem(parallelism, 1, delayMs)
    .flatMap((left) =>
      everyItem(parallelism, 3, delayMs)
        .filter(({ key, t }) => key === left.key && t >= left.t + lower && t <= left.t + upper)
        .map(({ n }) => `${left.n}-${n}`),
    )
    .sort();

for (const parallelism of [1, 2, 4]) {
  test(`pairs are those of a naive join, each exactly once under failures, at parallelism ${parallelism} (IJ1)`, async () => {
    const expected = naivePairs(parallelism);
    assert.ok(expected.length > 100);
    let kills = 0;
    for (let seed = 1; seed <= 4; seed += 1) {
      const out = new Committed<string>();
      kills += await runGraph(
        (env) => {
          env.setParallelism(parallelism).setAutoWatermarkInterval(5);
          items(env, { parallelism, factor: 1 })
            .keyBy('key')
            .intervalJoin(items(env, { parallelism, factor: 3 }).keyBy('key'))
            .between(lower, upper)
            .process<string>({ processElement: (left, right) => [`${left.n}-${right.n}`] })
            .sinkTo(out.sink);
        },
        { seed, killsMax: 3 },
      );
      assert.equal(out.lines(), expected, `seed ${seed}`);
    }
    assert.ok(kills > 0, 'nothing was killed');
  });
}

test('late records come out at the side of their stream, and only pairs that one of them would be in are missing (IJ2)', async () => {
  const delayMs = 400;
  const [lateLeft, lateRight] = [outputTag<Item>('late left'), outputTag<Item>('late right')];
  const [pairs, lefts, rights] = [new Committed<string>(), new Committed<Item>(), new Committed<Item>()];
  await runGraph((env) => {
    env.setParallelism(1).setAutoWatermarkInterval(1);
    const joined = items(env, { parallelism: 1, factor: 1, delayMs })
      .keyBy('key')
      .intervalJoin(items(env, { parallelism: 1, factor: 3, delayMs }).keyBy(({ key }) => key))
      .between(lower, upper)
      .sideOutputLeftLateData(lateLeft)
      .sideOutputRightLateData(lateRight)
      .process<string>({ processElement: (left, right) => [`${left.n}-${right.n}`] });
    joined.sinkTo(pairs.sink);
    joined.getSideOutput(lateLeft).sinkTo(lefts.sink);
    joined.getSideOutput(lateRight).sinkTo(rights.sink);
  });
  const late = { left: new Set(lefts.values().map(({ n }) => n)), right: new Set(rights.values().map(({ n }) => n)) };
  assert.ok(late.left.size > 0 && late.right.size > 0, 'nothing was late');
  assert.ok([...late.left, ...late.right].every(isDelayed), 'records came late that were within the bound');
  const isOfLate = (pair: string): boolean => {
    const [left, right] = pair.split('-').map(Number) as [number, number];
    return late.left.has(left) || late.right.has(right);
  };
  assert.equal(
    pairs.lines(),
    naivePairs(1, delayMs).filter((pair) => !isOfLate(pair)),
  );
});

test('bounds may be text, negative and exclusive; they count in the fingerprint', () => {
  const fingerprintOf = (
    change: (join: IntervalJoin<number, Item, Item>) => ReturnType<IntervalJoin<number, Item, Item>['between']>,
  ): string =>
    graphOf((env) => {
      const keyed = env.fromCollection(everyItem(1, 1)).keyBy('key');
      change(keyed.intervalJoin(keyed))
        .process<string>({ processElement: () => [] })
        .sinkTo(nothing());
    }).fingerprint;
  const plain = fingerprintOf((join) => join.between(-1_500, 2_000));
  assert.is(
    fingerprintOf((join) => join.between('-1.5 s', '2 s')),
    plain,
  );
  assert.is(
    fingerprintOf((join) => join.between(-1_501, 2_001).lowerBoundExclusive().upperBoundExclusive()),
    plain,
  );
  assert.is.not(
    fingerprintOf((join) => join.between(-1_500, 2_000).upperBoundExclusive()),
    plain,
  );
});

test('mistakes are refused while the job is built', () => {
  const keyed = (env: StreamExecutionEnvironment) => env.fromCollection(everyItem(1, 1)).keyBy('key');
  const joined = (env: StreamExecutionEnvironment) => keyed(env).intervalJoin(keyed(env));
  const process = { processElement: () => [] };
  refused((env) => joined(env).between('5 s', '-5 s').process(process), 'INTERVAL_EMPTY', /from 5000 ms to -5000 ms/);
  refused(
    (env) => joined(env).between(0, 1).lowerBoundExclusive().upperBoundExclusive().process(process),
    'INTERVAL_EMPTY',
    /No time lies above 0 ms to below 1 ms/,
  );
  for (const bound of [Number.NaN, Infinity, 0.5, '- 1 s s', '5 parsecs', undefined])
    refused((env) => joined(env).between(bound as never, 1), 'DURATION_INVALID', /bound|milliseconds|"10 s"/);
  refused(
    (env) =>
      joined(env)
        .between(0, 1)
        .process({} as never),
    'FUNCTION_MISSING',
    /interval-join processElement got undefined/,
  );
  refused(
    (env) =>
      joined(env)
        .between(0, 1)
        .process({ processElement: async () => [] } as never),
    'FUNCTION_ASYNC',
    /interval-join/,
  );
  refused((env) => keyed(env).intervalJoin(undefined as never), 'STREAM_MISSING', /intervalJoin got undefined instead of a stream/);
  refused(
    (env) => keyed(env).intervalJoin(env.fromData({ key: 1 }) as never),
    'STREAM_MISSING',
    /intervalJoin got a stream without a key instead of a keyed stream.*keyBy/,
  );
});

test.run();
