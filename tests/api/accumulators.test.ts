/** Accumulators of a job: over subtasks and attempts, while it runs, in its result; and what is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AverageAccumulator,
  DoubleMaximum,
  DoubleMinimum,
  Histogram,
  IntCounter,
  IntMaximum,
  IntMinimum,
  ListAccumulator,
  LongMaximum,
  LongMinimum,
  sequenceSource,
  throttled,
  type Accumulator,
  type JobBuilder,
  type RuntimeContext,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated } from '../support/run-simulated.js';

boundTests({ testMs: 30_000 });
const test = suite('accumulators');

/** Counts each record of 1 to 100 in an accumulator of a kind. */
const kinds: readonly {
  readonly name: string;
  readonly make: () => Accumulator<number>;
  readonly type: string;
  readonly value: unknown;
}[] = [
  { name: 'a counter', make: () => new IntCounter(), type: 'IntCounter', value: 5_050 },
  { name: 'the smallest', make: () => new IntMinimum(), type: 'IntMinimum', value: 1 },
  { name: 'the largest', make: () => new IntMaximum(), type: 'IntMaximum', value: 100 },
  { name: 'the smallest long', make: () => new LongMinimum(), type: 'LongMinimum', value: 1 },
  { name: 'the largest long', make: () => new LongMaximum(), type: 'LongMaximum', value: 100 },
  { name: 'the smallest number', make: () => new DoubleMinimum(), type: 'DoubleMinimum', value: 1 },
  { name: 'the largest number', make: () => new DoubleMaximum(), type: 'DoubleMaximum', value: 100 },
  { name: 'an average', make: () => new AverageAccumulator(), type: 'AverageAccumulator', value: 50.5 },
];

for (const { name, make, type, value } of kinds) {
  test(`${name} is merged by name over subtasks, and part of the result`, async () => {
    const summary = await runSimulated((env) => {
      env.setParallelism(2);
      const accumulator = make();
      env
        .fromSequence(1, 100)
        .rebalance()
        .map({
          open: (context) => void context.addAccumulator('values', accumulator),
          map: (n) => {
            accumulator.add(n);
            return n;
          },
        })
        .collect('out');
    });
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.equal(summary.accumulators, { values: { type, value } });
  });
}

test('histograms and lists gather what all subtasks saw', async () => {
  const { accumulators } = await runSimulated((env) => {
    env.setParallelism(2);
    const tens = new Histogram();
    const large = new ListAccumulator<number>();
    env
      .fromSequence(1, 100)
      .rebalance()
      .filter({
        open: (context) => {
          context.addAccumulator('tens', tens);
          context.addAccumulator('large', large);
        },
        filter: (n) => {
          tens.add(Math.floor(n / 50));
          if (n > 98) large.add(n);
          return true;
        },
      })
      .collect('out');
  });
  assert.equal(accumulators?.['tens']?.value, { 0: 49, 1: 50, 2: 1 });
  assert.equal([...(accumulators?.['large']?.value as number[])].sort(), [100, 99]);
});

