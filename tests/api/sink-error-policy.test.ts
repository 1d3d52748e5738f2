/** Policies for errors of sinks: what becomes of records that cannot be written. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fileSink,
  outputTag,
  sequenceSource,
  throttled,
  type DataStream,
  type DeadLetter,
  type ErrorPolicy,
  type JobBuilder,
  type Sink,
  type StreamSink,
} from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import type { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { directory, filesBelow, losses, runKilled, type Numbered } from '../support/killed-files.js';
import { runLosingTaskManagers } from '../support/lost-task-managers.js';
import { present } from '../support/present.js';
import { runSimulated } from '../support/run-simulated.js';
import { graphOf } from '../support/word-count.js';

boundTests({ testMs: 60_000, fileMs: 118_000 });
const test = suite('policies for errors of sinks');

const bad = outputTag<DeadLetter<number>>('bad');
const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const poisoned = all.filter((n) => n % 3 === 0);
const harmless = all.filter((n) => n % 3 !== 0);

/** Throws for each multiple of three, as often as told. */
function poison(times: number): (n: number) => number {
  const calls = new Map<number, number>();
  return (n) => {
    const call = (calls.get(n) ?? 0) + 1;
    calls.set(n, call);
    if (n % 3 === 0 && call <= times) throw new RangeError(`${n} is poison`);
    return n;
  };
}

/** Keeps what it took; `check` may throw before. */
function checkedOutput(output: TestOutput<number>, check: (n: number) => number): Sink<number> {
  return {
    name: 'checked',
    data: null,
    createWriter: () => {
      const writer = output.createWriter();
      return {
        ...writer,
        bind: (out, context) => {
          const take = writer.bind(out, context);
          return (n, timestamp) => take(check(n), timestamp);
        },
      };
    },
  };
}

type Add = (stream: DataStream<number>, check: (n: number) => number) => StreamSink<number>;
const sinks: readonly { readonly name: string; readonly add: Add }[] = [
  { name: 'encode of files', add: (stream, check) => stream.sinkTo(fileSink(directory, { encode: (n) => `${check(n)}` })) },
  {
    name: 'partitionBy of files',
    add: (stream, check) => stream.sinkTo(fileSink(directory, { partitionBy: (n) => `at/${check(n) % 2}` })),
  },
  {
    name: 'the key of a stream before files',
    add: (stream, check) => stream.keyBy((n) => `key ${check(n)}`).sinkTo(fileSink(directory)),
  },
];

interface Outcome {
  readonly written: readonly number[];
  readonly letters: readonly DeadLetter<number>[];
  readonly status: string;
  readonly error: { readonly where?: string; readonly message: string } | null;
  /** What the job says it wrote, its dead letters included: they are collected. */
  readonly recordsOut: number;
  readonly paths: readonly string[];
}

/** Numbers in lines of text. */
async function numbersIn(disk: MemoryFileSystem, paths: readonly string[]): Promise<readonly number[]> {
  const texts = await Promise.all(paths.map(async (path) => Buffer.from(await disk.readFile(path)).toString('utf8')));
  const lines = texts.flatMap((text) => text.split('\n').slice(0, -1));
  return lines.map(Number).sort((a, b) => a - b);
}

const committed = async (disk: MemoryFileSystem, target = directory): Promise<readonly string[]> =>
  (await filesBelow(disk, target)).filter((path) => !/\/[._]/.test(path));

async function outcomeOf(builder: JobBuilder): Promise<Outcome> {
  let disk: MemoryFileSystem | undefined;
  const { results, status, error, recordsOut } = await runSimulated(builder, { onProgress: (_, cluster) => (disk = cluster.disk) });
  const paths = await committed(present(disk));
  return {
    written: await numbersIn(present(disk), paths),
    letters: [...((results?.['letters'] ?? []) as DeadLetter<number>[])].sort((a, b) => (a.value ?? 0) - (b.value ?? 0)),
    status,
    error,
    recordsOut,
    paths,
  };
}

const job =
  (add: Add, times: number, policy: ErrorPolicy<number>): JobBuilder =>
  (env) => {
    env.setRestartStrategy({ kind: 'none' });
    const sink = add(env.fromSequence(1, 12), poison(times)).name('risky').onError(policy);
    if (policy !== 'fail' && policy.deadLetter !== undefined) sink.getSideOutput(bad).collect('letters');
  };

