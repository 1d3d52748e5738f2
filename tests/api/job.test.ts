import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Configuration } from '../../core/configuration/configuration.js';
import { planJob } from '../../graph/job-plan.js';
import { planJson } from '../../graph/plan-json.js';
import { planPicture } from '../../graph/plan-picture.js';
import type { JobSettings } from '../../graph/types.js';
import { defineJob, outputTag, type DataStream, type JobBuilder } from '../../index.js';
import { nothing } from '../support/sinks.js';
import { graphOf, wordCount } from '../support/word-count.js';

const test = suite('defining jobs');

interface Order {
  readonly user: string;
  readonly amount: number;
}

const late = outputTag<Order>('late');

const settingsOf = (builder: JobBuilder, configuration = Configuration.defaults): JobSettings =>
  graphOf(
    (env) => {
      wordCount(env);
      builder(env);
    },
    {},
    configuration,
  ).settings;

test('a word count becomes two chains with a HASH exchange', () => {
  const graph = graphOf(wordCount);
  assert.equal(
    graph.vertices.map(({ name, parallelism }) => [name, parallelism]),
    [
      ['Source: collection -> Flat Map -> Map', 2],
      ['count -> Sink: nothing', 2],
    ],
  );
  assert.equal(
    graph.edges.map((edge) => edge.partitioner),
    ['HASH'],
  );
  assert.equal(
    graph.vertices[1]?.operators.map((operator) => operator.isKeyed),
    [true, false],
  );
});

test("the plan as JSON has the shape of Flink's", () => {
  const plan = planJson(graphOf(wordCount));
  assert.is(plan.slots_needed, 2);
  assert.equal(
    plan.nodes.map((node) => [
      node.description,
      node.parallelism,
      node.inputs.map((input) => [input.num, input.ship_strategy, input.id === plan.nodes[0]?.id]),
    ]),
    [
      ['Source: collection -> Flat Map -> Map', 2, []],
      ['count -> Sink: nothing', 2, [[0, 'HASH', true]]],
    ],
  );
  assert.equal(JSON.parse(JSON.stringify(plan)), plan);
});

test('the plan as a picture', () => {
  assert.is(
    planPicture(graphOf(wordCount)),
    `hello: 4 tasks, 2 slots
┌───────────────────────────────────────────┐
│ [1] Source: collection -> Flat Map -> Map │
│     parallelism 2                         │
└───────────────────────────────────────────┘
   │ HASH
   ▼
┌───────────────────────────────────┐
│ [2] count -> Sink: nothing        │
│     parallelism 2, 128 key groups │
└───────────────────────────────────┘
`,
  );
});

test('a picture says where records come from when it is not the box above', () => {
  const picture = planPicture(
    graphOf((env) => {
      const left = env.fromSequence(1, 2, { name: 'left' });
      const right = env.fromSequence(3, 4, { name: 'right' }).slotSharingGroup('apart');
      left
        .union(right)
        .map((value) => value)
        .name('both')
        .sinkTo(nothing());
    }),
  );
  assert.is(
    picture,
    `hello: 3 tasks, 2 slots
┌───────────────────┐
│ [1] Source: left  │
│     parallelism 1 │
└───────────────────┘

┌─────────────────────────────────────────────┐
│ [2] Source: right                           │
│     parallelism 1, slot sharing group apart │
└─────────────────────────────────────────────┘
   │ [1] FORWARD
   │ [2] FORWARD
   ▼
┌───────────────────────────┐
│ [3] both -> Sink: nothing │
│     parallelism 1         │
└───────────────────────────┘
`,
  );
});

test('the same parameters give the same fingerprint, other data another', () => {
  const of = (word: string) => graphOf((env) => void env.fromData(word).sinkTo(nothing())).fingerprint;
  assert.is(of('a'), of('a'));
  assert.is.not(of('a'), of('b'));
});

test('without a partitioner an edge is FORWARD where the parallelism is equal, else REBALANCE (GB2)', () => {
  const edges = (change: (stream: DataStream<number>) => DataStream<number>) =>
    graphOf((env) => {
      env.setParallelism(2).disableOperatorChaining();
      change(env.fromSequence(1, 9)).sinkTo(nothing());
    }).edges.map((edge) => edge.partitioner);
  assert.equal(
    edges((stream) => stream),
    ['FORWARD'],
  );
  assert.equal(
    edges((stream) => stream.map((value) => value).setParallelism(3)),
    ['REBALANCE', 'REBALANCE'],
  );
  assert.equal(
    edges((stream) => stream.rebalance()),
    ['REBALANCE'],
  );
  assert.equal(
    edges((stream) => stream.broadcast()),
    ['BROADCAST'],
  );
  assert.equal(
    edges((stream) => stream.forward()),
    ['FORWARD'],
  );
  assert.equal(
    edges((stream) => stream.keyBy((value) => value)),
    ['HASH'],
  );
});

test('union and side outputs become edges of their own', () => {
  const graph = graphOf((env) => {
    const orders = env.fromCollection<Order>([{ user: 'a', amount: 1 }], { name: 'orders' });
    const checked = orders
      .process<Order>({ processElement: (order, context, out) => (order.amount > 0 ? out.collect(order) : context.output(late, order)) })
      .name('check');
    checked.union(env.fromData<Order>(), checked.getSideOutput(late)).sinkTo(nothing()).name('all');
  });
  const all = graph.vertices.find((vertex) => vertex.name === 'all');
  assert.equal(
    graph.edges.filter((edge) => edge.targetVertex === all?.id).map((edge) => edge.sideOutput),
    [null, null, 'late'],
  );
});

