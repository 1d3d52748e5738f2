/** What a program or its records do wrong, through the public API: the error names the operator and says what and what to do. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explainError, MillraceError, toErrorRecord } from '../../core/errors.js';
import {
  outputTag,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type DeadLetter,
  type Key,
  type KeyedProcessFunction,
  type StreamExecutionEnvironment,
} from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { refused } from '../support/refused.js';
import { nothing } from '../support/sinks.js';

interface Item {
  readonly id: string;
  readonly n: number;
}
const of = (written: unknown): never => written as never;

const test = suite('bad input');

interface Inputs {
  readonly left: TestInput<Item>;
  readonly right: TestInput<Item>;
}

/** The error of a job after the records of each input and their end. */
async function failureOf(
  build: (env: StreamExecutionEnvironment, left: DataStream<Item>, right: DataStream<Item>) => unknown,
  { left = [{ id: 'a', n: 1 }], right = [{ id: 'a', n: 1 }] }: { readonly left?: readonly Item[]; readonly right?: readonly Item[] } = {},
): Promise<MillraceError | undefined> {
  const inputs: Inputs = { left: new TestInput<Item>(), right: new TestInput<Item>() };
  const timed = WatermarkStrategy.forMonotonousTimestamps<Item>();
  let job: JobTest | undefined;
  try {
    job = await JobTest.start((env) => {
      const streams = [env.fromSource(inputs.left, timed), env.fromSource(inputs.right, timed)] as const;
      for (const stream of streams) stream.sinkTo(nothing());
      build(env, ...streams);
    });
    for (const item of left) await inputs.left.push(item, 1);
    for (const item of right) await inputs.right.push(item, 1);
    await job.finish();
    return undefined;
  } catch (error) {
    assert.instance(error, MillraceError, String(error));
    return error as MillraceError;
  } finally {
    await job?.close();
  }
}

const explained = (error: MillraceError | undefined): string =>
  error === undefined ? 'the job did not fail' : explainError(toErrorRecord(error));

const wrongKeys: readonly [title: string, key: (item: Item) => unknown, message: RegExp][] = [
  ['undefined', ({ id }) => (id === '' ? id : undefined), /^keyBy after read: The key is undefined\. .*a tuple or plain object of these/],
  ['NaN', () => NaN, /^keyBy after read: The key is NaN\. .*check it before keyBy/],
  ['a tuple with NaN', () => ['a', NaN], /A part of the key is NaN/],
  ['a date', () => new Date(0), /The key is of type Date/],
  ['a promise', () => Promise.resolve('a'), /The key is of type Promise/],
  [
    'nothing, for it throws',
    () => {
      throw new TypeError('no such thing');
    },
    /^keyBy after read: The function threw TypeError: no such thing\..*USER_FUNCTION_FAILED/,
  ],
];

for (const [title, key, message] of wrongKeys) {
  test(`a key function that gives ${title} fails the job, naming keyBy, with an outline of the record and none of its values`, async () => {
    const secret = { id: 'secret', n: 271_828 };
    const error = await failureOf(
      (_env, left) =>
        left
          .map((item) => item)
          .name('read')
          .keyBy(of(key))
          .reduce((_, item) => item)
          .sinkTo(nothing()),
      { left: [secret], right: [] },
    );
    assert.match(explained(error), message);
    assert.match(explained(error), /The record was \{ id: string, n: number \}/);
    assert.not.match(explained(error), /secret|271828/);
  });
}

test('null is a key, and so are booleans, bigints, tuples and plain objects', async () => {
  const keys: readonly Key[] = [null, true, 1n, ['a', 1], { a: null }, Infinity, ''];
  const items = new TestInput<number>();
  const output = new TestOutput<number>();
  const job = await JobTest.start(
    (env) =>
      void env
        .fromSource(items)
        .keyBy((n) => keys[n % keys.length] as Key)
        .reduce((sum, n) => sum + n)
        .sinkTo(output),
  );
  await items.pushAll([...keys, ...keys].map((_, index) => index));
  await job.finish();
  assert.equal(
    output.values().slice(keys.length),
    keys.map((_, index) => 2 * index + keys.length),
  );
});

test('a field that keyBy names and a record lacks is named', async () => {
  const error = await failureOf((_env, left) =>
    left
      .map((item) => item as Item & { readonly user: string })
      .keyBy('user', 'id')
      .reduce((_, item) => item)
      .sinkTo(nothing()),
  );
  assert.match(
    explained(error),
    /A part of the key is undefined\. keyBy took it from "user", "id"\. The record was \{ id: string, n: number \}/,
  );
});

test('a record whose key is NaN follows the policy of the operator behind keyBy', async () => {
  const bad = outputTag<DeadLetter<Item>>('bad');
  const output = new TestOutput<string>();
  const error = await failureOf(
    (_env, left) => {
      const kept = left
        .keyBy(({ n }) => n)
        .reduce((_, item) => item)
        .onError({ deadLetter: bad });
      kept.sinkTo(nothing());
      kept
        .getSideOutput(bad)
        .map(({ error: { code } }) => code)
        .sinkTo(output);
    },
    {
      left: [
        { id: 'a', n: NaN },
        { id: 'a', n: 1 },
      ],
      right: [],
    },
  );
  assert.is(error, undefined);
  assert.equal(output.values(), ['KEY_UNSUPPORTED']);
});