for (const { name, add } of sinks) {
  test(`${name}: by default the task fails`, async () => {
    const { status, error } = await outcomeOf(job(add, 9, 'fail'));
    assert.is(status, 'FAILED');
    assert.match(error?.where ?? '', /risky|keyBy after/);
  });

  test(`${name}: retried often enough every record is written, once`, async () => {
    // The key of a record is also made where it is sent.
    const { written, letters, status, recordsOut } = await outcomeOf(job(add, 2, { retry: 2, deadLetter: bad }));
    assert.equal([status, letters, recordsOut], ['FINISHED', [], 12]);
    assert.equal(written, all);
  });

  test(`${name}: retried in vain the task fails with what was thrown (EP2)`, async () => {
    const { status, error } = await outcomeOf(job(add, 9, { retry: 1 }));
    assert.is(status, 'FAILED');
    assert.match(error?.message ?? '', /is poison/);
    assert.is(error?.where, 'risky');
  });

  test(`${name}: what cannot be written is a dead letter, and does not count as written (EP5)`, async () => {
    const { written, letters, status, recordsOut } = await outcomeOf(job(add, 99, { retry: 1, deadLetter: bad }));
    assert.is(status, 'FINISHED');
    assert.equal(written, harmless);
    assert.equal(
      letters,
      poisoned.map((value) => ({
        value,
        operator: 'risky',
        error: { code: 'UNCAUGHT', message: `RangeError: ${value} is poison` },
        timestamp: null,
      })),
    );
    // 8 by the sink and 4 by what collects the letters.
    assert.is(recordsOut, 12);
  });
}

test('where nothing could be written there is no file', async () => {
  const add: Add = (stream, check) => stream.filter((n) => n % 3 === 0).sinkTo(fileSink(directory, { encode: (n) => `${check(n)}` }));
  const { paths, letters, status } = await outcomeOf(job(add, 99, { deadLetter: bad }));
  assert.equal([status, letters.length, paths], ['FINISHED', 4, []]);
});

test('where keys are made in several ways a key function that throws fails its task, as nobody behind it could tell', async () => {
  const add: Add = (stream, check) => {
    const even = stream.filter((n) => n % 2 === 0).keyBy((n) => `even ${n}`);
    const odd = stream.filter((n) => n % 2 === 1).keyBy((n) => `odd ${check(n)}`);
    return even.union(odd).sinkTo(fileSink(directory));
  };
  const { status, error } = await outcomeOf(job(add, 99, { deadLetter: bad }));
  assert.is(status, 'FAILED');
  assert.match(error?.message ?? '', /is poison/);
});

test('more than may come between two checkpoints is no fault of a record (EP4)', async () => {
  const { status, error, letters } = await outcomeOf((env) => {
    env.setRestartStrategy({ kind: 'none' }).enableCheckpointing('1 h');
    const sink = env
      .fromSequence(1, 3_000)
      .sinkTo(fileSink(directory, { partitionBy: (n) => `p${n % 2}`, openFilesMax: 1 }))
      .onError({ retry: 1, deadLetter: bad });
    sink.getSideOutput(bad).collect('letters');
  });
  assert.equal([status, letters], ['FAILED', []]);
  assert.match(error?.message ?? '', /files ended between two checkpoints/);
});

test('what a target fails of later fails the task, whatever the policy (EP5)', async () => {
  const failing: Sink<number> = {
    name: 'away',
    data: null,
    createWriter: () => ({
      bind: (_out, context) => (n) => {
        if (n === 3) void Promise.resolve().then(() => context.fail(new Error('the target is away')));
      },
    }),
  };
  const { status, error, letters } = await outcomeOf(job((stream) => stream.sinkTo(failing), 0, { retry: 5, deadLetter: bad }));
  assert.equal([status, letters], ['FAILED', []]);
  assert.match(error?.message ?? '', /the target is away/);
});

for (const parallelism of [1, 3]) {
  test(`a job restored from any checkpoint, at parallelism ${parallelism}, wrote each record or gave it up, once`, async () => {
    for (let cut = 0; cut <= all.length; cut += 1) {
      const numbers = new TestInput<number>('numbers');
      const written = new TestOutput<number>('written', { isSlow: true });
      const letters = new TestOutput<DeadLetter<number>>('letters', { isSlow: true });
      const sink = checkedOutput(written, poison(Number.POSITIVE_INFINITY));
      const under = await JobTest.start(
        (env) => {
          const end = env.fromSource(numbers).setParallelism(1).rebalance().sinkTo(sink).onError({ retry: 1, deadLetter: bad });
          end.getSideOutput(bad).rebalance().sinkTo(letters).setParallelism(2);
        },
        { parallelism },
      );
      await numbers.pushAll(all.slice(0, cut));
      const checkpoint = await under.checkpoint();
      await numbers.pushAll(all.slice(cut));
      await under.restore(checkpoint, { parallelism: (parallelism % 3) + 1 });
      await under.finish();
      const sorted = (values: readonly (number | null)[]): readonly number[] => values.map(Number).sort((a, b) => a - b);
      assert.equal(sorted(written.values()), harmless, `cut after ${cut}`);
      assert.equal(sorted(letters.values().map(({ value }) => value)), poisoned, `cut after ${cut}`);
    }
  });
}