test('operators inherit the slot sharing group of their inputs when these agree (GB3)', () => {
  const graph = graphOf((env) => {
    const left = env.fromSequence(1, 2).slotSharingGroup('left');
    const right = env.fromSequence(3, 4).slotSharingGroup('right');
    left
      .map((value) => value)
      .name('of left')
      .sinkTo(nothing());
    left
      .union(right)
      .map((value) => value)
      .name('of both')
      .sinkTo(nothing());
  });
  const groups = new Map(graph.vertices.flatMap((vertex) => vertex.operators.map((operator) => [operator.name, vertex.slotSharingGroup])));
  assert.is(groups.get('of left'), 'left');
  assert.is(groups.get('of both'), 'default');
});

test('setters show in the plan', () => {
  const graph = graphOf((env) => {
    env.setMaxParallelism(64);
    const numbers = env.fromSequence(1, 9, { name: 'numbers' });
    numbers
      .map((value) => value)
      .name('double')
      .uid('double-1')
      .startNewChain()
      .setMaxParallelism(32)
      .sinkTo(nothing())
      .uid('out')
      .disableChaining();
  });
  assert.equal(
    graph.vertices.map(({ name, maxParallelism }) => [name, maxParallelism]),
    [
      ['Source: numbers', 64],
      ['double', 32],
      ['Sink: nothing', 64],
    ],
  );
  assert.equal(
    graph.vertices.flatMap((vertex) => vertex.operators.map((operator) => operator.uid)),
    [null, 'double-1', 'out'],
  );
});

test('a builder decides over configuration, and configuration over defaults', () => {
  const configuration = Configuration.load({
    flags: { 'execution.checkpointing.interval': '5 s', 'execution.checkpointing.num-retained': '4', 'parallelism.default': '3' },
  });
  assert.is(settingsOf(() => undefined).checkpointing.intervalMs, undefined);
  assert.equal(settingsOf(() => undefined).restartStrategy, { kind: 'none' });
  assert.is(settingsOf(() => undefined, configuration).checkpointing.intervalMs, 5_000);
  const own = settingsOf(
    (env) => void env.enableCheckpointing('1 s', { timeout: '1 min', retention: 'RETAIN_ON_CANCELLATION' }),
    configuration,
  ).checkpointing;
  assert.equal([own.intervalMs, own.timeoutMs, own.retained, own.retention], [1_000, 60_000, 4, 'RETAIN_ON_CANCELLATION']);
  const graph = graphOf((env) => void env.fromSequence(1, 2).sinkTo(nothing()), {}, configuration);
  assert.is(graph.vertices[0]?.parallelism, 3);
  const told: number[] = [];
  const telling: JobBuilder = (env) => {
    told.push(env.getParallelism(), env.setParallelism(2).getParallelism());
    env.fromSequence(1, 2).sinkTo(nothing());
  };
  graphOf(telling, {}, configuration);
  assert.equal(told, [3, 2]);
});

test('checkpoints bring restarts with them, unless the job says otherwise', () => {
  const kind = (builder: JobBuilder, flags: Record<string, string> = {}) =>
    settingsOf(builder, Configuration.load({ flags })).restartStrategy.kind;
  assert.is(
    kind((env) => void env.enableCheckpointing(100)),
    'exponential-delay',
  );
  assert.is(
    kind((env) => void env.enableCheckpointing(100), { 'restart-strategy.type': 'none' }),
    'none',
  );
  assert.is(
    kind((env) => void env.enableCheckpointing(100).setRestartStrategy({ kind: 'none' })),
    'none',
  );
  assert.equal(settingsOf((env) => void env.setRestartStrategy({ kind: 'fixed-delay', attempts: 5, delay: '2 s' })).restartStrategy, {
    kind: 'fixed-delay',
    attempts: 5,
    delayMs: 2_000,
  });
  assert.equal(settingsOf((env) => void env.setRestartStrategy({ kind: 'failure-rate', interval: '5 min' })).restartStrategy, {
    kind: 'failure-rate',
    maxFailuresPerInterval: 1,
    intervalMs: 300_000,
    delayMs: 1_000,
  });
});

test('a slot builds the same job from the job graph, whatever its own configuration', () => {
  const configuration = Configuration.load({
    flags: { 'parallelism.default': '3', 'pipeline.max-parallelism': '96', 'pipeline.operator-chaining.enabled': 'false' },
  });
  const job = defineJob(
    'hello',
    (env) =>
      void env
        .fromSequence(1, env.parameters.integer('last'))
        .map((value) => value)
        .sinkTo(nothing()),
  );
  const submitted = planJob(job.build({ last: '7' }, { configuration })).jobGraph;
  const rebuilt = planJob(job.build(submitted.parameters, { planning: submitted.planning })).jobGraph;
  assert.is(rebuilt.fingerprint, submitted.fingerprint);
  assert.is.not(planJob(job.build(submitted.parameters)).jobGraph.fingerprint, submitted.fingerprint);
});

test.run();
