/** Windows as users write them, run as jobs: alike at every parallelism and from every checkpoint. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CountEvictor,
  CountTrigger,
  DeltaTrigger,
  EventTimeSessionWindows,
  EventTimeTrigger,
  GlobalWindows,
  outputTag,
  ProcessingTimeoutTrigger,
  PurgingTrigger,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TimeEvictor,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
  type AggregateFunction,
  type DataStream,
  type SingleOutputStream,
  type StreamExecutionEnvironment,
  type TimeWindow,
  type Trigger,
} from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { refused } from '../support/refused.js';
import { graphOf } from '../support/word-count.js';

interface Bid {
  readonly auction: number;
  readonly price: number;
  readonly at: number;
}

const bids = Array.from({ length: 400 }, (_, n): Bid => ({ auction: (n * 7) % 5, price: (n * 31) % 101, at: 37 * n + ((n * 13) % 90) }));
const atOf = ({ at }: Bid): number => at;
const counted: AggregateFunction<Bid, number, number> = {
  createAccumulator: () => 0,
  add: (_bid, count) => count + 1,
  getResult: (count) => count,
  merge: (left, right) => left + right,
};

/** Every result of a job over the bids, as sorted text; with a crash in the middle. */
async function resultsOf<Out>(build: (stream: DataStream<Bid>) => SingleOutputStream<Out>, parallelism: number): Promise<string[]> {
  const input = new TestInput<Bid>('bids');
  const output = new TestOutput<Out>('results');
  const job = await JobTest.start(
    (env) => void build(env.fromSource(input).name('bids').setParallelism(1)).name('windows').sinkTo(output).name('results'),
    { parallelism },
  );
  await input.pushAll(bids.slice(0, 150), atOf);
  const checkpoint = await job.checkpoint();
  await input.pushAll(bids.slice(150), atOf);
  await job.restore(checkpoint, { parallelism: 3 - (parallelism % 3) });
  await job.finish();
  return output
    .records()
    .map(({ value, timestamp }) => `${JSON.stringify(value)} @ ${timestamp}`)
    .sort();
}

/** What a window from `start` to `end` of an auction holds. */
const inWindow = (auction: number, start: number, end: number): readonly Bid[] =>
  bids.filter((bid) => bid.auction === auction && start <= bid.at && bid.at < end);

function slidingCounts(size: number, slide: number): string[] {
  const lines: string[] = [];
  for (let auction = 0; auction < 5; auction += 1) {
    for (let start = -size; start < 16_000; start += 1) {
      const { length } = start % slide === 0 ? inWindow(auction, start, start + size) : [];
      if (length > 0) lines.push(`${JSON.stringify({ auction, start, count: length })} @ ${start + size - 1}`);
    }
  }
  return lines.sort();
}

/** The same with a watermark that goes on while records come, and three crashes. */
async function resultsWithCrashes<Out>(
  build: (stream: DataStream<Bid>) => SingleOutputStream<Out>,
  parallelism: number,
  seed: number,
): Promise<string[]> {
  const input = new TestInput<Bid>('bids');
  const output = new TestOutput<Out>('results');
  const inTime = WatermarkStrategy.forBoundedOutOfOrderness<Bid>(100).withTimestampAssigner(atOf);
  const job = await JobTest.start(
    (env) => void build(env.fromSource(input, inTime).name('bids').setParallelism(1)).name('windows').sinkTo(output).name('results'),
    { parallelism, seed },
  );
  let checkpoint = await job.checkpoint();
  for (let from = 0; from < bids.length; from += 25) {
    await input.pushAll(bids.slice(from, from + 25));
    await job.advanceTime('250 ms');
    if (from % 75 === 0) checkpoint = await job.checkpoint();
    if (from % 125 === 100) await job.restore(checkpoint, { parallelism: 1 + ((parallelism + from / 25) % 4) });
  }
  assert.ok(output.records().length > 100, 'windows fired while records came');
  await job.finish();
  return output
    .records()
    .map(({ value, timestamp }) => `${JSON.stringify(value)} @ ${timestamp}`)
    .sort();
}

