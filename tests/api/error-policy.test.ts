/** Policies for errors: what happens to records a function fails on, operator by operator. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Configuration } from '../../core/configuration/configuration.js';
import {
  AsyncDataStream,
  CountEvictor,
  EventTimeSessionWindows,
  SlidingEventTimeWindows,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  outputTag,
  sequenceSource,
  throttled,
  type DataStream,
  type DeadLetter,
  type ErrorPolicy,
  type JobBuilder,
  type KeyedStream,
  type SingleOutputStream,
  type TimeWindow,
  type WindowedStream,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated, type SimulatedRun } from '../support/run-simulated.js';
import { graphOf } from '../support/word-count.js';

boundTests({ testMs: 30_000 });
const test = suite('policies for errors');

const bad = outputTag<DeadLetter<number>>('bad');

/** Throws for each value that is a multiple of three, as often as told; counts the calls. */
class Poison {
  readonly calls = new Map<number, number>();
  readonly #times: number;

  constructor(times: number) {
    this.#times = times;
  }

  /** The value, if it is harmless by now. */
  check(value: number): number {
    const calls = (this.calls.get(value) ?? 0) + 1;
    this.calls.set(value, calls);
    if (value % 3 === 0 && calls <= this.#times) throw new RangeError(`${value} is poison`);
    return value;
  }
}

type Add = (stream: DataStream<number>, poison: Poison) => SingleOutputStream<number>;
const operators: readonly { readonly name: string; readonly add: Add }[] = [
  { name: 'map', add: (stream, poison) => stream.map((n) => poison.check(n)) },
  { name: 'rich map', add: (stream, poison) => stream.map({ map: (n) => poison.check(n) }) },
  { name: 'filter', add: (stream, poison) => stream.filter((n) => poison.check(n) > 0) },
  {
    name: 'flatMap that collects before it fails',
    add: (stream, poison) =>
      stream.flatMap<number>((n, out) => {
        out.collect(n);
        poison.check(n);
      }),
  },
  {
    name: 'generator that yields before it fails',
    add: (stream, poison) =>
      stream.flatMap(function* (n) {
        yield n;
        poison.check(n);
      }),
  },
  { name: 'process', add: (stream, poison) => stream.process({ processElement: (n): number[] => [poison.check(n)] }) },
  {
    name: 'keyed process',
    add: (stream, poison) => stream.keyBy((n) => n % 2).process({ processElement: (n): number[] => [poison.check(n)] }),
  },
  {
    name: 'reduce',
    add: (stream, poison) => stream.keyBy((n) => `key ${n % 7}`).reduce((_, n) => poison.check(n)),
  },
  {
    name: 'key of a reduce',
    add: (stream, poison) => stream.keyBy((n) => `key ${poison.check(n)}`).reduce((_, n) => n),
  },
  {
    name: 'asynchronous function',
    add: (stream, poison) =>
      AsyncDataStream.orderedWait(stream, (n) => new Promise<number>((resolve) => resolve(poison.check(n))), { timeout: '10 s' }),
  },
];

interface Outcome {
  readonly out: readonly number[];
  readonly letters: readonly DeadLetter<number>[];
  readonly status: string;
  readonly error: { readonly code: string; readonly where?: string; readonly message: string } | null;
  readonly restarts: number;
}

async function outcomeOf(builder: JobBuilder, run?: SimulatedRun): Promise<Outcome> {
  const { results, status, error, restarts } = await runSimulated(builder, run);
  const numbers = (results?.['out'] ?? []) as number[];
  return {
    out: [...numbers].sort((a, b) => a - b),
    letters: (results?.['letters'] ?? []) as DeadLetter<number>[],
    status,
    error,
    restarts,
  };
}

function job(add: Add, poison: () => Poison, policy: ErrorPolicy<number>): JobBuilder {
  return (env) => {
    env.setRestartStrategy({ kind: 'none' });
    const failing = add(env.fromSequence(1, 12), poison()).name('risky').onError(policy);
    failing.map((n) => n).collect('out');
    failing.getSideOutput(bad).collect('letters');
  };
}

const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const harmless = all.filter((n) => n % 3 !== 0);

for (const { name, add } of operators) {
  const isFold = name === 'reduce';
  // The first value of a key is not reduced.
  const first = isFold ? [3, 6] : [];

  test(`${name}: by default the task fails, and names the operator`, async () => {
    const { status, error } = await outcomeOf(job(add, () => new Poison(9), 'fail'));
    assert.is(status, 'FAILED');
    assert.match(error?.where ?? '', /risky|keyBy after/);
  });

  test(`${name}: retried often enough every record has its results, once (EP1)`, async () => {
    // The key of a record is also made where it is sent.
    const { out, letters, status } = await outcomeOf(job(add, () => new Poison(2), { retry: 2, deadLetter: bad }));
    assert.is(status, 'FINISHED');
    assert.equal(out, all);
    assert.equal(letters, []);
  });

  test(`${name}: retried in vain the task fails with what the function threw (EP2)`, async () => {
    const { status, error } = await outcomeOf(job(add, () => new Poison(9), { retry: 1 }));
    assert.is(status, 'FAILED');
    assert.match(error?.message ?? '', /is poison/);
    assert.is(error?.where, 'risky');
  });

  test(`${name}: what still fails goes to the dead letters, without results (EP1, EP2, EP3)`, async () => {
    const { out, letters, status } = await outcomeOf(job(add, () => new Poison(99), { retry: 1, deadLetter: bad }));
    assert.is(status, 'FINISHED');
    assert.equal(
      out,
      [...harmless, ...first].sort((a, b) => a - b),
    );
    assert.equal(
      [...letters].sort((a, b) => (a.value ?? 0) - (b.value ?? 0)),
      [3, 6, 9, 12]
        .filter((n) => !first.includes(n))
        .map((value) => ({
          value,
          operator: 'risky',
          error: { code: 'UNCAUGHT', message: `RangeError: ${value} is poison` },
          timestamp: null,
        })),
    );
  });
}

const behindKeys: Readonly<Record<string, (keyed: KeyedStream<string, number>) => SingleOutputStream<number>>> = {
  process: (keyed) => keyed.process({ processElement: (n): number[] => [n] }),
  'map, which has no state of the key': (keyed) => keyed.map((n) => n),
  'flatMap, the same': (keyed) => keyed.flatMap((n): number[] => [n]),
};

for (const [what, behind] of Object.entries(behindKeys)) {
  test(`a key that is none goes to the dead letters of the operator behind keyBy: ${what} (EP3)`, async () => {
    const { out, letters } = await outcomeOf((env) => {
      env.setParallelism(2);
      const failing = behind(env.fromSequence(1, 6).keyBy((n) => (n === 4 ? (undefined as never) : `key ${n}`)))
        .name('risky')
        .onError({ deadLetter: bad });
      failing.collect('out');
      failing.getSideOutput(bad).collect('letters');
    });
    assert.equal(out, [1, 2, 3, 5, 6]);
    assert.equal(
      letters.map(({ value, error }) => [value, error.code]),
      [[4, 'KEY_UNSUPPORTED']],
    );
  });
}

test('both inputs of an operator follow its policy', async () => {
  const { out, letters } = await outcomeOf((env) => {
    const refuse = (n: number): number => {
      if (n % 3 === 0) throw new RangeError(`${n} is poison`);
      return n;
    };
    const failing = env
      .fromSequence(1, 4)
      .connect(env.fromSequence(11, 15))
      .map<number>({ map1: refuse, map2: refuse })
      .onError({ deadLetter: bad });
    failing.collect('out');
    failing.getSideOutput(bad).collect('letters');
  });
  assert.equal(out, [1, 2, 4, 11, 13, 14]);
  assert.equal(letters.map(({ value }) => value).sort(), [12, 15, 3]);
});

test('a window function that fails leaves a dead letter with the end of its window; other windows stand', async () => {
  const { out, letters } = await outcomeOf((env) => {
    const failing = env
      .fromSequence(1, 9)
      .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n) => n * 100))
      .keyBy((n) => (n % 2 === 0 ? 'even' : 'odd'))
      .window(TumblingEventTimeWindows.of('500 ms'))
      .apply((_key, window, values): number[] => {
        const sum = [...values].reduce((left, right) => left + right, 0);
        if (window.start === 500) throw new RangeError(`${sum} is poison`);
        return [sum];
      })
      .name('summed')
      .onError({ retry: 1, deadLetter: bad });
    failing.collect('out');
    failing.getSideOutput(bad).collect('letters');
  });
  assert.equal(out, [4, 6]);
  assert.equal(letters.map(({ timer, operator, error }) => [timer?.key, operator, error.message]).sort(), [
    ['even', 'summed', 'RangeError: 14 is poison'],
    ['odd', 'summed', 'RangeError: 21 is poison'],
  ]);
});

