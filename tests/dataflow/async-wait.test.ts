/** Asynchronous functions under a virtual clock: what leaves, when, and in which order. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { registerRecordClass } from '../../dataflow/records/record-classes.js';
import { AsyncTask, taskOf, retry } from '../support/async-task.js';

const test = suite('asynchronous functions');

type Step = readonly [name: string, ms: number] | number | 'end';
/** Inputs `[name, ms]` and watermarks come at once; then time passes. */
const orders: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly ordered: readonly string[];
  readonly unordered: readonly string[];
}[] = [
  {
    what: 'answers in the order of the inputs',
    steps: [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ],
    ordered: ['"a"@1', '"b"@2', '"c"@3'],
    unordered: ['"a"@1', '"b"@2', '"c"@3'],
  },
  {
    what: 'answers in the opposite order',
    steps: [
      ['a', 3],
      ['b', 2],
      ['c', 1],
    ],
    ordered: ['"a"@3', '"b"@3', '"c"@3'],
    unordered: ['"c"@1', '"b"@2', '"a"@3'],
  },
  {
    what: 'a watermark between them',
    steps: [['a', 3], ['b', 1], 10, ['c', 2], ['d', 1]],
    ordered: ['"a"@3', '"b"@3', 'W10', '"c"@3', '"d"@3'],
    unordered: ['"b"@1', '"a"@3', 'W10', '"d"@3', '"c"@3'],
  },
  {
    what: 'watermarks one after the other, which are one',
    steps: [['a', 2], 10, 20, 30, ['b', 1]],
    ordered: ['"a"@2', 'W30', '"b"@2'],
    unordered: ['"a"@2', 'W30', '"b"@2'],
  },
  { what: 'a watermark before everything', steps: [5, ['a', 1]], ordered: ['W5', '"a"@1'], unordered: ['W5', '"a"@1'] },
  {
    what: 'a watermark at the end',
    steps: [['a', 2], ['b', 1], 5],
    ordered: ['"a"@2', '"b"@2', 'W5'],
    unordered: ['"b"@1', '"a"@2', 'W5'],
  },
];

for (const order of ['ordered', 'unordered'] as const) {
  for (const { what, steps, ...expected } of orders) {
    test(`${order}: ${what} (AW1)`, async () => {
      const task = taskOf({ order });
      await task.open();
      for (const step of steps) await (typeof step === 'number' ? task.watermark(step) : task.push(step));
      await task.advance(5);
      assert.equal(task.left, expected[order]);
      assert.is(task.clock.pendingTimers(), 0, 'no timer is left behind');
    });
  }

  test(`${order}: an input beyond the capacity waits and holds back; a barrier before it does not (AW2)`, async () => {
    const task = taskOf({ order, capacity: 2 });
    await task.open();
    await task.push(['a', 3], ['b', 5]);
    assert.not(task.isParked, 'with all places taken a barrier passes');
    await task.push(['c', 1]);
    assert.ok(task.isParked);
    await task.advance(3);
    assert.not(task.isParked, 'an answer made room');
    await task.advance(5);
    assert.equal(task.left, order === 'ordered' ? ['"a"@3', '"b"@5', '"c"@5'] : ['"a"@3', '"c"@4', '"b"@5']);
  });

  test(`${order}: results wait for room, those of one input stay together, and nothing is lost or repeated`, async () => {
    const task = new AsyncTask((value) => Promise.resolve([`${String(value)}1`, `${String(value)}2`]), { order });
    await task.open();
    task.room = 0;
    task.burst('a', 'b', 'c');
    await task.run();
    task.room = 3;
    await task.run();
    assert.equal(task.left.length, 3);
    assert.ok(task.isParked, 'what is left of an input holds back barriers');
    task.room = 1;
    await task.run();
    assert.not(task.isParked);
    assert.equal((task.snapshot() as unknown[]).length, 1, 'an input whose results have not begun to leave is in the snapshot');
    task.room = 10;
    await task.push('d');
    assert.equal(
      task.left.map((one) => one.replace(/@.*/, '')),
      ['"a1"', '"a2"', '"b1"', '"b2"', '"c1"', '"c2"', '"d1"', '"d2"'],
    );
  });

  test(`${order}: a snapshot holds what has not left, and a restored operator asks again (AW3)`, async () => {
    const task = taskOf({ order, capacity: 2 });
    await task.open();
    await task.push(['a', 1], ['b', 50]);
    await task.advance(1);
    assert.equal(task.left, ['"a"@1']);
    await task.push(['c', 60], ['d', 3]);
    const state = task.snapshot();
    await task.close();
    const restored = taskOf({ order, capacity: 2 }, [state]);
    await restored.open();
    await restored.advance(100);
    assert.equal(restored.left.map((one) => one.replace(/@.*/, '')).sort(), ['"b"', '"c"', '"d"']);
  });

  test(`${order}: the end waits for all answers, also to repetitions (AW5)`, async () => {
    let calls = 0;
    const retry = { attempts: 3, delayMs: () => 10, ifResult: () => false, ifException: () => true };
    const task = new AsyncTask(() => (++calls < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve('yes')), { order, retry });
    await task.open();
    await task.push('x');
    await task.watermark(99);
    await task.finish();
    assert.ok(task.isParked);
    await task.advance(30);
    assert.not(task.isParked);
    assert.equal(task.left, ['"yes"@20', 'W99']);
  });
}