const test = suite('windows of the api');

for (const parallelism of [1, 2, 4]) {
  test(`sliding counts are those computed by hand, at parallelism ${parallelism}, over a restart at another`, async () => {
    const results = await resultsOf(
      (stream) =>
        stream
          .keyBy('auction')
          .window(SlidingEventTimeWindows.of('1 s', 250))
          .aggregate(counted, (auction, { window }, [count]) => [{ auction, start: window.start, count }]),
      parallelism,
    );
    assert.equal(results, slidingCounts(1_000, 250));
  });

  test(`with watermarks on the way and three crashes, sliding counts and sessions are the same, from parallelism ${parallelism}`, async () => {
    for (const general of [false, true]) {
      const counts = await resultsWithCrashes(
        (stream) => {
          const windows = stream.keyBy('auction').window(SlidingEventTimeWindows.of('1 s', 250));
          const firing = general ? windows.trigger(PurgingTrigger.of(EventTimeTrigger.create())) : windows;
          return firing.aggregate(counted, (auction, { window }, [count]) => [{ auction, start: window.start, count }]);
        },
        parallelism,
        parallelism,
      );
      assert.equal(counts, slidingCounts(1_000, 250));
      const sessions = await resultsWithCrashes(
        (stream) => {
          const windows = stream.keyBy((bid) => `auction ${bid.auction}`).window(EventTimeSessionWindows.withGap(200));
          const firing = general ? windows.trigger(PurgingTrigger.of(EventTimeTrigger.create())) : windows;
          return firing.process((auction, { window }, elements) => [`${auction}: ${elements.length} in ${window.end - window.start}`]);
        },
        parallelism,
        parallelism,
      );
      assert.equal(sessions, sessionsByHand(200));
    }
  });

  test(`folded ahead of their windows, counts and maxima are the same, over crashes, from parallelism ${parallelism}`, async () => {
    const counts = await resultsWithCrashes(
      (stream) =>
        stream
          .rebalance()
          .map((bid) => bid)
          .keyBy('auction')
          .window(SlidingEventTimeWindows.of('1 s', 250))
          .preAggregate()
          .aggregate(counted, (auction, { window }, [count]) => [{ auction, start: window.start, count }]),
      parallelism,
      parallelism,
    );
    assert.equal(counts, slidingCounts(1_000, 250));
    const highest = await resultsOf(
      (stream) =>
        stream
          .rebalance()
          .map(({ price }) => ({ price }))
          .windowAll(TumblingEventTimeWindows.of('1 s'))
          .preAggregate()
          .max('price'),
      parallelism,
    );
    const highestOf = (start: number): number =>
      Math.max(...bids.filter(({ at }) => at >= start && at < start + 1_000).map(({ price }) => price));
    assert.equal(highest, Array.from({ length: 15 }, (_, n) => `{"price":${highestOf(1_000 * n)}} @ ${1_000 * n + 999}`).sort());
  });

  test(`tumbling maxima, sessions and windows of all keys, at parallelism ${parallelism}`, async () => {
    const highest = await resultsOf(
      (stream) => stream.keyBy('auction').window(TumblingEventTimeWindows.of('1 s')).maxBy('price'),
      parallelism,
    );
    const expected: string[] = [];
    for (let auction = 0; auction < 5; auction += 1) {
      for (let start = 0; start < 16_000; start += 1_000) {
        const [first, ...others] = inWindow(auction, start, start + 1_000);
        if (first === undefined) continue;
        expected.push(`${JSON.stringify(others.reduce((best, bid) => (bid.price > best.price ? bid : best), first))} @ ${start + 999}`);
      }
    }
    assert.equal(highest, expected.sort());

    const sessions = await resultsOf(
      (stream) =>
        stream
          .keyBy((bid) => `auction ${bid.auction}`)
          .window(EventTimeSessionWindows.withGap(200))
          .process((auction, { window }, elements) => [`${auction}: ${elements.length} in ${window.end - window.start}`]),
      parallelism,
    );
    assert.equal(sessions, sessionsByHand(200));

    const all = await resultsOf(
      (stream) => stream.windowAll(TumblingEventTimeWindows.of('1 s')).apply((_key, window, elements) => [[window.start, elements.length]]),
      parallelism,
    );
    assert.is(all.length, 15);
    assert.ok(all.includes(`[0,${bids.filter(({ at }) => at < 1_000).length}] @ 999`));
  });
}

