import { resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repeated } from '../../api/parameters.js';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import {
  AsyncDataStream,
  defineJob,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type JobBuilder,
  type RestartStrategy,
  type Source,
  type StreamExecutionEnvironment,
} from '../../index.js';
import { refused } from '../support/refused.js';
import { nothing } from '../support/sinks.js';
import { graphOf, wordCount } from '../support/word-count.js';

const test = suite('parameters and mistakes of builders');

test('an object that is no function of its kind, or an async one, is refused where it is written', () => {
  const of = (written: unknown): never => written as never;
  refused(
    (env) => void env.fromData(1).map(of({ filter: () => true })),
    'FUNCTION_MISSING',
    /map got an object without map\(\).*with map\(\)/,
  );
  refused((env) => void env.fromData(1).process(of({})), 'FUNCTION_MISSING', /process got an object without processElement\(\)/);
  refused((env) => void env.fromData(1).filter(of({ filter: async () => true })), 'FUNCTION_ASYNC', /filter got an async function/);
});

test('a strategy that is none, or cannot work, is refused where it is given', () => {
  const numbers = WatermarkStrategy.forMonotonousTimestamps<number>();
  const of = (written: unknown): never => written as never;
  const source = { name: 's', boundedness: 'bounded' } as Source<number>;
  refused((env) => void env.fromSource(source, of({ delay: 4 })), 'STRATEGY_MISSING', /fromSource got object/);
  refused((env) => void env.fromData(1).assignTimestampsAndWatermarks(of(undefined)), 'STRATEGY_MISSING', /got undefined/);
  const aligned = numbers.withWatermarkAlignment('g', '1 s');
  refused((env) => void env.fromData(1).assignTimestampsAndWatermarks(aligned), 'ALIGNMENT_WITHOUT_SOURCE', /fromSource/);
  refused(() => void numbers.withWatermarkAlignment('', '1 s'), 'ALIGNMENT_GROUP_EMPTY', /group is empty/);
  refused(() => void numbers.withIdleness(0), 'DURATION_INVALID', /more than 0 ms/);
  refused(() => void numbers.withIdleness(of('soon')), 'DURATION_INVALID', /"soon"/);
  refused(() => void WatermarkStrategy.forBoundedOutOfOrderness(of(-4)), 'DURATION_INVALID', /-4/);
  refused(() => void numbers.withTimestampAssigner(of(async () => 1)), 'FUNCTION_ASYNC', /withTimestampAssigner/);
  refused(() => void numbers.withTimestampAssigner(of('at')), 'FUNCTION_MISSING', /withTimestampAssigner/);
  refused(() => void WatermarkStrategy.forGenerator(of(undefined)), 'FUNCTION_MISSING', /forGenerator/);
});

test('windows, triggers, evictors, streams and sinks that are none are refused where they are given', () => {
  const of = (written: unknown): never => written as never;
  const windowed = (env: StreamExecutionEnvironment) => env.fromData({ k: 'a', n: 1 }).keyBy('k').window(TumblingEventTimeWindows.of(10));
  refused((env) => void windowed(env).trigger(of(undefined)), 'FUNCTION_MISSING', /trigger got undefined/);
  refused((env) => void windowed(env).evictor(of(undefined)), 'FUNCTION_MISSING', /evictor got undefined/);
  refused((env) => void windowed(env).evictor({}), 'FUNCTION_MISSING', /evictor got an object without evictBefore\(\) and evictAfter\(\)/);
  refused((env) => void windowed(env).evictor({ evictBefore: of('all') }), 'FUNCTION_MISSING', /evictor evictBefore got string/);
  refused(() => void TumblingEventTimeWindows.of(NaN), 'WINDOW_SIZE_INVALID', /size cannot be NaN/);
  refused(() => void TumblingEventTimeWindows.of(10, NaN), 'WINDOW_OFFSET_INVALID', /cannot be NaN/);
  refused(() => void SlidingEventTimeWindows.of('365 d', 1), 'WINDOW_SLIDE_TOO_SMALL', /31536000000 windows/);
  SlidingEventTimeWindows.of('30 d', '1 s');
  refused((env) => void env.fromData(1).union(of(undefined)), 'STREAM_MISSING', /union got undefined/);
  refused((env) => void env.fromData(1).sinkTo(of(undefined)), 'FUNCTION_MISSING', /sinkTo got undefined/);
  refused((env) => void env.fromData(1).sinkTo(of({ name: 'x' })), 'FUNCTION_MISSING', /sinkTo createWriter got undefined/);
  const call = async (n: number): Promise<number> => n;
  refused((env) => void AsyncDataStream.orderedWait(env.fromData(1), call, of(undefined)), 'FUNCTION_MISSING', /orderedWait got undefined/);
  refused(() => void AsyncDataStream.orderedWait(of(undefined), call, { timeout: 1 }), 'STREAM_MISSING', /orderedWait got undefined/);
});

test('what a builder did wrong is told with its line', () => {
  refused((env) => void env.setParallelism(0), 'PARALLELISM_INVALID', /It was thrown at .*mistakes\.test\.\w+:\d+:\d+\./);
});