for (const order of ['ordered', 'unordered'] as const) {
  test(`${order}: that the input is idle is told when what came before it has left, as one with the watermark (AW1)`, async () => {
    const task = taskOf({ order });
    await task.open();
    await task.idle(true);
    await task.idle(false);
    await task.push(['a', 2]);
    await task.watermark(10);
    await task.idle(true);
    await task.push(['b', 1]);
    await task.idle(true);
    await task.idle(false);
    await task.watermark(20);
    await task.advance(5);
    assert.equal(task.left, ['idle', 'active', '"a"@2', 'W10', 'idle', '"b"@2', 'active', 'W20']);
  });
}

test('what collects beyond the capacity at once is taken in turn', async () => {
  const task = taskOf({ order: 'unordered', capacity: 2 });
  await task.open();
  task.burst(['a', 1], ['b', 1], ['c', 1], ['d', 1], ['e', 1]);
  await task.advance(5);
  assert.equal(task.left, ['"a"@1', '"b"@1', '"c"@2', '"d"@2', '"e"@3']);
});

test('answers that came before the operator had to wait make room too', async () => {
  const task = new AsyncTask((value) => Promise.resolve(value), { order: 'unordered', capacity: 1 });
  await task.open();
  task.burst('a');
  for (let tick = 0; tick < 4; tick += 1) await Promise.resolve();
  // Answered, but nothing was delivered yet.
  task.burst('b');
  await task.run();
  assert.equal(task.left, ['"a"@0', '"b"@0']);
});

test('after the end of the task nothing is asked or answered any more', async () => {
  let calls = 0;
  const signals: AbortSignal[] = [];
  const closed: string[] = [];
  const task = new AsyncTask(
    {
      asyncInvoke: (_, { signal }) => {
        calls += 1;
        signals.push(signal);
        return calls === 1 ? Promise.reject(new Error('no')) : new Promise(() => undefined);
      },
      close: () => void closed.push('closed'),
    },
    { retry: { ...retry, delayMs: () => 10 } },
  );
  await task.open();
  await task.push('a', 'b');
  await task.close();
  assert.equal(closed, ['closed']);
  assert.ok(signals.every(({ aborted }) => aborted));
  await task.advance(2_000);
  assert.is(calls, 2);
  assert.is(task.failure, undefined);
  assert.is(task.clock.pendingTimers(), 0);
});

test('records of registered classes survive a snapshot; what cannot be kept is refused and names the operator', async () => {
  class Airport {
    readonly code: string;
    constructor(code: string) {
      this.code = code;
    }
  }
  registerRecordClass({
    name: 'async-wait-airport',
    class: Airport,
    toPlain: ({ code }) => code,
    fromPlain: (plain) => new Airport(plain as string),
  });
  const task = new AsyncTask(() => new Promise(() => undefined), {});
  await task.open();
  await task.push(new Airport('SEA'));
  const seen: unknown[] = [];
  const restored = new AsyncTask(
    (value) => {
      seen.push(value);
      return new Promise(() => undefined);
    },
    {},
    [task.snapshot()],
  );
  await restored.open();
  assert.instance(seen[0], Airport);
  await task.push({ later: () => 1 });
  assert.throws(
    () => task.snapshot(),
    (error: { code: string; where: string }) => error.code === 'RECORD_NOT_ENCODABLE' && error.where === 'lookup',
  );
});

test.run();