test('what was folded ahead by a source that became idle is in its window', async () => {
  const [left, right] = [new TestInput<Bid>('left'), new TestInput<Bid>('right')];
  const output = new TestOutput<number>('results');
  const job = await JobTest.start((env) => {
    const both = env.fromSource(left).union(env.fromSource(right));
    both.keyBy('auction').window(TumblingEventTimeWindows.of(10)).preAggregate().aggregate(counted).sinkTo(output);
  });
  await left.push({ auction: 1, price: 1, at: 3 }, 3);
  await right.push({ auction: 1, price: 1, at: 4 }, 4);
  await left.idle();
  await right.watermark(20);
  await job.finish();
  assert.equal(
    output.records().map(({ value }) => value),
    [2],
  );
});

function sessionsByHand(gap: number): string[] {
  const lines: string[] = [];
  for (let auction = 0; auction < 5; auction += 1) {
    let session: number[] = [];
    const end = (): void => {
      if (session.length === 0) return;
      const last = (session.at(-1) as number) + gap;
      lines.push(`"auction ${auction}: ${session.length} in ${last - (session[0] as number)}" @ ${last - 1}`);
      session = [];
    };
    for (const { at } of bids.filter((bid) => bid.auction === auction).sort((left, right) => left.at - right.at)) {
      if (session.length > 0 && at > (session.at(-1) as number) + gap) end();
      session.push(at);
    }
    end();
  }
  return lines.sort();
}

test('count windows, keyed and not, and sums of a field', async () => {
  const byCount = await resultsOf((stream) => stream.keyBy('auction').countWindow(80).sum('price'), 2);
  assert.is(byCount.length, 5);
  const slid = await resultsOf((stream) => stream.countWindowAll(100, 50).process((_key, _context, elements) => [elements.length]), 2);
  assert.equal(
    slid.map((line) => Number(line.split(' ')[0])).sort((left, right) => left - right),
    [50, 100, 100, 100, 100, 100, 100, 100],
  );
});

test('a side output gets late records; in processing time windows end with the clock', async () => {
  const late = outputTag<Bid>('late');
  const input = new TestInput<Bid>('bids');
  const results = new TestOutput<number>('results');
  const lateOnes = new TestOutput<Bid>('late');
  const job = await JobTest.start(
    (env) => {
      const counts = env
        .fromSource(input)
        .keyBy('auction')
        .window(TumblingProcessingTimeWindows.of('1 min'))
        .sideOutputLateData(late)
        .aggregate(counted);
      counts.sinkTo(results);
      counts.getSideOutput(late).sinkTo(lateOnes);
    },
    { startAt: 1_700_000_040_000 },
  );
  await input.pushAll(bids.slice(0, 3));
  await job.advanceTime('59999 ms');
  assert.equal(results.take(), []);
  await job.advanceTime('1 ms');
  assert.equal(results.take(), [1, 1, 1]);
  assert.equal(lateOnes.values(), []);
  await job.close();
});