type Meeting = (left: DataStream<Item>, right: DataStream<Item>) => { name(name: string): { sinkTo(sink: never): unknown } };

/** Strings meet numbers, past the compiler. */
const meetings: readonly [title: string, meet: Meeting][] = [
  [
    'connect and process',
    (left, right) =>
      left
        .keyBy('id')
        .connect(of(right.keyBy('n')))
        .process<Item>(of({ processElement1: () => [], processElement2: () => [] })),
  ],
  [
    'an interval join',
    (left, right) =>
      left
        .keyBy('id')
        .intervalJoin(of(right.keyBy('n')))
        .between(-5, 5)
        .process<Item>(of({ processElement: () => [] })),
  ],
  [
    'a window join',
    (left, right) =>
      left
        .join(right)
        .where('id')
        .equalTo(of('n'))
        .window(TumblingEventTimeWindows.of(10))
        .apply((item) => item),
  ],
  [
    'coGroup',
    (left, right) =>
      left
        .coGroup(right)
        .where('id')
        .equalTo(of('n'))
        .window(TumblingEventTimeWindows.of(10))
        .apply(([item]) => [item as Item]),
  ],
];

for (const [title, meet] of meetings) {
  test(`${title}: strings on one side and numbers on the other are refused, naming the operator and both types (KK2)`, async () => {
    const build = (_env: unknown, left: DataStream<Item>, right: DataStream<Item>) =>
      meet(left, right).name('pairing').sinkTo(of(nothing()));
    const message =
      /^pairing: Keys of the first input are of type string, those of the second of type number: .*KEY_TYPES_DIFFER.*String\(…\)/;
    assert.match(explained(await failureOf(build)), message);
    assert.is(await failureOf(build, { right: [] }), undefined, 'one input alone');
  });
}

test('keys of two types that meet in one of them are no mistake (KK1)', async () => {
  const mixed = ({ id, n }: Item): string | number => (n === 0 ? id : n);
  const both: readonly Item[] = Array.from({ length: 40 }, (_, n) => ({ id: 'a', n: n % 2 }));
  const build = (_env: unknown, left: DataStream<Item>, right: DataStream<Item>) =>
    left
      .keyBy(mixed)
      .connect(right.keyBy(mixed))
      .process<Item>({ processElement1: () => [], processElement2: () => [] })
      .sinkTo(nothing());
  assert.is(await failureOf(build, { left: both, right: both.slice(1, 2) }), undefined);
});

test('keys that differ in kind are noticed before the end, once enough have come (KK2)', async () => {
  const inputs: Inputs = { left: new TestInput<Item>(), right: new TestInput<Item>() };
  const job = await JobTest.start((env) => {
    env
      .fromSource(inputs.left)
      .keyBy(({ id }) => [id, null] as const)
      .connect(env.fromSource(inputs.right).keyBy(({ n }) => of([n, 'x'])))
      .process<Item>({ processElement1: () => [], processElement2: () => [] })
      .name('pairing')
      .sinkTo(nothing());
  });
  try {
    await inputs.left.pushAll(Array.from({ length: 100 }, (_, n) => ({ id: `${n}`, n })));
    for (let n = 0; n < 40; n += 1) await inputs.right.push({ id: 'a', n });
    assert.unreachable('the job did not fail');
  } catch (error) {
    assert.match(explained(error as MillraceError), /of type \[string, null\], those of the second of type \[number, string\]/);
  } finally {
    await job.close();
  }
});

test('of keys of several types, those that come first on one side may be of the types that the other side has not had yet (KK2)', async () => {
  const inputs: Inputs = { left: new TestInput<Item>(), right: new TestInput<Item>() };
  const mixed = ({ id, n }: Item): string | number => (n === 0 ? id : 7);
  const job = await JobTest.start((env) => {
    env
      .fromSource(inputs.left)
      .keyBy(mixed)
      .connect(env.fromSource(inputs.right).keyBy(mixed))
      .process<Item>({ processElement1: () => [], processElement2: () => [] })
      .sinkTo(nothing());
  });
  try {
    await inputs.left.pushAll(Array.from({ length: 100 }, () => ({ id: 'a', n: 1 })));
    for (const n of [0, 0, 1]) await inputs.right.push({ id: 'b', n });
    for (const n of [0, 1]) for (let count = 0; count < 40; count += 1) await inputs.right.push({ id: 'c', n });
  } finally {
    await job.close();
  }
});

