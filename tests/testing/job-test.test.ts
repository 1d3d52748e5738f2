/** The test kit for users, used as a user would. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { outputTag, type KeyedProcessFunction, type KeyedRuntimeContext, type StreamExecutionEnvironment } from '../../index.js';
import { JobTest, TestInput, TestOutput } from '../../testing/index.js';

interface Order {
  readonly customer: string;
  readonly euros: number;
}

const large = outputTag<Order>('large');

/** Sums per customer; a minute of processing time after its first order, a customer's sum is said aloud. */
function sums(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Order, string> {
  const sum = runtime.valueState<number>('sum');
  return {
    processElement({ customer, euros }, { time, output }, out) {
      if (euros < 0) throw new Error(`${euros} euros`);
      if (euros > 100) output(large, { customer, euros });
      if (sum.value() === undefined) time.registerProcessingTimeTimer(time.currentProcessingTime() + 60_000);
      sum.update((sum.value() ?? 0) + euros);
      out.collect(`${customer} ${sum.value()}`);
    },
    onTimer: (_time, context, out) => out.collect(`minute of ${context.currentKey()}: ${sum.value()}`),
  };
}

function started(options: { readonly parallelism?: number; readonly isSlow?: boolean } = {}) {
  const orders = new TestInput<Order>('orders');
  const results = new TestOutput<string>('results', { isSlow: options.isSlow ?? false });
  const largeOnes = new TestOutput<Order>('large ones');
  const build = (env: StreamExecutionEnvironment): void => {
    const processed = env
      .fromSource(orders)
      .setParallelism(1)
      .keyBy(({ customer }) => customer)
      .process(sums);
    processed.sinkTo(results);
    processed.getSideOutput(large).sinkTo(largeOnes);
  };
  return JobTest.start(build, options).then((job) => ({ job, orders, results, largeOnes }));
}

const test = suite('job test');

test('what was pushed has its whole effect when the call returns, side outputs too', async () => {
  const { job, orders, results, largeOnes } = await started();
  await orders.push({ customer: 'ada', euros: 5 }, 1_000);
  assert.equal(results.records(), [{ value: 'ada 5', timestamp: 1_000 }]);
  await orders.push({ customer: 'ada', euros: 200 });
  assert.equal(results.take(), ['ada 5', 'ada 205']);
  assert.equal(results.take(), []);
  assert.equal(largeOnes.values(), [{ customer: 'ada', euros: 200 }]);
  await job.close();
});

test('processing time stands still until the test moves it; timers fire on the way', async () => {
  const { job, orders, results } = await started();
  const start = job.now();
  await orders.push({ customer: 'ada', euros: 5 });
  await job.advanceTime('59999 ms');
  assert.equal(results.take(), ['ada 5']);
  await job.advanceTime('1 ms');
  assert.equal(results.take(), ['minute of ada: 5']);
  assert.is(job.now(), start + 60_000);
  await job.close();
});

for (const parallelism of [1, 2, 4]) {
  test(`a job restored from any checkpoint at parallelism ${parallelism} gives what an undisturbed one gives`, async () => {
    const customers = ['ada', 'bob', 'cid', 'dee', 'eve'];
    const pushed = Array.from({ length: 12 }, (_, index): Order => ({ customer: customers[(index * 7) % 5] as string, euros: index }));
    const undisturbed = await started({ parallelism });
    await undisturbed.orders.pushAll(pushed);
    await undisturbed.job.finish();
    for (let cut = 0; cut <= pushed.length; cut += 3) {
      const { job, orders, results } = await started({ parallelism });
      await orders.pushAll(pushed.slice(0, cut));
      const checkpoint = await job.checkpoint();
      await orders.pushAll(pushed.slice(cut));
      await job.restore(checkpoint, { parallelism: (parallelism % 4) + 1 });
      assert.equal([...results.values()].sort(), [...undisturbed.results.values()].sort(), `cut after ${cut}`);
      await job.finish();
      assert.ok(job.isFinished);
    }
  });
}

test('a job restored from nothing starts from the beginning, with an empty output', async () => {
  const { job, orders, results } = await started();
  await orders.push({ customer: 'ada', euros: 5 });
  await job.restore();
  assert.equal(results.values(), ['ada 5']);
  await job.close();
});

test('an output that is full every other record changes nothing but the order of waiting', async () => {
  const { job, orders, results } = await started({ isSlow: true });
  await orders.pushAll([1, 2, 3, 4, 5].map((euros) => ({ customer: 'ada', euros })));
  assert.equal(results.values(), ['ada 1', 'ada 3', 'ada 6', 'ada 10', 'ada 15']);
  await job.finish();
});

test('a failure of the job is thrown by the call that caused it, once, and the job can be restored', async () => {
  const { job, orders, results } = await started();
  await orders.push({ customer: 'ada', euros: 5 });
  const checkpoint = await job.checkpoint();
  let message = '';
  await orders.push({ customer: 'ada', euros: -1 }).catch((error: unknown) => (message = String(error)));
  assert.match(message, /^MillraceError.*-1 euros/);
  await job.settle();
  assert.equal(results.values(), ['ada 5']);
  await job.restore(checkpoint).catch((error: unknown) => (message = `again: ${String(error)}`));
  assert.match(message, /again: .*-1 euros/);
  await job.close();
});

test('nothing can be pushed after the end', async () => {
  const { job, orders } = await started();
  await orders.end();
  assert.ok(job.isFinished);
  await orders.push({ customer: 'ada', euros: 5 }).then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), /"orders" has ended/),
  );
});

test('event time moves by watermarks: the lowest of the inputs, without those that are idle', async () => {
  const left = new TestInput<string>('left');
  const right = new TestInput<string>('right');
  const results = new TestOutput<string>();
  const job = await JobTest.start((env) => {
    env
      .fromSource(left)
      .union(env.fromSource(right))
      .keyBy((word) => word)
      .process<string>({
        processElement: (_word, { time }) => time.registerEventTimeTimer(1_000),
        onTimer: (at, context, out) => out.collect(`${context.currentKey()} ${at}`),
      })
      .sinkTo(results);
  });
  await left.push('a', 500);
  await left.watermark(1_500);
  assert.equal(results.values(), []);
  await right.watermark(999);
  assert.equal(results.values(), []);
  await right.watermark(1_000);
  assert.equal(results.records(), [{ value: 'a 1000', timestamp: 1_000 }]);
  assert.is(results.watermark(), 1_000);
  await right.idle();
  assert.is(results.watermark(), 1_500);
  await right.watermark(1_400);
  await left.watermark(2_000);
  assert.is(results.watermark(), 2_000, 'an input that is behind the others holds them only once it has caught up');
  const checkpoint = await job.checkpoint();
  await job.restore(checkpoint);
  await left.push('b', 1_800);
  await left.watermark(2_100);
  await right.watermark(2_000);
  assert.equal(results.values(), ['a 1000'], 'time goes on from 2,000, which the checkpoint knows');
  await right.watermark(2_001);
  assert.equal(results.values(), ['a 1000', 'b 1000']);
  await job.finish();
  assert.equal(results.values(), ['a 1000', 'b 1000']);
});

test.run();
