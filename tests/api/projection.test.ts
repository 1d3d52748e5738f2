/** Jobs that name the fields they use: what they compute, what their functions see, how much travels. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeySelector, OperatorFactory } from '../../dataflow/contracts.js';
import { planPicture } from '../../graph/plan-picture.js';
import type { StreamGraph } from '../../graph/types.js';
import {
  CountTrigger,
  defineJob,
  GlobalWindows,
  PurgingTrigger,
  type DataStream,
  type JobBuilder,
  type Sink,
  type StreamExecutionEnvironment,
} from '../../index.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated } from '../support/run-simulated.js';
import { nothing } from '../support/sinks.js';
import { graphOf } from '../support/word-count.js';

boundTests({ testMs: 30_000 });
const test = suite('fields that jobs name');

interface Visit {
  readonly page: string;
  readonly site: number;
  readonly visits: number;
  readonly agent: string;
  readonly headers: { readonly referrer: string; readonly languages: readonly string[] };
}

const visits: readonly Visit[] = Array.from({ length: 600 }, (_, n) => ({
  page: `/page-${n % 17}`,
  site: n % 3,
  visits: (n * 7) % 11,
  agent: `Mozilla/5.0 (X11; Linux x86_64) ${n}`,
  headers: { referrer: `https://example.org/${n * 31}`, languages: ['de', 'en'] },
}));

interface Run {
  readonly results: readonly unknown[];
  /** Bytes that left tasks, in frames or by reference. */
  readonly bytesOut: number;
}

/** Every record that came to `sink`, as text; subtasks in slots of their own, or all in one. */
async function run(build: (visits: DataStream<Visit>, sink: Sink<unknown>) => void, options: Partial<Deployment> = {}): Promise<Run> {
  const { parallelism, isOneSlot, isChained, isObjectReuse }: Deployment = { ...deployments[0], ...options };
  const results: unknown[] = [];
  const sink: Sink<unknown> = { name: 'results', data: null, createWriter: () => ({ bind: () => (value) => void results.push(value) }) };
  const builder: JobBuilder = (env) => {
    env.setParallelism(parallelism);
    if (!isChained) env.disableOperatorChaining();
    if (isObjectReuse) env.enableObjectReuse();
    build(env.fromCollection(visits), sink);
  };
  const graph = defineJob('visits', builder).build({}) as StreamGraph<OperatorFactory, KeySelector>;
  const harness = new TaskHarness({
    graph,
    ...(isOneSlot ? { placement: () => ({ taskManagerId: 'tm', slot: 0 }) } : {}),
  });
  harness.deploy();
  await harness.runToEnd();
  return { results, bytesOut: harness.tasks().reduce((sum, { runtime }) => sum + runtime.metrics().bytesOut, 0) };
}

interface Deployment {
  readonly parallelism: number;
  readonly isOneSlot: boolean;
  readonly isChained: boolean;
  readonly isObjectReuse: boolean;
}

const deployments: readonly [Deployment, ...Deployment[]] = [
  { parallelism: 1, isOneSlot: true, isChained: true, isObjectReuse: false },
  { parallelism: 2, isOneSlot: false, isChained: true, isObjectReuse: false },
  { parallelism: 4, isOneSlot: false, isChained: true, isObjectReuse: false },
  { parallelism: 2, isOneSlot: false, isChained: false, isObjectReuse: false },
  { parallelism: 2, isOneSlot: true, isChained: false, isObjectReuse: true },
];

/** As text, which tells the order of fields too. */
const texts = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).sort();

async function sameEverywhere(
  build: (visits: DataStream<Visit>, sink: Sink<unknown>) => void,
  expected: readonly unknown[],
): Promise<void> {
  for (const deployment of deployments) {
    const { results } = await run(build, deployment);
    assert.equal(texts(results), texts(expected), JSON.stringify(deployment));
  }
}

/** The last value of every key; order within a key is kept, so sums only grow. */
function lastOf<T>(values: readonly unknown[], keyOf: (value: T) => unknown): readonly T[] {
  return [...new Map((values as readonly T[]).map((value) => [JSON.stringify(keyOf(value)), value])).values()];
}

function sumsBy(keyOf: (visit: Visit) => string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const visit of visits) sums.set(keyOf(visit), (sums.get(keyOf(visit)) ?? 0) + visit.visits);
  return sums;
}

test('selected fields come in the order they were named, and no others', async () => {
  await sameEverywhere(
    (stream, sink) => void stream.rebalance().select('visits', 'page').sinkTo(sink),
    visits.map(({ visits: count, page }) => ({ visits: count, page })),
  );
});

