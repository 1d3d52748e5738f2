/** Asynchronous functions under a virtual clock: those that fail, are asked again, or never answer. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AsyncRetrySettings } from '../../dataflow/async-functions.js';
import { AsyncTask, retry } from '../support/async-task.js';

const test = suite('asynchronous functions that fail');

const retries: readonly {
  readonly what: string;
  readonly answers: readonly (string | Error)[];
  readonly retry: Partial<AsyncRetrySettings> | undefined;
  readonly left: readonly string[];
  readonly failure?: RegExp;
  readonly calls: number;
}[] = [
  {
    what: 'without a strategy the first error fails',
    answers: [new Error('no')],
    retry: undefined,
    left: [],
    failure: /USER_FUNCTION_FAILED lookup.*no/,
    calls: 1,
  },
  { what: 'an error, then an answer', answers: [new Error('no'), 'yes'], retry: {}, left: ['"yes"@10'], calls: 2 },
  {
    what: 'two errors, then an answer, with growing delays',
    answers: [new Error('no'), new Error('no'), 'yes'],
    retry: {},
    left: ['"yes"@30'],
    calls: 3,
  },
  {
    what: 'as many errors as calls',
    answers: [new Error('1'), new Error('2'), new Error('last')],
    retry: {},
    left: [],
    failure: /last/,
    calls: 3,
  },
  {
    what: 'an error that is none to repeat after',
    answers: [new Error('fatal'), 'never'],
    retry: { ifException: (error) => !(error as Error).message.includes('fatal') },
    left: [],
    failure: /fatal/,
    calls: 1,
  },
  {
    what: 'a result that is refused',
    answers: ['', 'yes'],
    retry: { ifResult: ([result]) => result === '' },
    left: ['"yes"@10'],
    calls: 2,
  },
  {
    what: 'a result that stays refused leaves',
    answers: ['', '', ''],
    retry: { ifResult: ([result]) => result === '' },
    left: ['""@30'],
    calls: 3,
  },
  {
    what: 'a predicate that throws',
    answers: ['yes'],
    retry: {
      ifResult: () => {
        throw new Error('odd predicate');
      },
    },
    left: [],
    failure: /odd predicate/,
    calls: 1,
  },
];

for (const { what, answers, retry: strategy, left, failure, calls } of retries) {
  test(`retry: ${what} (AI2)`, async () => {
    let called = 0;
    const call = (): Promise<unknown> => {
      const answer = answers[called];
      called += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const task = new AsyncTask(call, { retry: strategy === undefined ? undefined : { ...retry, ...strategy } });
    await task.open();
    await task.push('x');
    await task.advance(100);
    assert.equal(task.left, left);
    assert.is(called, calls);
    if (failure === undefined) assert.is(task.failure, undefined);
    else assert.match(task.failure ?? 'no failure', failure);
  });
}

test('a function that never answers fails the task after its time, naming the operator; its signal is aborted (AW4)', async () => {
  let signal: AbortSignal | undefined;
  const task = new AsyncTask(
    (_, call) => {
      ({ signal } = call);
      return new Promise(() => undefined);
    },
    { timeoutMs: 50 },
  );
  await task.open();
  await task.push('x');
  await task.advance(49);
  assert.is(task.failure, undefined);
  assert.is(signal?.aborted, false);
  await task.advance(1);
  assert.match(task.failure ?? '', /^ASYNC_TIMEOUT lookup: The function has not answered within 50 ms/);
  assert.is(signal?.aborted, true);
});

test('the time of an input begins with its first call and covers its repetitions', async () => {
  const task = new AsyncTask(() => Promise.reject(new Error('no')), {
    timeoutMs: 50,
    retry: { ...retry, attempts: 100, delayMs: () => 20 },
  });
  await task.open();
  await task.push('x');
  await task.advance(60);
  assert.match(task.failure ?? '', /ASYNC_TIMEOUT/);
});

test('timeout() answers instead, late answers are ignored, and each input has a time of its own (AW4, AI1)', async () => {
  const resolves: ((value: string) => void)[] = [];
  const task = new AsyncTask(
    { asyncInvoke: () => new Promise((resolve) => resolves.push(resolve)), timeout: (value) => [`no ${String(value)}`, 'sorry'] },
    { timeoutMs: 10 },
  );
  await task.open();
  await task.push('a');
  await task.advance(5);
  await task.push('b');
  await task.advance(6);
  assert.equal(task.left, ['"no a"@10', '"sorry"@10']);
  resolves[0]?.('too late');
  resolves[1]?.('in time');
  await task.advance(20);
  assert.equal(task.left, ['"no a"@10', '"sorry"@10', '"in time"@12']);
  assert.is(task.failure, undefined);
});

test('a timeout() that throws fails the task', async () => {
  const timeout = (): never => {
    throw new Error('gone for good');
  };
  const task = new AsyncTask({ asyncInvoke: () => new Promise(() => undefined), timeout }, { timeoutMs: 10 });
  await task.open();
  await task.push('a');
  await task.advance(10);
  assert.match(task.failure ?? '', /lookup: .*gone for good/);
});

test('a function that throws before it returns a promise, and one that returns none, are answers too', async () => {
  const thrown = new AsyncTask(() => {
    throw new Error('at once');
  }, {});
  await thrown.open();
  await thrown.push('a');
  assert.match(thrown.failure ?? '', /lookup: .*at once/);
  const plain = new AsyncTask(((value: unknown) => value) as never, {});
  await plain.open();
  await plain.push('a');
  assert.equal(plain.left, ['"a"@0']);
});

test.run();
