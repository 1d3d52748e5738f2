/** Asynchronous functions under a virtual clock: what leaves, when, and in which order. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AsyncFunction, AsyncRetrySettings, AsyncWaitSettings, RichAsyncFunction } from '../../dataflow/async-functions.js';
import type { Emit, Operator, OperatorContext } from '../../dataflow/contracts.js';
import { asyncWaitOperator } from '../../dataflow/operators/async/async-wait.js';
import { registerRecordClass } from '../../dataflow/records/record-classes.js';
import { checkpointId } from '../../core/ids.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';

const test = suite('asynchronous functions');

interface Parked {
  readonly resume: () => boolean;
  isReady: boolean;
}

type Written = AsyncFunction<unknown, unknown> | RichAsyncFunction<unknown, unknown>;

/** One operator and the part of a task it needs. Records are taken only as a task would: not while something is parked. */
class AsyncTask {
  readonly clock = new ManualClock();
  /** Results as they left, `@` their time; watermarks as `W5`. */
  readonly left: string[] = [];
  readonly bench = new OperatorBench({ files: new MemoryFileSystem(), clock: this.clock });
  /** How many results find room before more is given. */
  room = Number.POSITIVE_INFINITY;
  readonly #operator: Operator;
  readonly #posted: (() => void)[] = [];
  readonly #parked: Parked[] = [];
  readonly #input: Emit<unknown>;
  readonly #context: OperatorContext;

  constructor(written: Written, settings: Partial<AsyncWaitSettings>, restored?: readonly unknown[]) {
    this.#operator = asyncWaitOperator(written, { order: 'unordered', timeoutMs: 1_000, capacity: 100, retry: undefined, ...settings });
    this.#context = {
      ...this.bench.context,
      operatorName: 'lookup',
      restored,
      isOutputAvailable: () => this.room > 0,
      emitTime: ({ watermark, isIdle }) => {
        if (isIdle === false) this.left.push('active');
        if (watermark !== undefined) this.left.push(`W${watermark}`);
        if (isIdle === true) this.left.push('idle');
      },
      post: (work) => void this.#posted.push(work),
      park: (resume, until) => {
        const parked: Parked = { resume, isReady: until === undefined };
        this.#parked.push(parked);
        void until?.then(() => (parked.isReady = true));
      },
    };
    this.#input = this.#operator.bind((value) => {
      this.room -= 1;
      this.left.push(`${JSON.stringify(value)}@${this.clock.monotonic()}`);
    }, this.#context) as Emit<unknown>;
  }

  get isParked(): boolean {
    return this.#parked.length > 0;
  }

  get failure(): string | undefined {
    const [error] = this.bench.failures as { code: string; where: string; message: string }[];
    return error === undefined ? undefined : `${error.code} ${error.where}: ${error.message}`;
  }

  async open(): Promise<void> {
    await this.#operator.open?.(this.#context);
    await this.run();
  }

  async push(...values: readonly unknown[]): Promise<void> {
    for (const value of values) {
      await this.run();
      assert.not(this.isParked, `${JSON.stringify(value)} is not taken while something is parked`);
      this.#input(value, 0);
    }
    await this.run();
  }

  /** As an operator before it that collects several results for one record: nothing is looked at in between. */
  burst(...values: readonly unknown[]): void {
    for (const value of values) this.#input(value, 0);
  }

  async watermark(time: number): Promise<void> {
    this.#operator.onWatermark?.(time);
    await this.run();
  }

  async advance(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1) {
      this.clock.advance(1);
      await this.run();
    }
  }

  async idle(isIdle: boolean): Promise<void> {
    this.#operator.onIdle?.(isIdle);
    await this.run();
  }

  async finish(): Promise<void> {
    this.#operator.finish?.();
    await this.run();
  }

  snapshot(): unknown {
    return this.#operator.snapshot?.({ checkpointId: checkpointId(1) });
  }

  close(): void | Promise<void> {
    return this.#operator.close?.();
  }

  /** What a task does between records, until nothing is left to do. */
  async run(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      for (let tick = 0; tick < 4; tick += 1) await Promise.resolve();
      while (this.room > 0 && this.#parked[0]?.isReady === true) {
        const parked = this.#parked.shift() as Parked;
        if (!parked.resume()) this.#parked.unshift(parked);
      }
      if (this.room > 0 && this.#parked.length === 0) for (const work of this.#posted.splice(0)) work();
    }
  }
}

/** Answers after as many milliseconds as the input says, of `['a', 30]`; negative: fails after so many. */
const after =
  (clock: () => ManualClock): AsyncFunction<unknown, unknown> =>
  (value) => {
    const [name, ms] = value as readonly [string, number];
    return new Promise((resolve, reject) => {
      clock().setTimer(Math.abs(ms), () => (ms >= 0 ? resolve(name) : reject(new Error(`no ${name}`))));
    });
  };

function taskOf(settings: Partial<AsyncWaitSettings>, restored?: readonly unknown[]): AsyncTask {
  const task: AsyncTask = new AsyncTask(
    after(() => task.clock),
    settings,
    restored,
  );
  return task;
}

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

const retry: AsyncRetrySettings = {
  attempts: 2,
  delayMs: (attempt) => 10 * 2 ** (attempt - 1),
  ifResult: () => false,
  ifException: () => true,
};
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
