/** Joins and co-groups by key and window (JS1 to JS3, JW1, JW2). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CountEvictor,
  CountTrigger,
  EventTimeSessionWindows,
  EventTimeTrigger,
  GlobalWindows,
  outputTag,
  PurgingTrigger,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  type DataStream,
  type JobBuilder,
  type SingleOutputStream,
} from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { refused } from '../support/refused.js';
import { graphOf } from '../support/word-count.js';

interface Person {
  readonly id: number;
  readonly name: string;
  readonly at: number;
}
interface Auction {
  readonly seller: number;
  readonly item: string;
  readonly at: number;
}

const people = Array.from({ length: 120 }, (_, n): Person => ({
  id: n % 9 === 0 ? 20 : (n * 7) % 11,
  name: `p${n}`,
  at: 50 * n + ((n * 13) % 40),
}));
const auctions = Array.from({ length: 200 }, (_, n): Auction => ({ seller: (n * 5) % 13, item: `i${n}`, at: 30 * n + ((n * 17) % 50) }));
const atOf = ({ at }: { readonly at: number }): number => at;

type Build<Out> = (people: DataStream<Person>, auctions: DataStream<Auction>) => SingleOutputStream<Out>;

async function start<Out>(build: Build<Out>, parallelism: number) {
  const left = new TestInput<Person>('people');
  const right = new TestInput<Auction>('auctions');
  const output = new TestOutput<Out>('results');
  const job = await JobTest.start(
    (env) => {
      const streams = [
        env.fromSource(left).name('people').setParallelism(1),
        env.fromSource(right).name('auctions').setParallelism(1),
      ] as const;
      build(...streams)
        .name('meeting')
        .sinkTo(output)
        .name('results');
    },
    { parallelism },
  );
  const shown = (): string[] =>
    output
      .records()
      .map(({ value, timestamp }) => `${JSON.stringify(value)} @ ${timestamp}`)
      .sort();
  return { left, right, job, shown };
}

/** All results, with a crash in the middle. */
async function resultsOf<Out>(build: Build<Out>, parallelism: number): Promise<string[]> {
  const { left, right, job, shown } = await start(build, parallelism);
  await left.pushAll(people.slice(0, 70), atOf);
  await right.pushAll(auctions.slice(0, 50), atOf);
  const checkpoint = await job.checkpoint();
  await right.pushAll(auctions.slice(50), atOf);
  await job.restore(checkpoint, { parallelism: 3 - (parallelism % 3) });
  await left.pushAll(people.slice(70), atOf);
  await job.finish();
  return shown();
}

const test = suite('window joins');

for (const parallelism of [1, 2, 4]) {
  test(`a join gives every pair of a key in a window, at parallelism ${parallelism}, over a restart at another`, async () => {
    for (const [size, slide] of [
      [1_000, 1_000],
      [1_000, 400],
    ] as const) {
      const results = await resultsOf(
        (left, right) =>
          left
            .join(right)
            .where('id')
            .equalTo('seller')
            .window(SlidingEventTimeWindows.of(size, slide))
            .apply(({ name }, { item }, { start: windowStart }) => ({ name, item, windowStart })),
        parallelism,
      );
      const expected: string[] = [];
      for (let windowStart = -size; windowStart < 7_000; windowStart += 1) {
        if (windowStart % slide !== 0) continue;
        const isIn = ({ at }: { readonly at: number }): boolean => windowStart <= at && at < windowStart + size;
        for (const { id, name } of people.filter(isIn))
          for (const { item } of auctions.filter(({ seller, at }) => seller === id && isIn({ at })))
            expected.push(`${JSON.stringify({ name, item, windowStart: windowStart + 0 })} @ ${windowStart + size - 1}`);
      }
      assert.ok(expected.length > 100);
      assert.equal(results, expected.sort());
    }
  });

  test(`a co-group is called once for each key and window, also where a side is empty, at parallelism ${parallelism}`, async () => {
    const results = await resultsOf(
      (left, right) =>
        left
          .coGroup(right)
          .where(({ id }) => id)
          .equalTo(({ seller }) => seller)
          .window(TumblingEventTimeWindows.of('2 s'))
          .apply((some, others, _out, window) => [[some[0]?.id ?? others[0]?.seller, window.start, some.length, others.length]]),
      parallelism,
    );
    const expected: string[] = [];
    for (let key = 0; key <= 20; key += 1) {
      for (let windowStart = 0; windowStart < 8_000; windowStart += 2_000) {
        const isIn = ({ at }: { readonly at: number }): boolean => windowStart <= at && at < windowStart + 2_000;
        const counts = [
          people.filter((one) => one.id === key && isIn(one)).length,
          auctions.filter((one) => one.seller === key && isIn(one)).length,
        ];
        if (counts.some((count) => count > 0)) expected.push(`${JSON.stringify([key, windowStart, ...counts])} @ ${windowStart + 1_999}`);
      }
    }
    assert.ok(
      expected.some((line) => /,0\]/.test(line)) && expected.some((line) => /,0,\d+\]/.test(line)),
      'both sides are empty somewhere',
    );
    assert.equal(results, expected.sort());
  });
}