test('a strategy is a value: each with… makes another one (WS1), and the name may come third', () => {
  const plain = WatermarkStrategy.forBoundedOutOfOrderness<number>('4 s');
  const full = plain
    .withIdleness('30 s')
    .withTimestampAssigner((value) => value)
    .withWatermarkAlignment('g', '5 s', '200 ms');
  const { assign: _, ...settings } = full.toAssignment();
  assert.equal(settings, {
    generator: { kind: 'bounded-out-of-orderness', delayMs: 4_000 },
    idleAfterMs: 30_000,
    alignment: { group: 'g', maxDriftMs: 5_000, updateIntervalMs: 200 },
  });
  assert.is(plain.toAssignment().idleAfterMs, undefined);
  const source = { name: 's', boundedness: 'bounded' } as Source<number>;
  const graph = graphOf((env) => {
    env.fromSource(source, plain, 'timed').sinkTo(nothing());
    env.fromSource(source, plain).sinkTo(nothing());
    env.fromSource(source, 'named').sinkTo(nothing());
  });
  assert.equal(
    graph.vertices.map(({ operators: [head] }) => head?.name),
    ['Source: timed', 'Source: s', 'Source: named'],
  );
});

test('parameters are read with their type', () => {
  const seen: unknown[] = [];
  graphOf(
    (env) => {
      const { parameters } = env;
      seen.push(
        parameters.string('input'),
        parameters.integer('n'),
        parameters.number('x'),
        parameters.boolean('on'),
        parameters.duration('wait'),
        parameters.size('room'),
      );
      seen.push(
        parameters.choice('mode', ['fast', 'safe'], 'safe'),
        parameters.integer('absent', 4),
        parameters.has('input'),
        parameters.has('absent'),
      );
      wordCount(env);
    },
    { input: 'a.json', n: '-3', x: '1e3', on: 'yes', wait: '2 s', room: '1 kb' },
  );
  assert.equal(seen, ['a.json', -3, 1_000, true, 2_000, 1_024, 'safe', 4, true, false]);
});

test('missing, malformed and mistyped parameters are refused by name', () => {
  const reading =
    (read: (env: StreamExecutionEnvironment) => unknown): JobBuilder =>
    (env) => {
      wordCount(env);
      read(env);
    };
  refused(
    reading((env) => env.parameters.string('input')),
    'PARAMETER_MISSING',
    /"input".*--input <value>/,
  );
  refused(
    reading((env) => env.parameters.integer('n')),
    'PARAMETER_INVALID',
    /"n" cannot be "2\.5".*whole number/,
    { n: '2.5' },
  );
  refused(
    reading((env) => env.parameters.choice('mode', ['a', 'b'])),
    'PARAMETER_INVALID',
    /one of a, b/,
    { mode: 'c' },
  );
  refused(
    reading((env) => env.parameters.string('input', 'x')),
    'PARAMETER_UNKNOWN',
    /"inptu".*Did you mean "input"/,
    { inptu: 'x' },
  );
  refused(
    reading((env) => env.parameters.path('input')),
    'PARAMETER_REPEATED',
    /"input" was given 2 times.*once/,
    { input: repeated(['a', 'b']) },
  );
  refused(wordCount, 'PARAMETER_UNKNOWN', /It reads none/, { input: 'x' });
});

test('paths are absolute from the first build on, and slots get them so (P3)', () => {
  const seen: (readonly string[])[] = [];
  const job = defineJob('paths', (env) => {
    wordCount(env);
    seen.push([...env.parameters.paths('input'), env.parameters.path('output', 'out')]);
  });
  const { parameters } = job.build({ input: repeated(['a.ndjson', '/b', 'file:///c']) });
  assert.equal(parameters, { input: repeated([resolve('a.ndjson'), '/b', 'file:///c']), output: resolve('out') });
  job.build(parameters);
  assert.equal(
    seen,
    [1, 2].map(() => [resolve('a.ndjson'), '/b', 'file:///c', resolve('out')]),
  );
});

