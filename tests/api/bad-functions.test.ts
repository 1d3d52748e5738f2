/** Functions that do what their types forbid, or throw where nobody expects it: the job fails, and the error names the operator. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explainError, MillraceError, toErrorRecord } from '../../core/errors.js';
import {
  batchSource,
  EventTimeSessionWindows,
  fileSink,
  generatorSource,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  type AggregateFunction,
  type DataStream,
  type KeyedRuntimeContext,
  type StreamExecutionEnvironment,
} from '../../index.js';
import { JobTest, TestInput } from '../../testing/index.js';
import { nothing } from '../support/sinks.js';

interface Item {
  readonly key: string;
  readonly n: number;
}

const of = (written: unknown): never => written as never;
const boom = (): never => {
  throw new Error('boom');
};
const sum: AggregateFunction<Item, { n: number }, number> = {
  createAccumulator: () => ({ n: 0 }),
  add: ({ n }, accumulator) => {
    accumulator.n += n;
    return accumulator;
  },
  getResult: ({ n }) => n,
  merge: (left, right) => ({ n: left.n + right.n }),
};
const lost = (): never => of(undefined);

interface Mistake {
  readonly title: string;
  readonly build: (items: DataStream<Item>) => { name(name: string): unknown };
  readonly code: string;
  readonly message: RegExp;
}

const mistakes: readonly Mistake[] = [
  {
    title: 'add of an aggregate gives nothing',
    build: (items) =>
      items
        .keyBy('key')
        .window(TumblingEventTimeWindows.of(10))
        .aggregate({ ...sum, add: lost }),
    code: 'WINDOW_CONTENTS_MISSING',
    message: /^wrong: .*undefined.*Return the accumulator/,
  },
  {
    title: 'add gives nothing for the second record of a window',
    build: (items) =>
      items
        .keyBy('key')
        .window(TumblingEventTimeWindows.of(10))
        .aggregate({ ...sum, add: (item, accumulator) => (item.n === 2 ? lost() : sum.add(item, accumulator)) }),
    code: 'WINDOW_CONTENTS_MISSING',
    message: /^wrong: /,
  },
  {
    title: 'reduce of a window gives nothing',
    build: (items) => items.keyBy('key').window(TumblingEventTimeWindows.of(10)).reduce(lost),
    code: 'WINDOW_CONTENTS_MISSING',
    message: /^wrong: /,
  },
  {
    title: 'merge of sliding windows gives nothing',
    build: (items) =>
      items
        .keyBy('key')
        .window(SlidingEventTimeWindows.of(10, 1))
        .aggregate({ ...sum, merge: lost }),
    code: 'WINDOW_CONTENTS_MISSING',
    message: /^wrong: /,
  },
  {
    title: 'add of a session gives nothing',
    build: (items) =>
      items
        .keyBy('key')
        .window(EventTimeSessionWindows.withGap(10))
        .aggregate({ ...sum, add: lost }),
    code: 'WINDOW_CONTENTS_MISSING',
    message: /^wrong: /,
  },
  {
    title: 'the setup of a keyed process function returns nothing',
    build: (items) => items.keyBy('key').process(of(() => undefined)),
    code: 'FUNCTION_MISSING',
    message: /^wrong: .*undefined.*Return an object with processElement/,
  },
  {
    title: 'the setup of a process function returns another object',
    build: (items) => items.process(of(() => ({ process: () => [] }))),
    code: 'FUNCTION_MISSING',
    message: /^wrong: .*without processElement\(\)/,
  },
  {
    title: 'the setup of a function on two inputs has one of its methods',
    build: (items) =>
      items
        .keyBy('key')
        .connect(items.keyBy('key'))
        .process(of(() => ({ processElement1: () => [] }))),
    code: 'FUNCTION_MISSING',
    message: /^wrong: .*without processElement2\(\)/,
  },
  {
    title: 'a state has no name',
    build: (items) =>
      items.keyBy('key').process<Item>((runtime) => {
        runtime.valueState<number>('');
        return { processElement: () => [] };
      }),
    code: 'STATE_NAME_INVALID',
    message: /^wrong: "" is no name/,
  },
  {
    title: 'a time to live has an update type that there is not',
    build: (items) =>
      items.keyBy('key').process<Item>((runtime) => {
        runtime.valueState<number>('n', { ttl: { timeToLive: '1 s', updateType: of('Never') } });
        return { processElement: () => [] };
      }),
    code: 'STATE_TTL_INVALID',
    message: /wrong, state "n": updateType cannot be Never/,
  },
  {
    title: 'a time to live stands under another name',
    build: (items) =>
      items.keyBy('key').process<Item>((runtime) => {
        runtime.valueState<number>('n', { ttl: of({ duration: '1 s' }) });
        return { processElement: () => [] };
      }),
    code: 'STATE_TTL_INVALID',
    message: /wrong, state "n": undefined is not a time to live.*timeToLive/,
  },
  {
    title: 'reduce of a key gives nothing',
    build: (items) => items.keyBy('key').reduce(lost),
    code: 'STATE_RESULT_MISSING',
    message: /^wrong: .*undefined/,
  },
  {
    title: 'the function of a reducing state gives nothing',
    build: (items) =>
      items.keyBy('key').process<Item>(({ reducingState }) => {
        const last = reducingState<Item>('last', lost);
        return { processElement: (item) => last.add(item) };
      }),
    code: 'STATE_RESULT_MISSING',
    message: /^wrong: .*undefined/,
  },
  {
    title: 'what is added is no accumulator',
    build: (items) => items.map({ open: (context) => void context.addAccumulator('n', of(undefined)), map: (item) => item }),
    code: 'ACCUMULATOR_INVALID',
    message: /^wrong: .*"n" is no accumulator/,
  },
];

const test = suite('bad functions');

/** The error of a job after two records of one key and the end of the input. */
async function failureOf(build: (env: StreamExecutionEnvironment, items: TestInput<Item>) => void): Promise<MillraceError> {
  const items = new TestInput<Item>();
  let job: JobTest | undefined;
  try {
    job = await JobTest.start((env) => build(env, items));
    await items.push({ key: 'a', n: 1 }, 1);
    await items.push({ key: 'a', n: 2 }, 2);
    await job.finish();
  } catch (error) {
    assert.instance(error, MillraceError, String(error));
    return error as MillraceError;
  } finally {
    await job?.close();
  }
  return assert.unreachable('the job did not fail') as never;
}