test('one of your own is merged by its rules, where no code of the job is', async () => {
  class Speeds {
    readonly type = 'Speeds';
    readonly rules = { sum: 'sum', fastest: 'max', seen: 'counts' } as const;
    #sum = 0;
    #fastest: number | null = null;
    readonly #seen: Record<string, number> = {};
    add({ car, speed }: { readonly car: string; readonly speed: number }): void {
      this.#sum += speed;
      this.#fastest = Math.max(this.#fastest ?? 0, speed);
      this.#seen[car] = (this.#seen[car] ?? 0) + 1;
    }
    state() {
      return { sum: this.#sum, fastest: this.#fastest, seen: this.#seen };
    }
  }
  const { accumulators } = await runSimulated((env) => {
    env.setParallelism(2);
    const speeds = new Speeds();
    env
      .fromSequence(1, 10)
      .rebalance()
      .map({
        open: (context) => void context.addAccumulator('speeds', speeds),
        map: (n) => speeds.add({ car: n % 2 ? 'a' : 'b', speed: n }),
      })
      .collect('out');
  });
  assert.equal(accumulators, { speeds: { type: 'Speeds', value: { sum: 55, fastest: 10, seen: { a: 5, b: 5 } } } });
});

test('chained operators that share a name count as two subtasks would (TA1); a shortcut gives the same one again', async () => {
  for (const isChained of [true, false]) {
    const { accumulators } = await runSimulated((env) => {
      const counting = () => {
        let counter: IntCounter;
        return {
          open: (context: RuntimeContext) => {
            counter = context.intCounter('seen');
            assert.is(context.intCounter('seen'), counter);
          },
          map: (n: number) => {
            counter.add();
            return n;
          },
        };
      };
      const first = env.fromSequence(1, 10).map(counting()).name('first');
      const second = first.map(counting()).name('second');
      if (!isChained) second.disableChaining();
      second.collect('out');
    });
    assert.equal(accumulators, { seen: { type: 'IntCounter', value: 20 } });
  }
});

/** Counts 400 records, four a virtual second and subtask, and fails once in the middle. */
const failingOnce =
  (isCheckpointed: boolean): JobBuilder =>
  (env) => {
    env.setParallelism(2);
    env.setRestartStrategy({ kind: 'fixed-delay', attempts: 5, delay: '10 ms' });
    if (isCheckpointed) env.enableCheckpointing('200 ms');
    let counter: IntCounter;
    let attempt = 0;
    env
      .fromSource(throttled(sequenceSource(1, 400), { recordsPerSecond: 100 }))
      .rebalance()
      .map({
        open: (context) => {
          attempt = context.task.attemptNumber;
          counter = context.intCounter('records');
        },
        map: (n) => {
          counter.add();
          if (n === 250 && attempt === 0) throw new Error('once');
          return n;
        },
      })
      .collect('out');
  };

for (const isCheckpointed of [true, false]) {
  test(`after a failure each record counts once, ${isCheckpointed ? 'from a checkpoint' : 'from the beginning'} (AC1)`, async () => {
    const summary = await runSimulated(failingOnce(isCheckpointed));
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 1);
    assert.is(summary.checkpointsCompleted > 0, isCheckpointed);
    assert.equal(summary.accumulators?.['records'], { type: 'IntCounter', value: 400 });
  });
}

test('a JobManager that takes over counts on from the checkpoint as its tasks do (AC1)', async () => {
  let isKilled = false;
  const summary = await runSimulated(failingOnce(true), {
    onProgress: ({ checkpointsCompleted }, cluster) => {
      const leader = cluster.jobManager;
      if (isKilled || checkpointsCompleted < 3 || leader === undefined) return;
      isKilled = true;
      leader.kill();
      cluster.startJobManager(leader.name);
    },
  });
  assert.ok(isKilled);
  assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
  assert.equal(summary.accumulators?.['records'], { type: 'IntCounter', value: 400 });
});

test('they are seen while the job runs, and grow', async () => {
  const seen: number[] = [];
  await runSimulated(failingOnce(true), {
    onProgress: ({ status, accumulators }) => {
      if (status === 'RUNNING' && accumulators !== undefined) seen.push(accumulators['records']?.value as number);
    },
  });
  const distinct = new Set(seen);
  assert.ok(distinct.size > 3, `seen while it ran: ${[...distinct].join(' ')}`);
  assert.ok([...distinct].every((value) => value <= 400));
});

