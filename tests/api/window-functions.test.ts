/** Window functions that are objects, in jobs: opened with the states of their keys, closed, and what they keep over a restart. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CountTrigger, GlobalWindows, PurgingTrigger, type KeyedRuntimeContext, type ValueState } from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';
import { refused } from '../support/refused.js';

interface Call {
  readonly room: string;
  readonly n: number;
}

const calls = Array.from({ length: 40 }, (_, n): Call => ({ room: `room ${n % 4}`, n }));
const test = suite('window functions of the api');

/** Numbers the firings of a key; says so in `life`. */
class Numbered {
  readonly life: string[];
  #count!: ValueState<number>;

  constructor(life: string[]) {
    this.life = life;
  }

  open(context: KeyedRuntimeContext): void {
    this.life.push(`open ${context.task.attemptNumber}`);
    this.#count = context.valueState('count');
  }

  next(): number {
    const next = (this.#count.value() ?? 0) + 1;
    this.#count.update(next);
    return next;
  }

  close(): void {
    this.life.push('close');
  }
}

for (const kind of ['process', 'apply'] as const) {
  test(`${kind}: states asked for in open belong to the key and survive a crash; open and close come once an attempt`, async () => {
    const life: string[] = [];
    const input = new TestInput<Call>('calls');
    const output = new TestOutput<string>('results');
    const job = await JobTest.start(
      (env) => {
        const windows = env
          .fromSource(input)
          .keyBy('room')
          .window(GlobalWindows.create())
          .trigger(PurgingTrigger.of(CountTrigger.of(2)));
        const numbered = new Numbered(life);
        const results =
          kind === 'process'
            ? windows.process({
                open: (context) => numbered.open(context),
                process: (room, _context, [first]) => [`${room} ${numbered.next()}: ${first?.n}`],
                close: () => numbered.close(),
              })
            : windows.apply({
                open: (context) => numbered.open(context),
                apply: (room, _window, [first]) => [`${room} ${numbered.next()}: ${first?.n}`],
                close: () => numbered.close(),
              });
        results.sinkTo(output);
      },
      { parallelism: 1 },
    );
    await input.pushAll(calls.slice(0, 16));
    const checkpoint = await job.checkpoint();
    await input.pushAll(calls.slice(16, 30));
    await job.restore(checkpoint);
    await input.pushAll(calls.slice(30));
    await job.finish();
    const expected = calls.filter(({ n }) => n % 8 < 4).map(({ room, n }) => `${room} ${Math.floor(n / 8) + 1}: ${n}`);
    assert.equal([...output.values()].sort(), expected.sort());
    assert.equal(
      life.map((one) => one.split(' ')[0]),
      ['open', 'open', 'close'],
      'the first attempt was killed',
    );
  });
}

test('a window function that is an object without its method is refused when the job is built', () => {
  const windows = (env: Parameters<Parameters<typeof refused>[0]>[0]) => env.fromCollection(calls).keyBy('room').countWindow(2);
  refused((env) => void windows(env).apply({ open: () => undefined } as never), 'FUNCTION_MISSING', /apply/);
  refused((env) => void windows(env).apply({ apply: async () => [] } as never), 'FUNCTION_ASYNC', /synchronous/);
});

test.run();
