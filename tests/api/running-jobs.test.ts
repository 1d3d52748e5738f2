/** Jobs of the api on a whole cluster under virtual time: what they compute, not how they are planned. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outputTag, sequenceSource, throttled, type JobBuilder } from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated, type SimulatedRun } from '../support/run-simulated.js';

boundTests({ testMs: 30_000 });
const test = suite('running jobs');

async function resultsOf(builder: JobBuilder, run?: SimulatedRun): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const summary = await runSimulated(builder, run);
  assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
  return summary.results ?? {};
}

const sorted = (values: readonly unknown[] | undefined): readonly unknown[] =>
  [...(values ?? [])].map((value) => JSON.stringify(value)).sort();
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('words are counted, over two slots', async () => {
  const { counts } = await resultsOf((env) => {
    env.setParallelism(2);
    env
      .fromData('to be', 'or not', 'to be')
      .flatMap((line) => line.split(' '))
      .map((word) => ({ word, count: 1 }))
      .keyBy((record) => record.word)
      .sum('count')
      .collect('counts');
  });
  assert.equal(
    sorted(counts),
    sorted([
      { word: 'to', count: 1 },
      { word: 'be', count: 1 },
      { word: 'or', count: 1 },
      { word: 'not', count: 1 },
      { word: 'to', count: 2 },
      { word: 'be', count: 2 },
    ]),
  );
});

test('the records of a job that went out are those its sinks wrote, wherever they are chained', async () => {
  const summary = await runSimulated((env) => {
    env.setParallelism(2);
    const numbers = env.fromCollection(range(1, 100));
    numbers.filter((value) => value % 10 === 0).collect('chained to its source');
    numbers
      .keyBy((value) => value % 7)
      .filter((value) => value % 4 === 0)
      .collect('behind a channel');
  });
  assert.is(summary.recordsIn, 100);
  assert.is(summary.recordsOut, 10 + 25);
});

test('what cannot be part of a result is refused where it is collected, and named', async () => {
  const summary = await runSimulated((env) => {
    env
      .fromData(1, 2)
      .map((n) => ({ n, later: () => n }))
      .collect('answers');
  });
  assert.is(summary.status, 'FAILED');
  assert.is(summary.error?.code, 'STATE_VALUE_UNSUPPORTED');
  assert.match(summary.error?.message ?? '', /function in field "later"/);
  assert.match(summary.error?.where ?? '', /answers/);
});

test('the order of a single subtask is kept', async () => {
  const { out } = await resultsOf((env) => {
    env
      .fromCollection(range(1, 500))
      .filter((value) => value % 3 === 0)
      .map((value) => value * 2)
      .collect('out');
  });
  assert.equal(
    out,
    range(1, 500)
      .filter((value) => value % 3 === 0)
      .map((value) => value * 2),
  );
});

test('rebalance, broadcast, union and keys by tuple bring every record where it belongs', async () => {
  const results = await resultsOf((env) => {
    env.setParallelism(2);
    const numbers = env.fromSequence(1, 40);
    numbers
      .rebalance()
      .map((value) => value)
      .setParallelism(3)
      .collect('rebalanced');
    numbers
      .broadcast()
      .map((value) => value)
      .collect('broadcast');
    numbers.union(env.fromSequence(41, 60), numbers).collect('united');
    numbers
      .map((value) => ({ key: [value % 2, value % 3] as const, value }))
      .keyBy(({ key }) => key)
      .reduce((left, right) => ({ key: left.key, value: left.value + right.value }))
      .collect('sums');
  });
  assert.equal(sorted(results['rebalanced']), sorted(range(1, 40)));
  assert.equal(sorted(results['broadcast']), sorted([...range(1, 40), ...range(1, 40)]));
  assert.equal(sorted(results['united']), sorted([...range(1, 60), ...range(1, 40)]));
  const totals = new Map<string, number>();
  for (const { key, value } of results['sums'] as { key: number[]; value: number }[])
    totals.set(key.join(), Math.max(totals.get(key.join()) ?? 0, value));
  const expected = new Map<string, number>();
  for (const value of range(1, 40)) expected.set(`${value % 2},${value % 3}`, (expected.get(`${value % 2},${value % 3}`) ?? 0) + value);
  assert.equal(sorted([...totals]), sorted([...expected]));
});

test('side outputs, state and the last word of a process function arrive', async () => {
  const odd = outputTag<number>('odd');
  const results = await resultsOf((env) => {
    env.setParallelism(2);
    const split = env.fromSequence(1, 20).process<number>(() => {
      let seen = 0;
      return {
        processElement(value, context, out) {
          seen += 1;
          if (value % 2 === 1) context.output(odd, value);
          else out.collect(value);
        },
        finish: () => [-seen],
      };
    });
    split.collect('even');
    split.getSideOutput(odd).collect('odd');
    split
      .filter((value) => value > 0)
      .keyBy((value) => value % 4)
      .process((runtime) => {
        const last = runtime.valueState<number>('last');
        return {
          processElement(value, context) {
            const before = last.value();
            last.update(value);
            return before === undefined ? [] : [`${context.currentKey()}: ${before} -> ${value}`];
          },
        };
      })
      .collect('pairs');
  });
  const even = results['even'] as number[];
  assert.equal(sorted(even.filter((value) => value > 0)), sorted(range(1, 20).filter((value) => value % 2 === 0)));
  assert.is(
    even.filter((value) => value < 0).reduce((sum, value) => sum + value, 0),
    -20,
  );
  assert.equal(sorted(results['odd']), sorted(range(1, 20).filter((value) => value % 2 === 1)));
  assert.is(results['pairs']?.length, 8);
});

test('min, max, minBy and maxBy keep what they promise', async () => {
  const records = [
    { key: 'a', value: 3, tag: 'first' },
    { key: 'a', value: 1, tag: 'second' },
    { key: 'a', value: 5, tag: 'third' },
  ];
  const results = await resultsOf((env) => {
    const keyed = env.fromCollection(records).keyBy((record) => record.key);
    keyed.min('value').collect('min');
    keyed.max('value').collect('max');
    keyed.minBy('value').collect('minBy');
    keyed.maxBy('value').collect('maxBy');
  });
  assert.equal(results['min']?.at(-1), { key: 'a', value: 1, tag: 'first' });
  assert.equal(results['max']?.at(-1), { key: 'a', value: 5, tag: 'first' });
  assert.equal(results['minBy']?.at(-1), { key: 'a', value: 1, tag: 'second' });
  assert.equal(results['maxBy']?.at(-1), { key: 'a', value: 5, tag: 'third' });
});

test('after a TaskManager was killed, counts and collected results are as if nothing had happened', async () => {
  let isKilled = false;
  const summary = await runSimulated(
    (env) => {
      env.setParallelism(2).enableCheckpointing(200);
      env
        .fromSource(throttled(sequenceSource(1, 800), { recordsPerSecond: 400 }))
        .map((value) => ({ key: value % 5, count: 1 }))
        .keyBy((record) => record.key)
        .sum('count')
        .collect('counts');
    },
    {
      seed: 4,
      onProgress: ({ checkpointsCompleted }, cluster) => {
        if (isKilled || checkpointsCompleted < 3) return;
        isKilled = true;
        cluster.taskManagers[0]?.kill();
        cluster.startTaskManager('tm-3');
      },
    },
  );
  assert.ok(isKilled);
  assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
  assert.ok(summary.restarts >= 1);
  const expected = range(0, 799).map((index) => ({ key: (index + 1) % 5, count: Math.floor(index / 5) + 1 }));
  assert.equal(sorted(summary.results?.['counts']), sorted(expected));
});

test('a function that throws fails the job and names its operator', async () => {
  const summary = await runSimulated((env) => {
    env
      .fromSequence(1, 10)
      .map((value) => {
        if (value === 7) throw new Error('seven');
        return value;
      })
      .name('picky')
      .collect();
  });
  assert.is(summary.status, 'FAILED');
  assert.is(summary.error?.where, 'picky');
  assert.match(summary.error?.message ?? '', /seven/);
});

test('a builder that builds another job in a slot is refused, naming the operator that differs', async () => {
  let builds = 0;
  const summary = await runSimulated((env) => {
    builds += 1;
    env
      .fromData(builds)
      .map((value) => value)
      .name('same')
      .collect();
  });
  assert.is(summary.status, 'FAILED');
  assert.is(summary.error?.code, 'JOB_MISMATCH');
  assert.match(summary.error?.message ?? '', /"Source: collection" has other data/);
});

test('a promise as the first result of a function fails the job, names the operator and says why (SY1)', async () => {
  // What JavaScript would let pass.
  const later = (): never => Promise.reject(new Error('nobody waits for it')) as never;
  const mistakes: Readonly<Record<string, JobBuilder>> = {
    mapping: (env) =>
      void env
        .fromData(1, 2)
        .map(later)
        .name('mapping')
        .map((value) => value)
        .collect(),
    filtering: (env) => void env.fromData(1, 2).filter(later).name('filtering').collect(),
    'behind a filter': (env) =>
      void env
        .fromSequence(1, 50)
        .filter((value) => value > 40)
        .map(later)
        .name('behind a filter')
        .collect(),
    reducing: (env) =>
      void env
        .fromData(1, 1)
        .keyBy((value) => value)
        .reduce(later)
        .name('reducing')
        .collect(),
    spreading: (env) =>
      void env
        .fromData(1)
        .flatMap(() => [later()])
        .name('spreading')
        .collect(),
    answering: (env) => void env.fromData(1).flatMap(later).name('answering').collect(),
    collecting: (env) =>
      void env
        .fromData(1)
        .flatMap<number>((_, out) => out.collect(later()))
        .name('collecting')
        .collect(),
    processing: (env) =>
      void env
        .fromData(1)
        .process<number>({ processElement: () => [later()] })
        .name('processing')
        .collect(),
    'keyed processing': (env) =>
      void env
        .fromData(1)
        .keyBy((value) => value)
        .process<number>({ processElement: () => [later()] })
        .name('keyed processing')
        .collect(),
  };
  for (const [name, builder] of Object.entries(mistakes)) {
    const { status, error } = await runSimulated(builder);
    assert.is(status, 'FAILED', name);
    assert.match(error?.message ?? '', /returned a promise/, `${name}: ${JSON.stringify(error)}`);
    assert.match(JSON.stringify(error), name);
    assert.match(error?.hint ?? '', /synchronous/, name);
  }
});

test.run();