test('mistakes of a builder are told while it builds, by name', () => {
  refused(() => undefined, 'GRAPH_NO_SOURCES', /"hello" reads nothing/);
  refused(
    () => {
      throw new Error('boom');
    },
    'JOB_BUILDER_FAILED',
    /builder of job "hello" failed: boom/,
  );
  refused(async (env) => wordCount(env), 'JOB_BUILDER_ASYNC', /asynchronous/);
  refused(
    (env) =>
      void env
        .fromData(1)
        // @ts-expect-error the types refuse it as well
        .map(async (value) => value)
        .sinkTo(nothing()),
    'FUNCTION_ASYNC',
    /map got an async function/,
  );
  refused(
    (env) => void env.fromData(1).map(undefined as unknown as (value: number) => number),
    'FUNCTION_MISSING',
    /map got undefined instead of a function/,
  );
  refused((env) => void env.setParallelism(0), 'PARALLELISM_INVALID', /0 is not/);
  refused((env) => void env.fromData(1).setParallelism(-1), 'PARALLELISM_INVALID', /-1 is not/);
  refused((env) => void env.fromData(1).name(' '), 'OPERATOR_NAME_EMPTY', /name/);
  refused((env) => void env.fromData(1).name('n'.repeat(129)).sinkTo(nothing()), 'OPERATOR_NAME_TOO_LONG', /129 characters/);
  refused((env) => void env.fromSequence(1, 2, { name: 'n'.repeat(129) }).sinkTo(nothing()), 'OPERATOR_NAME_TOO_LONG', /Source: n+/);
  refused((env) => void env.fromData(1).slotSharingGroup('a b'), 'SLOT_SHARING_GROUP_INVALID', /"a b"/);
  refused((env) => void env.enableCheckpointing(1), 'CHECKPOINT_INTERVAL_INVALID', /every 1 ms/);
  refused((env) => void env.enableCheckpointing('soon' as '1 s'), 'DURATION_INVALID', /"soon"/);
  refused((env) => void env.enableCheckpointing(10, { retained: 0 }), 'CHECKPOINT_OPTION_INVALID', /retained cannot be 0/);
  refused(
    (env) =>
      void env
        .fromData(1)
        .keyBy((value) => value)
        .sinkTo(nothing())
        .setParallelism(1)
        .uid(''),
    'UID_EMPTY',
    /uid/,
  );
  refused((env) => void env.fromData(() => 1).sinkTo(nothing()), 'DATA_UNSUPPORTED', /function/);
  assert.throws(
    () => defineJob('', wordCount),
    (error: MillraceError) => error.code === 'JOB_NAME_INVALID',
  );
  assert.throws(
    () => defineJob('x', undefined as unknown as JobBuilder),
    (error: MillraceError) => error.code === 'JOB_BUILDER_MISSING',
  );
});

test('a stream of another job, or of a job that is already built, is refused (GB4)', () => {
  let leaked: StreamExecutionEnvironment | undefined;
  let stream: DataStream<string> | undefined;
  graphOf((env) => {
    leaked = env;
    stream = env.fromData('a');
    stream.sinkTo(nothing());
  });
  assert.throws(
    () => leaked?.fromData(1),
    (error: MillraceError) => error.code === 'JOB_ALREADY_BUILT',
  );
  refused(
    (env) =>
      void env
        .fromData('b')
        .union(stream as DataStream<string>)
        .sinkTo(nothing()),
    'STREAM_FOREIGN',
    /another job/,
  );
});

test('a restart strategy has the bounds of its configuration keys, and the error names the field (RS1)', () => {
  const wrong: readonly [RestartStrategy, RegExp][] = [
    [{ kind: 'fixed-delay', attempts: -5 }, /attempts cannot be -5\. Give it a whole number from 0/],
    [{ kind: 'fixed-delay', attempts: 1.5 }, /attempts cannot be 1\.5/],
    [{ kind: 'fixed-delay', delay: -1 }, /delay cannot be -1/],
    [{ kind: 'failure-rate', maxFailuresPerInterval: 0 }, /maxFailuresPerInterval cannot be 0/],
    [{ kind: 'failure-rate', interval: 0 }, /interval cannot be 0/],
    [{ kind: 'exponential-delay', multiplier: 0 }, /multiplier cannot be 0\. Give it a number from 1/],
    [{ kind: 'exponential-delay', jitter: 7 }, /jitter cannot be 7\. Give it a number from 0 to 1/],
    [{ kind: 'exponential-delay', resetAfterCheckpoints: 0 }, /resetAfterCheckpoints cannot be 0/],
    [{ kind: 'exponential-delay', initialBackoff: '20 s', maxBackoff: '5 s' }, /initialBackoff \(20 s\) is more than maxBackoff \(5 s\)/],
    [{ kind: 'exponential-delay', initialBackoff: '20 s' }, /initialBackoff \(20 s\) is more than maxBackoff \(10 s\)/],
    [{ kind: 'sometimes' } as unknown as RestartStrategy, /"sometimes" is no kind/],
  ];
  for (const [strategy, message] of wrong) {
    refused((env) => void env.setRestartStrategy(strategy), 'RESTART_STRATEGY_INVALID', message);
  }
  const { settings } = graphOf((env) => {
    env.setRestartStrategy({ kind: 'fixed-delay', attempts: 3, delay: '2 s' });
    wordCount(env);
  });
  assert.equal(settings.restartStrategy, { kind: 'fixed-delay', attempts: 3, delayMs: 2_000 });
});

test('a name that nobody gave is shortened where it is too long', () => {
  const { vertices } = graphOf((env) => void env.fromSequence(1, 2).sinkTo({ ...nothing(), name: 'n'.repeat(200) }));
  const [sink] = vertices.flatMap(({ operators }) => operators).filter(({ kind }) => kind === 'sink');
  assert.is(sink?.name, `Sink: ${'n'.repeat(limits.operatorNameMax - 7)}…`);
});

test.run();
