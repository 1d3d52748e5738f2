/** Asynchronous functions in whole jobs under virtual time: exactly once over failures, in order, and what is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planJob } from '../../graph/job-plan.js';
import {
  AsyncDataStream,
  defineJob,
  IntCounter,
  outputTag,
  sequenceSource,
  throttled,
  type AsyncOptions,
  type DeadLetter,
  type JobBuilder,
} from '../../index.js';
import { boundTests } from '../support/bounds.js';
import { runSimulated, type SimulatedRun } from '../support/run-simulated.js';
import { graphOf } from '../support/word-count.js';

boundTests({ testMs: 30_000 });
const test = suite('asynchronous streams');

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** Answers an input once so many others came after it: so many are always under way. The last ones are answered in time. */
function lagging(lag: number) {
  const unanswered: (() => void)[] = [];
  return {
    asyncInvoke: (value: number) =>
      new Promise<number>((resolve) => {
        unanswered.push(() => resolve(value));
        if (unanswered.length > lag) unanswered.shift()?.();
      }),
    timeout: (value: number) => value,
  };
}

for (const order of ['orderedWait', 'unorderedWait'] as const) {
  test(`${order}: each record leaves exactly once over a failure, whatever was under way`, async () => {
    const builder: JobBuilder = (env) => {
      env.setParallelism(2);
      env.enableCheckpointing('200 ms');
      env.setRestartStrategy({ kind: 'fixed-delay', attempts: 3, delay: '10 ms' });
      let attempt = 0;
      const source = env.fromSource(throttled(sequenceSource(1, 400), { recordsPerSecond: 200 })).rebalance();
      AsyncDataStream[order](source, lagging(7), { timeout: '300 ms', capacity: 20 })
        .map({
          open: ({ task }) => void (attempt = task.attemptNumber),
          map: (n) => {
            if (n === 250 && attempt === 0) throw new Error('once');
            return n;
          },
        })
        .collect('out');
    };
    const summary = await runSimulated(builder);
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 1);
    assert.ok(summary.checkpointsCompleted > 3, `${summary.checkpointsCompleted} checkpoints completed while inputs were under way`);
    assert.equal(
      [...(summary.results?.['out'] as number[])].sort((a, b) => a - b),
      range(400),
    );
  });
}

/** Kills one TaskManager after the other, each when two more checkpoints are complete than at the restart before; it comes back. */
function killing(): NonNullable<SimulatedRun['onProgress']> {
  let kills = 0;
  let checkpointsBefore = 0;
  return ({ status, restarts, checkpointsCompleted }, cluster) => {
    if (restarts < kills) checkpointsBefore = checkpointsCompleted;
    if (status !== 'RUNNING' || kills === 2 || restarts < kills || checkpointsCompleted < checkpointsBefore + 2) return;
    cluster.taskManagers[kills]?.kill();
    kills += 1;
    cluster.startTaskManager(`tm-${kills}`);
  };
}

for (const order of ['orderedWait', 'unorderedWait'] as const) {
  for (const seed of [1, 2, 3]) {
    test(`${order}: TaskManagers that are killed lose, repeat and miscount nothing (seed ${seed})`, async () => {
      const bad = outputTag<DeadLetter<number>>('bad');
      const builder: JobBuilder = (env) => {
        env.setParallelism(2);
        env.enableCheckpointing('300 ms');
        const seen = new IntCounter();
        const source = env.fromSource(throttled(sequenceSource(1, 600), { recordsPerSecond: 100 })).rebalance();
        const checked = AsyncDataStream[order](source, lagging(9), { timeout: '400 ms', capacity: 12 })
          .rebalance()
          .map({
            open: (context) => void context.addAccumulator('seen', seen),
            map: (n) => {
              if (n % 100 === 0) throw new Error('poison');
              seen.add();
              return n;
            },
          })
          .onError({ deadLetter: bad });
        checked.collect('out');
        checked.getSideOutput(bad).collect('letters');
      };
      const summary = await runSimulated(builder, { seed, onProgress: killing() });
      assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
      assert.ok(summary.restarts >= 2, `${summary.restarts} restarts`);
      const letters = (summary.results?.['letters'] as DeadLetter<number>[]).map(({ value }) => value);
      assert.equal(
        [...letters].sort((a, b) => (a ?? 0) - (b ?? 0)),
        [100, 200, 300, 400, 500, 600],
      );
      assert.equal(
        [...(summary.results?.['out'] as number[])].sort((a, b) => a - b),
        range(600).filter((n) => n % 100 !== 0),
      );
      assert.equal(summary.accumulators, { seen: { type: 'IntCounter', value: 594 } });
    });
  }
}