/** What a function gets that uses state later, and what it then sees. */
async function usedLater(use: (parts: { update: () => void; timer: () => void; key: () => unknown }) => void): Promise<readonly unknown[]> {
  const items = new TestInput<Item>();
  const output = new TestOutput<string>();
  const refusals: unknown[] = [];
  const later: (() => void)[] = [];
  const function_ = ({ valueState }: { valueState: <T>(name: string) => { value(): T | undefined; update(value: T): void } }) => {
    const owner = valueState<string>('owner');
    return {
      processElement: ({ id }, context, out) => {
        out.collect(`${id} ${owner.value() ?? 'nobody'}`);
        const parts = {
          update: () => owner.update(`${id} from later`),
          timer: () => context.time.registerProcessingTimeTimer(1),
          key: () => context.currentKey(),
        };
        later.push(() => {
          try {
            use(parts);
          } catch (error) {
            refusals.push((error as MillraceError).code, (error as MillraceError).where);
          }
        });
        void Promise.resolve().then(() => later.pop()?.());
      },
    } satisfies KeyedProcessFunction<string, Item, string>;
  };
  const job = await JobTest.start((env) => void env.fromSource(items).keyBy('id').process(function_).name('owners').sinkTo(output));
  await items.pushAll([
    { id: 'a', n: 1 },
    { id: 'b', n: 1 },
  ]);
  await items.pushAll([
    { id: 'a', n: 2 },
    { id: 'b', n: 2 },
  ]);
  await job.finish();
  assert.equal(output.values(), ['a nobody', 'b nobody', 'a nobody', 'b nobody']);
  return refusals;
}

test('state, timers and the key that a function uses from a promise belong to no record any more: refused, naming the operator', async () => {
  const four = Array.from({ length: 4 }, () => ['STATE_WITHOUT_KEY', 'owners']).flat();
  assert.equal(await usedLater(({ update }) => update()), four, 'state');
  assert.equal(await usedLater(({ timer }) => timer()), four, 'a timer');
  assert.equal(await usedLater(({ key }) => void key()), four, 'the key');
});

test('what stands in the place of an output tag is refused where it is written, or by the call that got it (OT1)', async () => {
  const windowed = (env: StreamExecutionEnvironment) => env.fromData({ id: 'a', n: 1 }).keyBy('id').window(TumblingEventTimeWindows.of(10));
  refused(
    (env) =>
      void env
        .fromData(1)
        .map((n) => n)
        .getSideOutput(of(undefined)),
    'OUTPUT_TAG_MISSING',
    /getSideOutput got undefined/,
  );
  refused((env) => void windowed(env).sideOutputLateData(of(null)), 'OUTPUT_TAG_MISSING', /sideOutputLateData got null/);
  refused(
    (env) =>
      void env
        .fromData(1)
        .map((n) => n)
        .onError({ deadLetter: of('bad') }),
    'ERROR_POLICY_INVALID',
    /no output tag/,
  );
  const calls: readonly unknown[] = [undefined, null, 'late', {}];
  for (const tag of calls) {
    const error = await failureOf((_env, left) =>
      left
        .process<Item>({ processElement: (item, context) => context.output(of(tag), item) })
        .name('splitter')
        .sinkTo(nothing()),
    );
    assert.match(explained(error), /^splitter: output got (?:undefined|null|string|object) instead of an output tag\..*OUTPUT_TAG_MISSING/);
  }
});

test('two tags with one id on one operator are refused where the second is written (OT2)', () => {
  const one = outputTag<Item>('side');
  const other = outputTag<string>('side');
  const letters = outputTag<DeadLetter<Item>>('side');
  const stream = (env: StreamExecutionEnvironment) => env.fromData<Item>({ id: 'a', n: 1 });
  refused(
    (env) => {
      const split = stream(env)
        .map((item) => item)
        .name('split');
      split.getSideOutput(one);
      split.getSideOutput(other);
    },
    'OUTPUT_TAG_CLASH',
    /^getSideOutput got another tag with the id "side" than getSideOutput/,
  );
  refused(
    (env) =>
      void stream(env)
        .keyBy('id')
        .window(TumblingEventTimeWindows.of(10))
        .sideOutputLateData(one)
        .max('n')
        .onError({ deadLetter: letters }),
    'OUTPUT_TAG_CLASH',
    /onError got another tag .* than sideOutputLateData/,
  );
  refused(
    (env) => {
      const keyed = stream(env).keyBy('id');
      keyed
        .intervalJoin(stream(env).keyBy('id'))
        .between(0, 1)
        .sideOutputLeftLateData(one)
        .sideOutputRightLateData(outputTag<Item>('side'))
        .process<Item>({ processElement: () => [] });
    },
    'OUTPUT_TAG_CLASH',
    /sideOutputRightLateData got another tag .* than sideOutputLeftLateData/,
  );
});

test('one tag may be read twice, and an id be used on two operators (OT2)', async () => {
  const one = outputTag<Item>('side');
  const output = new TestOutput<string>();
  const error = await failureOf((_env, left) => {
    for (const tag of [one, outputTag<Item>('side')]) {
      const split = left.process<Item>({ processElement: (item, context) => context.output(tag, item) });
      split
        .getSideOutput(tag)
        .map(() => 'first')
        .sinkTo(output);
      split
        .getSideOutput(tag)
        .map(() => 'second')
        .sinkTo(output);
    }
  });
  assert.is(error, undefined);
  assert.equal([...output.values()].sort(), ['first', 'first', 'second', 'second']);
});

test.run();