test('functions see the fields they declared and no others, wherever they run (DF1)', async () => {
  await sameEverywhere(
    (stream, sink) => {
      stream
        .uses('site')
        .filter((visit) => visit.site < 2 && Object.keys(visit).join() === 'site')
        .uses('visits', 'site')
        .map((visit) => ({ ...visit, isMapped: true }))
        .sinkTo(sink);
      stream
        .uses('page')
        .flatMap((visit) => [Object.keys(visit)])
        .sinkTo(sink);
      stream
        .uses('site', 'page')
        .process<unknown>({ processElement: (visit, _, out) => out.collect(visit) })
        .sinkTo(sink);
    },
    [
      ...visits.filter(({ site }) => site < 2).map(({ visits: count, site }) => ({ visits: count, site, isMapped: true })),
      ...visits.map(() => ['page']),
      ...visits.map(({ site, page }) => ({ site, page })),
    ],
  );
});

test('keyed functions see the fields of the key and those they declared (DF1, PJ3)', async () => {
  await sameEverywhere(
    (stream, sink) =>
      void stream
        .keyBy('site', 'page')
        .uses('visits')
        .process<unknown>({ processElement: (visit, context, out) => out.collect([context.currentKey(), visit]) })
        .sinkTo(sink),
    visits.map(({ site, page, visits: count }) => [[site, page], { site, page, visits: count }]),
  );
});

test('a key made by a function of declared fields is the same on both sides, also when it looks at all it gets', async () => {
  await sameEverywhere(
    (stream, sink) =>
      void stream
        .uses('page', 'site')
        .keyBy((visit) => JSON.stringify(visit))
        .uses('visits')
        .process<unknown>({ processElement: (visit, context, out) => out.collect([context.currentKey(), visit]) })
        .sinkTo(sink),
    visits.map(({ page, site, visits: count }) => [JSON.stringify({ page, site }), { page, site, visits: count }]),
  );
});

test('sums by named fields equal the naive ones at every parallelism, and far fewer bytes travel', async () => {
  const named = (stream: DataStream<Visit>, sink: Sink<unknown>): void =>
    void stream.keyBy('page').sum('visits').select('page', 'visits').sinkTo(sink);
  const whole = (stream: DataStream<Visit>, sink: Sink<unknown>): void =>
    void stream
      .keyBy((visit) => visit.page)
      .sum('visits')
      .map(({ page, visits: count }) => ({ page, visits: count }))
      .sinkTo(sink);
  const expected = texts([...sumsBy(({ page }) => page)].map(([page, count]) => ({ page, visits: count })));
  for (const deployment of deployments) {
    const few = await run(named, deployment);
    const all = await run(whole, deployment);
    const what = JSON.stringify(deployment);
    assert.equal(texts(lastOf<Visit>(few.results, ({ page }) => page)), expected, what);
    assert.equal(texts(lastOf<Visit>(all.results, ({ page }) => page)), expected, what);
    assert.ok(few.bytesOut * 2 < all.bytesOut, `${few.bytesOut} bytes with projection, ${all.bytesOut} without: ${what}`);
  }
});

test('records are folded by the fields of the key and those declared', async () => {
  const build = (stream: DataStream<Visit>, sink: Sink<unknown>): void =>
    void stream
      .keyBy('page')
      .uses('visits')
      .reduce((sum, visit) => ({ ...visit, visits: sum.visits + visit.visits }))
      .sinkTo(sink);
  const expected = texts([...sumsBy(({ page }) => page)].map(([page, count]) => ({ page, visits: count })));
  for (const deployment of deployments) {
    const { results } = await run(build, deployment);
    assert.is(results.length, visits.length);
    assert.equal(texts(lastOf<Visit>(results, ({ page }) => page)), expected);
  }
});

test('windows see the fields of the key and those declared, in triggers and functions', async () => {
  await sameEverywhere(
    (stream, sink) => {
      const windows = stream
        .keyBy('page')
        .uses('visits')
        .window(GlobalWindows.create())
        .trigger({
          ...PurgingTrigger.of(CountTrigger.of(1)),
          onElement: (visit) => (Object.keys(visit).join() === 'page,visits' ? 'FIRE_AND_PURGE' : 'CONTINUE'),
        });
      windows.process((page, _context, [visit]) => [[page, visit]]).sinkTo(sink);
      windows.sum('visits').sinkTo(sink);
      stream
        .keyBy('site')
        .uses('page')
        .countWindow(visits.length)
        .process(() => [])
        .sinkTo(sink);
    },
    visits.flatMap(({ page, visits: count }) => [[page, { page, visits: count }], { page, visits: count }]),
  );
});