const two: ErrorPolicy<Numbered> = { deadLetter: outputTag('two') };
const withoutTwo = (encoded: Numbered): string => {
  if (encoded.number === 2) throw new Error('no two');
  return JSON.stringify(encoded);
};

for (const loss of losses) {
  for (const rolling of [{}, { onCheckpoint: false }]) {
    test(`${loss.name} at every operation of the disk (${JSON.stringify(rolling)}): a dead letter is in no transaction`, async () => {
      const sink = { encode: withoutTwo, rolling };
      const policy = { attempts: 1, delayMs: 0, deadLetter: present(two.deadLetter).id };
      const { operations, output } = await runKilled({ kills: [], loss, sink, policy });
      assert.equal(output, [0, 1, 3, 4]);
      assert.ok(operations > 20, `${operations} operations`);
      for (let first = 1; first <= operations; first += 1) {
        const { output: after, leftovers } = await runKilled({ kills: [first], loss, sink, policy });
        assert.equal([after, leftovers], [[0, 1, 3, 4], []], `killed at operation ${first}`);
      }
    });
  }
}

test('with processes that die, after FINISHED each record is in a file or among the dead letters in files, once', async () => {
  const records = 400;
  for (const seed of [1, 2, 3]) {
    const { summary, disk } = await runLosingTaskManagers(
      (env) => {
        env.setParallelism(2).enableCheckpointing(300);
        const check = poison(Number.POSITIVE_INFINITY);
        env
          .fromSource(throttled(sequenceSource(0, records - 1), { recordsPerSecond: 100 }))
          .rebalance()
          .sinkTo(fileSink<number>(directory, { encode: (n) => `${check(n)}`, partitionBy: (n) => `half=${n % 2}` }))
          .onError({ deadLetter: bad })
          .getSideOutput(bad)
          .sinkTo(fileSink('/letters', { encode: ({ value }) => `${value}` }))
          .setParallelism(1);
      },
      { seed, lostAt: [125, 250] },
    );
    assert.is(summary.status, 'FINISHED', `seed ${seed}`);
    assert.ok(summary.restarts >= 1, `seed ${seed}: ${summary.restarts} restarts`);
    const expected = Array.from({ length: records }, (_, n) => n);
    const [written, letters] = [await committed(disk), await committed(disk, '/letters')];
    assert.equal(
      await numbersIn(disk, written),
      expected.filter((n) => n % 3 !== 0),
      `seed ${seed}`,
    );
    assert.equal(
      await numbersIn(disk, letters),
      expected.filter((n) => n % 3 === 0),
      `seed ${seed}`,
    );
    assert.is(summary.recordsOut, records, `seed ${seed}`);
  }
});

const refused: readonly { readonly name: string; readonly end: (sink: StreamSink<number>) => unknown; readonly message: RegExp }[] = [
  { name: 'a delay', end: (sink) => sink.onError({ retry: { attempts: 2, delay: '1 s' } }), message: /does not wait before it tries/ },
  { name: 'a policy that is none', end: (sink) => sink.onError({}), message: /\{\} is no policy/ },
  { name: 'letters without a policy', end: (sink) => sink.getSideOutput(bad).print(), message: /hands nothing to the side output "bad"/ },
  {
    name: 'letters of a policy without any',
    end: (sink) => sink.onError({ retry: 1 }).getSideOutput(bad).print(),
    message: /hands nothing to the side output "bad"/,
  },
  {
    name: 'letters of another tag',
    end: (sink) => sink.onError({ deadLetter: bad }).getSideOutput(outputTag('other')).print(),
    message: /hands nothing to the side output "other"/,
  },
  {
    name: 'letters of another tag with the same id',
    end: (sink) => sink.onError({ deadLetter: bad }).getSideOutput(outputTag('bad')).print(),
    message: /another tag with the id "bad"/,
  },
];

for (const { name, end, message } of refused) {
  test(`${name} of a sink is refused when the job is built`, () => {
    const build = (): unknown => graphOf((env) => void end(env.fromSequence(1, 2).sinkTo(fileSink(directory)).name('end')));
    assert.throws(build, (error: { message: string; where: string }) => message.test(error.message) && error.where === 'end');
  });
}

test('a policy may stand behind what reads its dead letters', () => {
  graphOf((env) => {
    const sink = env.fromSequence(1, 2).sinkTo(fileSink(directory));
    sink.getSideOutput(bad).print();
    sink.onError({ deadLetter: bad });
  });
});

test.run();