test('types: windows, keys, accumulators and results are inferred', () => {
  graphOf((env) => {
    const keyed = env.fromCollection(bids).keyBy('auction');
    const twoTypes: SingleOutputStream<string> = keyed.window(TumblingEventTimeWindows.of('1 s')).aggregate(
      {
        createAccumulator: () => ({ sum: 0 }),
        add: (bid, acc) => ({ sum: acc.sum + bid.price }),
        getResult: ({ sum }) => sum,
        merge: (a, b) => ({ sum: a.sum + b.sum }),
      },
      (auction, { window }, [sum]) => [`${auction.toFixed(0)} ${window.end.toFixed(0)} ${sum?.toFixed(0)}`],
    );
    twoTypes.collect('two');
    const rich: SingleOutputStream<number> = keyed
      .window(GlobalWindows.create())
      .trigger(CountTrigger.of(2))
      .process({
        open: ({ logger }) => logger.log('info', 'open'),
        process: (_key, { window }, elements) => [elements.length, window.maxTimestamp()],
      });
    rich.collect('rich');
    keyed
      .window(EventTimeSessionWindows.withDynamicGap((bid: Bid) => bid.price + 1))
      .trigger(PurgingTrigger.of(EventTimeTrigger.create()))
      .evictor(TimeEvictor.of('10 s'))
      .allowedLateness('1 s')
      .reduce(
        (left, right) => (left.price > right.price ? left : right),
        (key: number, { window }: { window: TimeWindow }, [bid]) => [[key, window.start, bid?.price]],
      )
      .collect('sessions');
    keyed
      .window(SlidingProcessingTimeWindows.of('1 min', '1 s'))
      .trigger(ProcessingTimeoutTrigger.of(CountTrigger.of(9), '1 s'))
      .evictor(CountEvictor.of(3))
      .min('price')
      .collect('min');
    const own: Trigger<Bid, TimeWindow> = {
      onElement: (bid, _timestamp, window, context) => {
        context.registerEventTimeTimer(window.start + 5);
        return bid.price > 100 ? 'FIRE' : 'CONTINUE';
      },
      onEventTime: () => 'FIRE',
      onProcessingTime: () => 'CONTINUE',
      clear: () => undefined,
    };
    keyed
      .window(TumblingEventTimeWindows.of('1 s'))
      .trigger(own)
      .apply((key, window, elements) => [key + window.start + elements.length])
      .collect('own');
  });
});

for (const [title, make, code, message] of [
  ['a negative size', () => TumblingEventTimeWindows.of(-5), 'WINDOW_SIZE_INVALID', /-5/],
  ['a size of nothing', () => TumblingProcessingTimeWindows.of('0 s'), 'WINDOW_SIZE_INVALID', /0 s/],
  ['a size that is no duration', () => TumblingEventTimeWindows.of('soon' as never), 'WINDOW_SIZE_INVALID', /soon/],
  ['half a millisecond', () => TumblingEventTimeWindows.of(0.5), 'WINDOW_SIZE_INVALID', /whole/],
  ['a slide of nothing', () => SlidingEventTimeWindows.of('1 min', 0), 'WINDOW_SIZE_INVALID', /slide/],
  ['a negative gap', () => EventTimeSessionWindows.withGap('-1 s'), 'WINDOW_SIZE_INVALID', /gap/],
  ['no gap function', () => EventTimeSessionWindows.withDynamicGap(5 as never), 'FUNCTION_MISSING', /number/],
  ['an offset as large as the window', () => TumblingEventTimeWindows.of('1 s', '1 s'), 'WINDOW_OFFSET_INVALID', /closer to 0/],
  ['an offset as large as the slide', () => SlidingEventTimeWindows.of('1 min', '1 s', '-1 s'), 'WINDOW_OFFSET_INVALID', /closer to 0/],
] as const) {
  test(`${title} is refused when the job is built`, () =>
    refused((env) => void env.fromCollection(bids).keyBy('auction').window(make()), code, message));
}

test('an offset may be negative', () => {
  assert.is(TumblingEventTimeWindows.of('1 d', '-8 h').offsetMs, -28_800_000);
});