test('results of one subtask leave in order, arrays are results one by one', async () => {
  const { results } = await runSimulated((env) => {
    const twice = AsyncDataStream.orderedWait(env.fromSequence(1, 50), (n) => Promise.resolve(n % 10 === 0 ? [] : [n, -n]), {
      timeout: '1 s',
    });
    twice.collect('out');
  });
  const expected = range(50).flatMap((n) => (n % 10 === 0 ? [] : [n, -n]));
  assert.equal(results?.['out'], expected);
});

test('a function that never answers fails the job after its time, and is named', async () => {
  const summary = await runSimulated((env) => {
    env.setRestartStrategy({ kind: 'none' });
    AsyncDataStream.unorderedWait(env.fromData('a'), () => new Promise<string>(() => undefined), { timeout: '2 s' })
      .name('silent lookup')
      .collect('out');
  });
  assert.is(summary.status, 'FAILED');
  assert.is(summary.error?.code, 'ASYNC_TIMEOUT');
  assert.is(summary.error?.where, 'silent lookup');
});

test('repetitions are counted among the metrics, their delays are kept', async () => {
  const calls = new Map<number, number>();
  const summary = await runSimulated((env) => {
    const flaky = (n: number): Promise<number> => {
      const call = (calls.get(n) ?? 0) + 1;
      calls.set(n, call);
      return call < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve(n);
    };
    const retry = { attempts: 5, delay: { initial: '100 ms', max: '1 s', multiplier: 2 } } as const;
    AsyncDataStream.orderedWait(env.fromSequence(1, 10), flaky, { timeout: '10 s', retry }).collect('out');
  });
  assert.equal(summary.results?.['out'], range(10));
  assert.ok([...calls.values()].every((count) => count === 3));
});

test('the operator is alone in its task, whatever is asked for', () => {
  const { jobGraph } = planJob(
    defineJob('alone', (env) => {
      AsyncDataStream.unorderedWait(
        env.fromSequence(1, 2).map((n) => n),
        (n) => Promise.resolve(n),
        { timeout: 1_000 },
      )
        .startNewChain()
        .map((n) => n)
        .collect('out');
    }).build({}),
  );
  assert.equal(
    jobGraph.vertices.map(({ operators }) => operators.length),
    [2, 1, 2],
  );
});

const refused: readonly { readonly options: Partial<AsyncOptions<unknown>>; readonly code: string; readonly message: RegExp }[] = [
  { options: { timeout: '0 s' }, code: 'ASYNC_OPTIONS_INVALID', message: /timeout is 0 ms/ },
  { options: { timeout: 'soon' as never }, code: 'DURATION_INVALID', message: /"soon"/ },
  { options: { capacity: 0 }, code: 'ASYNC_OPTIONS_INVALID', message: /capacity is 0/ },
  { options: { retry: { attempts: 0, delay: 1 } }, code: 'ASYNC_OPTIONS_INVALID', message: /retry.attempts is 0/ },
  {
    options: { retry: { attempts: 1, delay: { initial: 1, max: 2, multiplier: 0.5 } } },
    code: 'ASYNC_OPTIONS_INVALID',
    message: /multiplier is 0.5/,
  },
];

for (const { options, code, message } of refused) {
  test(`${JSON.stringify(options)} is refused when the job is built`, () => {
    const build = (): unknown =>
      graphOf(
        (env) =>
          void AsyncDataStream.orderedWait(env.fromData(1), (n) => Promise.resolve(n), {
            timeout: '1 s',
            ...options,
          } as AsyncOptions<unknown>),
      );
    assert.throws(build, (error: { code: string; message: string }) => error.code === code && message.test(error.message));
  });
}

test('what is no function is refused when the job is built', () => {
  const build = (): unknown => graphOf((env) => void AsyncDataStream.orderedWait(env.fromData(1), {} as never, { timeout: '1 s' }));
  assert.throws(build, (error: { code: string }) => error.code === 'FUNCTION_MISSING');
});

test.run();