test('a timer that fails goes to the dead letters with its time and key, once it was retried', async () => {
  let tries = 0;
  const { out, letters } = await outcomeOf((env) => {
    const failing = env
      .fromSequence(1, 3)
      .keyBy((n) => `key ${n}`)
      .process({
        processElement: (n, { time }): number[] => {
          time.registerEventTimeTimer(n * 100);
          return [];
        },
        onTimer: (time): number[] => {
          if (time === 200) tries += 1;
          if (time === 200) throw new Error('no luck');
          return [time];
        },
      })
      .name('timed')
      .onError({ retry: 2, deadLetter: bad });
    failing.collect('out');
    failing.getSideOutput(bad).collect('letters');
  });
  assert.equal(out, [100, 300]);
  assert.is(tries, 3);
  assert.equal(letters, [
    {
      value: null,
      timer: { time: 200, key: 'key 2' },
      operator: 'timed',
      error: { code: 'UNCAUGHT', message: 'Error: no luck' },
      timestamp: 200,
    },
  ] as never);
});

const slidingWindows: readonly {
  readonly name: string;
  readonly windowed: (stream: KeyedStream<string, number>) => WindowedStream<string, number, TimeWindow>;
}[] = [
  { name: 'sliding', windowed: (stream) => stream.window(SlidingEventTimeWindows.of('300 ms', '100 ms')) },
  {
    name: 'sliding with an evictor',
    windowed: (stream) => stream.window(SlidingEventTimeWindows.of('300 ms', '100 ms')).evictor(CountEvictor.of(99)),
  },
  { name: 'session', windowed: (stream) => stream.window(EventTimeSessionWindows.withGap('50 ms')) },
];