for (const [title, build, code, message] of [
  [
    'a trigger that cannot merge on sessions',
    (keyed) =>
      keyed
        .window(EventTimeSessionWindows.withGap(5))
        .trigger(DeltaTrigger.of<Bid>(1, () => 0))
        .sum('price'),
    'TRIGGER_CANNOT_MERGE',
    /onMerge/,
  ],
  [
    'lateness by the clock',
    (keyed) => keyed.window(TumblingProcessingTimeWindows.of(5)).allowedLateness(5),
    'WINDOW_LATENESS_USELESS',
    /event time/,
  ],
  ['negative lateness', (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).allowedLateness(-5), 'DURATION_INVALID', /-5/],
  ['no assigner', (keyed) => keyed.window(undefined as never), 'WINDOW_ASSIGNER_MISSING', /TumblingEventTimeWindows/],
  [
    'no aggregate function',
    (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).aggregate({ add: () => 0 } as never),
    'FUNCTION_MISSING',
    /createAccumulator/,
  ],
  [
    'an async window function',
    (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).process((async () => []) as never),
    'FUNCTION_ASYNC',
    /synchronous/,
  ],
  [
    'a trigger without its calls',
    (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).trigger({ onElement: () => 'FIRE' } as never),
    'FUNCTION_MISSING',
    /onEventTime/,
  ],
  ...(
    [
      ['in processing time', (keyed) => keyed.window(TumblingProcessingTimeWindows.of(5)).preAggregate().sum('price'), /event time/],
      ['of sessions', (keyed) => keyed.window(EventTimeSessionWindows.withGap(5)).preAggregate().sum('price'), /tumbling or sliding/],
      ['of all there is', (keyed) => keyed.window(GlobalWindows.create()).preAggregate().sum('price'), /tumbling or sliding/],
      [
        'that are staggered',
        (keyed) =>
          keyed
            .window(TumblingEventTimeWindows.of(5, 0, 'RANDOM'))
            .preAggregate()
            .sum('price'),
        /same in all subtasks/,
      ],
      [
        'with a trigger',
        (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).trigger(CountTrigger.of(2)).preAggregate().sum('price'),
        /trigger/,
      ],
      [
        'with an evictor',
        (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).evictor(CountEvictor.of(2)).preAggregate().sum('price'),
        /evictor/,
      ],
      [
        'with a side output of late records',
        (keyed) => keyed.window(TumblingEventTimeWindows.of(5)).preAggregate().sideOutputLateData(outputTag<Bid>('late')).sum('price'),
        /sideOutputLateData/,
      ],
      [
        'of which all records are wanted',
        (keyed) =>
          keyed
            .window(TumblingEventTimeWindows.of(5))
            .preAggregate()
            .process(() => [1]),
        /all of them/,
      ],
    ] as readonly (readonly [string, (keyed: ReturnType<typeof keyedBids>) => unknown, RegExp])[]
  ).map(([which, make, message]) => [`folding ahead of windows ${which}`, make, 'WINDOW_NOT_MERGEABLE', message] as const),
  ['a count of nothing', (keyed) => keyed.countWindow(0), 'WINDOW_AMOUNT_INVALID', /whole number from 1/],
] as readonly (readonly [string, (keyed: ReturnType<typeof keyedBids>) => unknown, string, RegExp])[]) {
  test(`${title} is refused when the job is built`, () => refused((env) => void build(keyedBids(env)), code, message));
}

const keyedBids = (env: StreamExecutionEnvironment) => env.fromCollection(bids).keyBy('auction');

test('windows of all keys run in one subtask: more are refused', () => {
  refused(
    (env) => void env.fromCollection(bids).windowAll(TumblingEventTimeWindows.of(5)).sum('price').setParallelism(2).collect(),
    'PARALLELISM_ABOVE_MAXIMUM',
    /Parallelism 2 exceeds the maximum parallelism 1/,
  );
});

test.run();