const counting = (name: string, add: (context: RuntimeContext) => void) => ({ name, add });
const refused: readonly {
  readonly code: string;
  readonly what: string;
  readonly functions: readonly ReturnType<typeof counting>[];
  readonly isChained?: boolean;
  readonly where: string;
  readonly message: RegExp;
}[] = [
  {
    code: 'ACCUMULATOR_TYPE_CLASH',
    what: 'two types in one task',
    functions: [counting('first', (context) => void context.intCounter('n')), counting('second', (context) => void context.histogram('n'))],
    where: 'first',
    message: /"n" was created with two different types: Histogram in second and IntCounter in first/,
  },
  {
    code: 'ACCUMULATOR_TYPE_CLASH',
    what: 'two types in two tasks',
    functions: [counting('first', (context) => void context.intCounter('n')), counting('second', (context) => void context.histogram('n'))],
    isChained: false,
    where: 'second',
    message: /"n" was created with two different types: IntCounter in .*first.* \(1\/1\) and Histogram in .*second.* \(1\/1\)/,
  },
  {
    code: 'ACCUMULATOR_TYPE_CLASH',
    what: 'two types in one operator',
    functions: [
      counting('first', (context) => {
        context.intCounter('n');
        context.longCounter('n');
      }),
    ],
    where: 'first',
    message: /IntCounter in first and LongCounter in first/,
  },
  {
    code: 'ACCUMULATOR_EXISTS',
    what: 'the same name twice',
    functions: [
      counting('first', (context) => {
        context.addAccumulator('n', new IntCounter());
        context.addAccumulator('n', new IntCounter());
      }),
    ],
    where: 'first',
    message: /"n" already exists/,
  },
  {
    code: 'ACCUMULATOR_INVALID',
    what: 'what is no accumulator',
    functions: [counting('first', (context) => void context.addAccumulator('n', {} as never))],
    where: 'first',
    message: /"n" is no accumulator/,
  },
  {
    code: 'ACCUMULATOR_NAME_INVALID',
    what: 'an empty name',
    functions: [counting('first', (context) => void context.intCounter(''))],
    where: 'first',
    message: /"" is no name/,
  },
  {
    code: 'ACCUMULATOR_STATE_INVALID',
    what: 'a state that misfits its rules',
    functions: [
      counting(
        'first',
        (context) => void context.addAccumulator('n', { type: 'Odd', rules: 'sum', add: () => undefined, state: () => 'x' }),
      ),
    ],
    where: 'first',
    message: /"n" of type Odd cannot be merged/,
  },
  {
    code: 'ACCUMULATORS_TOO_LARGE',
    what: 'a list that grows beyond the bound',
    functions: [
      counting('first', (context) => {
        const list = context.addAccumulator('n', new ListAccumulator<string>());
        for (let at = 0; at < 1_000; at += 1) list.add('twenty characters...');
      }),
    ],
    where: 'n',
    message: /"n" is the largest, and those of the task take \d+ bytes/,
  },
];

for (const { code, what, functions, isChained = true, where, message } of refused) {
  test(`${what}: the job fails with ${code}, and says where`, async () => {
    const ended = await runSimulated((env) => {
      const first = env
        .fromData(1, 2, 3)
        .map({ open: (context) => functions[0]?.add(context), map: (n) => n })
        .name('first');
      const second = first.map({ open: (context) => functions[1]?.add(context), map: (n) => n }).name('second');
      if (!isChained) second.disableChaining();
      second.collect('out');
    });
    assert.is(ended.error?.code, code, JSON.stringify(ended.error));
    assert.is(ended.status, 'FAILED');
    assert.match(ended.error?.where ?? '', new RegExp(where));
    assert.match(ended.error?.message ?? '', message);
  });
}

test('a value that a counter does not take fails the function that added it', async () => {
  const summary = await runSimulated((env) => {
    env.setRestartStrategy({ kind: 'none' });
    let counter: IntCounter;
    env
      .fromData(1.5)
      .map({ open: (context) => void (counter = context.intCounter('n')), map: (n) => counter.add(n) })
      .name('halves')
      .collect('out');
  });
  assert.is(summary.error?.where, 'halves');
  assert.match(summary.error?.message ?? '', /1.5 is no whole number/);
});

test.run();