for (const { name, windowed } of slidingWindows) {
  test(`${name} windows go on behind one whose function fails: each other one fires, once (GO3)`, async () => {
    const builder =
      (isPoisoned: boolean): JobBuilder =>
      (env) => {
        const stream = env
          .fromSequence(1, 9)
          .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n) => n * 100))
          .keyBy((n) => (n < 5 ? 'low' : 'high'));
        const failing = windowed(stream)
          .apply((_key, window, values): number[] => {
            if (isPoisoned && window.end > 300 && window.end <= 600) throw new RangeError('poison');
            return [window.end + [...values].length];
          })
          .onError({ retry: 1, deadLetter: bad });
        failing.collect('out');
        failing.getSideOutput(bad).collect('letters');
      };
    const whole = await outcomeOf(builder(false));
    const { out, letters, status } = await outcomeOf(builder(true));
    assert.is(status, 'FINISHED');
    assert.ok(letters.length > 0);
    assert.is(out.length + letters.length, whole.out.length);
    const endOf = (result: number): number => Math.floor(result / 10) * 10;
    assert.equal(
      out,
      whole.out.filter((result) => endOf(result) <= 300 || endOf(result) > 600),
    );
  });
}

test('side outputs of a call that failed are forgotten with its results (EP1)', async () => {
  const side = outputTag<number>('side');
  const { results } = await runSimulated((env) => {
    const poison = new Poison(1);
    const failing = env
      .fromSequence(1, 3)
      .process<number>({
        processElement: (n, context, out) => {
          context.output(side, n);
          out.collect(n);
          poison.check(n);
        },
      })
      .onError({ retry: 1 });
    failing.collect('out');
    failing.getSideOutput(side).collect('side');
  });
  assert.equal(results, { out: [1, 2, 3], side: [1, 2, 3] });
});

test('what is wrong with the program fails the job, whatever the policy (EP4)', async () => {
  const { status, error, restarts } = await outcomeOf((env) => {
    const promising = ((n: number) => Promise.resolve(n)) as never;
    env.fromSequence(1, 3).map<number>(promising).onError({ retry: 5, deadLetter: bad }).collect('out');
  });
  assert.equal([status, error?.code, restarts], ['FAILED', 'FUNCTION_ASYNC', 0]);
  const tooMany = await outcomeOf((env) => {
    const many = function* (): Generator<string> {
      for (;;) yield 'x'.repeat(100_000);
    };
    env.fromData(1).flatMap(many).name('endless').onError({ deadLetter: bad }).collect('out');
  });
  assert.equal([tooMany.status, tooMany.error?.code, tooMany.error?.where], ['FAILED', 'OUTPUT_OVERDRAFT', 'endless']);
});