const person = (id: number, at: number, name = `p${at}`): Person => ({ id, name, at });
const auction = (seller: number, at: number, item = `i${at}`): Auction => ({ seller, item, at });
const names = ({ name }: Person, { item }: Auction): string => `${name} ${item}`;

interface Rule {
  readonly title: string;
  readonly build: Build<string>;
  readonly left: readonly Person[];
  readonly right: readonly Auction[];
  readonly gives: readonly string[];
}

const tumbling = TumblingEventTimeWindows.of(10);
const rules: readonly Rule[] = [
  {
    title: 'records of the same key in the same window meet; the result has the last time of the window',
    build: (left, right) => left.join(right).where('id').equalTo('seller').window(tumbling).apply(names),
    left: [person(1, 0), person(1, 9), person(2, 5)],
    right: [auction(1, 3), auction(1, 10), auction(3, 5)],
    gives: ['"p0 i3" @ 9', '"p9 i3" @ 9'],
  },
  {
    title: 'a session takes the records of both sides: they meet although each alone is too far apart',
    build: (left, right) => left.join(right).where('id').equalTo('seller').window(EventTimeSessionWindows.withGap(10)).apply(names),
    left: [person(1, 0), person(1, 18)],
    right: [auction(1, 9), auction(1, 40)],
    gives: ['"p0 i9" @ 27', '"p18 i9" @ 27'],
  },
  {
    title: 'the gap of a session may depend on the record, of whichever side',
    build: (left, right) =>
      left
        .join(right)
        .where('id')
        .equalTo('seller')
        .window(EventTimeSessionWindows.withDynamicGap((either: Person | Auction) => ('id' in either ? 100 : 1)))
        .apply(names),
    left: [person(1, 0)],
    right: [auction(1, 99), auction(1, 200)],
    gives: ['"p0 i99" @ 99'],
  },
  {
    title: 'any number of results of a pair',
    build: (left, right) =>
      left
        .join(right)
        .where('id')
        .equalTo('seller')
        .window(tumbling)
        .flatApply<string>((one, other, out) => {
          out.collect(names(one, other));
          return one.name === 'p0' ? ['first'] : undefined;
        }),
    left: [person(1, 0), person(1, 1)],
    right: [auction(1, 3)],
    gives: ['"first" @ 9', '"p0 i3" @ 9', '"p1 i3" @ 9'],
  },
  {
    title: 'a trigger and an evictor see the records of both sides',
    build: (left, right) =>
      left
        .coGroup(right)
        .where('id')
        .equalTo('seller')
        .window(GlobalWindows.create())
        .trigger(PurgingTrigger.of(CountTrigger.of(4)))
        .evictor(CountEvictor.of(3))
        .apply((some, others) => [`${some.map(({ at }) => at).join(' ')} | ${others.map(({ at }) => at).join(' ')}`]),
    left: [person(1, 0), person(1, 1), person(2, 7)],
    right: [auction(1, 3), auction(1, 4), auction(1, 5)],
    gives: [`"1 | 3 4" @ ${Number.MAX_SAFE_INTEGER}`],
  },
  {
    title: 'a trigger of its own sees the records as they are',
    build: (left, right) =>
      left
        .join(right)
        .where('id')
        .equalTo('seller')
        .window(tumbling)
        .trigger({
          ...EventTimeTrigger.create(),
          onElement: (either) => ('item' in either && either.item === 'now' ? 'FIRE' : 'CONTINUE'),
          onEventTime: () => 'CONTINUE',
        })
        .apply(names),
    left: [person(1, 0)],
    right: [auction(1, 3), auction(1, 4, 'now')],
    gives: ['"p0 i3" @ 9', '"p0 now" @ 9'],
  },
];

for (const { title, build, left: some, right: others, gives } of rules) {
  test(title, async () => {
    const { left, right, job, shown } = await start(build, 1);
    await left.pushAll(some, atOf);
    await right.pushAll(others, atOf);
    await job.finish();
    assert.equal(shown(), gives);
  });
}

test('what is no stream, no assigner or no function is refused where it is written; late records have a side output', () => {
  refused((env) => void env.fromCollection(people).join(undefined as never), 'STREAM_MISSING', /join got undefined/);
  refused((env) => void env.fromCollection(people).coGroup([] as never), 'STREAM_MISSING', /coGroup got object/);
  const joined = (env: Parameters<JobBuilder>[0]) =>
    env.fromCollection(people).join(env.fromCollection(auctions)).where('id').equalTo('seller');
  refused((env) => void joined(env).window(null as never), 'WINDOW_ASSIGNER_MISSING', /null/);
  refused(
    (env) =>
      void joined(env)
        .window(tumbling)
        .apply((async () => 1) as never),
    'FUNCTION_ASYNC',
    /synchronous/,
  );
  refused((env) => void joined(env).window(tumbling).allowedLateness(-1), 'DURATION_INVALID', /-1/);
  const late = outputTag<Person | Auction>('late');
  graphOf((env) => {
    const results = joined(env).window(tumbling).allowedLateness('1 s').sideOutputLateData(late).apply(names);
    results.collect();
    results.getSideOutput(late).collect('late');
  });
});

test.run();