test('in front of a sink an aggregation keeps whole records', async () => {
  const { results } = await run((stream, sink) => void stream.keyBy('page').minBy('visits').sinkTo(sink), deployments[1]);
  assert.is(results.length, visits.length);
  for (const result of results) assert.equal(Object.keys(result as Visit), Object.keys(visits[0] as Visit));
});

test('a deployed task is told what travels', async () => {
  const { status, error, results } = await runSimulated((env) => {
    env.setParallelism(2);
    env
      .fromCollection(visits)
      .keyBy('page')
      .uses('visits')
      .process<string>({ processElement: (visit) => [Object.keys(visit).join()] })
      .collect('seen');
  });
  assert.is(status, 'FINISHED', JSON.stringify(error));
  assert.equal(new Set(results?.seen), new Set(['page,visits']));
});

test('the plan shows what travels', () => {
  const lines = (build: (visits: DataStream<Visit>) => void): readonly string[] => {
    const builder: JobBuilder = (env: StreamExecutionEnvironment) => {
      env.setParallelism(2);
      build(env.fromCollection(visits));
    };
    return planPicture(graphOf(builder))
      .split('\n')
      .filter((line) => line.startsWith('   │'));
  };
  assert.equal(
    lines((stream) => void stream.keyBy('page').sum('visits').select('page', 'visits').sinkTo(nothing())),
    ['   │ HASH [page, visits]'],
  );
  assert.equal(
    lines((stream) => void stream.keyBy('page').uses('visits').countWindow(3).sum('visits').sinkTo(nothing())),
    ['   │ HASH [page, visits]'],
  );
  assert.equal(
    lines((stream) => void stream.keyBy('page').maxBy('visits').sinkTo(nothing())),
    ['   │ HASH'],
  );
  assert.equal(
    lines((stream) => {
      const pages = stream
        .rebalance()
        .uses('agent')
        .filter(({ agent }) => agent.endsWith('7'))
        .keyBy('page');
      pages
        .uses('visits')
        .reduce((left) => left)
        .sinkTo(nothing());
      pages
        .min('site')
        .uses('site')
        .map(({ site }) => site)
        .sinkTo(nothing());
    }),
    ['   │ REBALANCE [agent, page, visits, site]', '   │ HASH [page, visits]', '   │ [2] HASH [page, site]'],
  );
});

test('wrong names are refused when the job is built', () => {
  const refused = (build: (visits: DataStream<Visit>) => unknown, code: string): void =>
    void assert.throws(
      () => graphOf((env) => void build(env.fromCollection(visits))),
      (error: { code?: string }) => (assert.is(error.code, code), true),
    );
  const no = [] as unknown as ['page'];
  refused((stream) => stream.select(...no).sinkTo(nothing()), 'FIELDS_EMPTY');
  refused((stream) => stream.select('page', 'page').sinkTo(nothing()), 'FIELD_DUPLICATE');
  refused((stream) => stream.uses(...no), 'FIELDS_EMPTY');
  refused((stream) => stream.uses('page', 'page'), 'FIELD_DUPLICATE');
  refused((stream) => stream.keyBy('page').uses('visits', 'visits'), 'FIELD_DUPLICATE');
  refused((stream) => stream.keyBy('page', 'page').sum('visits').sinkTo(nothing()), 'FIELD_DUPLICATE');
  refused(
    (stream) =>
      stream
        .keyBy('page')
        .sum(undefined as never)
        .sinkTo(nothing()),
    'FIELD_NAME_INVALID',
  );
  refused(
    (stream) =>
      stream
        .keyBy('page')
        .uses('visits')
        .countWindow(3)
        .sum(undefined as never)
        .sinkTo(nothing()),
    'FIELD_NAME_INVALID',
  );
  refused((stream) => stream.select('toString' as never).sinkTo(nothing()), 'FIELD_INHERITED');
  refused((stream) => stream.keyBy(7 as never), 'FUNCTION_MISSING');
  refused((stream) => (stream.keyBy((visit) => visit.page) as DataStream<Visit>).uses('visits'), 'KEY_FIELDS_UNKNOWN');
  // @ts-expect-error the types refuse it as well
  refused((stream) => stream.uses('page').map(async ({ page }) => page), 'FUNCTION_ASYNC');
});

test.run();