test('what happens behind the operator is no failure of its function', async () => {
  const { status, error, letters } = await outcomeOf((env) => {
    env.setRestartStrategy({ kind: 'none' });
    const passed = env
      .fromSequence(1, 3)
      .map((n) => n)
      .onError({ retry: 5, deadLetter: bad });
    passed.getSideOutput(bad).collect('letters');
    passed
      .map((): number => {
        throw new Error('behind');
      })
      .name('behind')
      .collect('out');
  });
  assert.equal([status, error?.where, letters], ['FAILED', 'behind', []]);
});

test('dead letters and repetitions are counted among the metrics', async () => {
  const told = new Map<string, number>();
  await runSimulated(
    (env) => {
      const poison = new Poison(99);
      const source = env.fromSource(throttled(sequenceSource(1, 90), { recordsPerSecond: 30 }));
      source
        .map((n) => poison.check(n))
        .onError({ retry: 1, deadLetter: bad })
        .collect('out');
    },
    {
      onProgress: ({ jobId }, cluster) => {
        void cluster
          .client()
          .client.describe(jobId, { withHistory: true })
          .then((summary) => {
            for (const { subtasks } of summary?.vertices ?? [])
              for (const { metrics } of subtasks)
                for (const { name, values } of metrics.functions ?? []) told.set(name, values['count'] ?? 0);
          });
      },
    },
  );
  assert.ok((told.get('deadLetters') ?? 0) > 10);
  assert.is(told.get('deadLetters'), told.get('retries'));
});

test('a record keeps its place: an operator that has no room hands on and holds back as any other', async () => {
  const { out } = await outcomeOf((env) => {
    env
      .fromSequence(1, 300)
      .flatMap((n) => [n, n, n])
      .onError({ deadLetter: bad })
      .flatMap((n) => Array.from({ length: 20 }, () => n))
      .rebalance()
      .map((n) => n)
      .filter((n) => n > 298)
      .collect('out');
  });
  assert.is(out.length, 120);
});

test('without a policy a poison record ends a job that would restart for ever, and the message says how to go on', async () => {
  const bound = { 'restart-strategy.repeated-failure.attempts': '5', 'restart-strategy.repeated-failure.time': '2 s' };
  const summary = await runSimulated(
    (env) => {
      env.enableCheckpointing('10 s');
      const poison = new Poison(Number.POSITIVE_INFINITY);
      const source = env.fromSource(throttled(sequenceSource(1, 90), { recordsPerSecond: 30 }));
      source
        .map((n) => poison.check(n))
        .name('risky')
        .collect('out');
    },
    { configuration: Configuration.load({ flags: bound }) },
  );
  assert.is(summary.status, 'FAILED');
  assert.is(summary.error?.where, 'risky');
  assert.match(summary.error?.hint ?? '', /It was not restarted: it failed so \d+ times in a row .*onError/);
  assert.ok(summary.restarts >= 5, `${summary.restarts} restarts`);
});

const refused: readonly { readonly policy: unknown; readonly message: RegExp }[] = [
  { policy: 'retry', message: /"retry" is no policy/ },
  { policy: {}, message: /\{\} is no policy/ },
  { policy: null, message: /null is no policy/ },
  { policy: { retry: -1 }, message: /retry is -1/ },
  { policy: { retry: { attempts: 1.5 } }, message: /retry is 1.5/ },
  { policy: { deadLetter: 'bad' }, message: /deadLetter is no output tag/ },
  { policy: { retry: { attempts: 1, delay: 'soon' } }, message: /"soon" is not a duration/ },
];

for (const { policy, message } of refused) {
  test(`onError(${JSON.stringify(policy)}) is refused when the job is built`, () => {
    const build = (): unknown =>
      graphOf(
        (env) =>
          void env
            .fromData(1)
            .map((n) => n)
            .onError(policy as 'fail')
            .collect('out'),
      );
    assert.throws(build, (error: { message: string }) => message.test(error.message));
  });
}

test('a policy is part of what a job is: a slot that builds another one is told apart', () => {
  const digestOf = (policy: ErrorPolicy): string =>
    graphOf(
      (env) =>
        void env
          .fromData(1)
          .map((n) => n)
          .onError(policy)
          .collect('out'),
    ).fingerprint;
  assert.is(digestOf({ retry: 1 }), digestOf({ retry: 1 }));
  assert.is.not(digestOf({ retry: 1 }), digestOf({ retry: 2 }));
  assert.is.not(digestOf({ retry: 1 }), digestOf('fail'));
});

test.run();