for (const { title, build, code, message } of mistakes) {
  test(`${title}: the job fails and names the operator`, async () => {
    const error = await failureOf((env, items) => void build(env.fromSource(items)).name('wrong'));
    assert.is(error.code, code, error.message);
    assert.match(explainError(toErrorRecord(error)), message);
  });
}

test('state that is used in close belongs to no key, and is refused', async () => {
  const touching = ({ valueState }: KeyedRuntimeContext) => {
    const seen = valueState<number>('seen');
    return { processElement: ({ n }: Item) => seen.update(n), close: () => seen.update(0) };
  };
  const error = await failureOf((env, items) => void env.fromSource(items).keyBy('key').process(touching).name('wrong').sinkTo(nothing()));
  assert.is(error.code, 'STATE_WITHOUT_KEY');
  assert.is(error.where, 'wrong');
});

test('a function of a source or a sink that throws names the source or the sink, not all of its task', async () => {
  const generate = await failureOf((env) => void env.fromSource(generatorSource({ count: 1, generate: boom }), 'made').sinkTo(nothing()));
  assert.is(generate.where, 'Source: made');
  const encode = await failureOf(
    (env, items) =>
      void env
        .fromSource(items)
        .map((item) => item)
        .sinkTo(fileSink<Item>('/out', { encode: boom }))
        .name('written'),
  );
  assert.is(encode.where, 'written');
  assert.match(encode.message, /boom/);
});

test('encode of a file sink gives text, and a batch of a source is a list: else the error says which', async () => {
  const encode = await failureOf(
    (env, items) =>
      void env
        .fromSource(items)
        .sinkTo(fileSink<Item>('/out', { encode: lost }))
        .name('written'),
  );
  assert.is(encode.code, 'SINK_LINE_MISSING');
  assert.is(encode.where, 'written');
  const single = batchSource<number, string>({
    name: 'single',
    splits: async () => ['all'],
    async *read() {
      yield of(5);
    },
  });
  const batch = await failureOf((env) => void env.fromSource(single).sinkTo(nothing()));
  assert.is(batch.code, 'SOURCE_BATCH_INVALID');
  assert.is(batch.where, 'Source: single');
});

test('a short name of an operator is told, also where the message has its letters', () => {
  const error = new MillraceError('X', 'Cannot read properties', { where: 'p' });
  assert.is(explainError(toErrorRecord(error)), 'p: Cannot read properties [X]');
  assert.is(explainError(toErrorRecord(new MillraceError('X', 'Step p failed.', { where: 'p' }))), 'Step p failed. [X]');
});

test.run();
