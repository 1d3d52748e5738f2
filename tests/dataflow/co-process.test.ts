/** Functions on two connected streams, one operator at a time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import { outputTag } from '../../dataflow/functions.js';
import { coFlatMapOperator, coMapOperator } from '../../dataflow/operators/co-map.js';
import { coProcessOperator, keyedCoProcessOperator } from '../../dataflow/operators/co-process.js';
import { TwoInputBench } from '../support/two-input-bench.js';

const test = suite('functions on two inputs');

const tag = outputTag<string>('side');

test('a co-map makes one result of every record, by the method of its input, with its timestamp', async () => {
  const calls: string[] = [];
  const bench = await TwoInputBench.open({
    create: () =>
      coMapOperator<number, string, number, string>({
        open: () => void calls.push('open'),
        map1: (value) => value * 2,
        map2: (value) => value.toUpperCase(),
        close: () => void calls.push('close'),
      }),
  });
  bench.first(2, 10);
  bench.second('a', 5);
  bench.first(3);
  assert.equal(bench.emitted, [
    [4, 10],
    ['A', 5],
    [6, undefined],
  ]);
  await bench.close();
  assert.equal(calls, ['open', 'close']);
});

test('a co-flat-map hands on what either method collects and returns; what has no room waits, and nothing is lost', async () => {
  const bench = await TwoInputBench.open({
    create: () =>
      coFlatMapOperator<number, string, number, string>({
        flatMap1: function* (value) {
          for (let n = 0; n < value; n += 1) yield n;
        },
        flatMap2: (value, out) => {
          out.collect(`<${value}>`);
          return value.split('');
        },
      }),
  });
  bench.second('ab', 7);
  assert.equal(bench.take(), ['<ab>', 'a', 'b']);
  bench.room = 2;
  bench.first(5, 8);
  assert.equal(bench.emitted, [
    [0, 8],
    [1, 8],
  ]);
  assert.ok(bench.isParked);
  bench.giveRoom(Infinity);
  assert.equal(bench.take(), [0, 1, 2, 3, 4]);
  assert.not(bench.isParked);
});

test('a co-process function sees timestamps, has side outputs, and a last word once both inputs have ended', async () => {
  const bench = await TwoInputBench.open({
    create: () =>
      coProcessOperator<number, string, string>(() => {
        let seen = 0;
        return {
          processElement1: (value, context, out) => {
            seen += 1;
            out.collect(`${value} at ${context.timestamp() ?? 'none'}`);
          },
          processElement2: (value, context) => {
            seen += 1;
            context.output(tag, value);
          },
          finish: () => [`${seen} in all`],
        };
      }),
  });
  bench.first(1, 10);
  bench.second('late', 3);
  bench.first(2);
  bench.finish();
  assert.equal(bench.emitted, [
    ['1 at 10', 10],
    ['2 at none', undefined],
    ['3 in all', undefined],
  ]);
  assert.equal(bench.sideOutputs.get('side'), [['late', 3]]);
});

interface Order {
  readonly id: string;
  readonly total: number;
}
interface Payment {
  readonly order: string;
  readonly amount: number;
}

/** Flink's example: what an order and its payment do not have in common within ten seconds is told. */
const matching = () =>
  keyedCoProcessOperator<string, Order, Payment, string>({ first: ({ id }) => id, second: ({ order }) => order }, (runtime) => {
    const waiting = runtime.valueState<Order>('order');
    const paid = runtime.valueState<number>('paid');
    return {
      processElement1(order, context, out) {
        const amount = paid.value();
        if (amount === undefined) {
          waiting.update(order);
          context.time.registerEventTimeTimer((context.timestamp() ?? 0) + 10);
        } else out.collect(`${context.currentKey()}: ${order.total} paid ${amount}`);
      },
      processElement2({ amount }, context, out) {
        const order = waiting.value();
        if (order === undefined) paid.update(amount);
        else {
          waiting.clear();
          out.collect(`${context.currentKey()}: ${order.total} paid ${amount}`);
        }
      },
      onTimer(time, context, out) {
        if (waiting.value() !== undefined) out.collect(`${context.currentKey()}: unpaid at ${time} (${context.domain})`);
      },
    };
  });

test('both methods of a keyed function see the state and timers of the key, made on each side by its own function (CF2)', async () => {
  let bench = await TwoInputBench.open({ create: matching, isKeyed: true });
  bench.first({ id: 'a', total: 5 }, 1);
  bench.second({ order: 'b', amount: 7 }, 2);
  bench.first({ id: 'c', total: 9 }, 3);
  bench.second({ order: 'a', amount: 5 }, 4);
  assert.equal(bench.take(), ['a: 5 paid 5']);
  bench = await bench.restarted();
  bench.first({ id: 'b', total: 8 }, 5);
  assert.equal(bench.take(), ['b: 8 paid 7']);
  bench.watermark(12);
  assert.equal(bench.take(), []);
  bench.watermark(13);
  assert.equal(bench.emitted, [['c: unpaid at 13 (event)', 13]]);
});

test('what a method throws names the operator, and so does a key that cannot be one', async () => {
  const failing = await TwoInputBench.open({
    create: () =>
      coProcessOperator<number, number, number>({
        processElement1: () => [],
        processElement2: () => {
          throw new Error('poison');
        },
      }),
  });
  const failure = (call: () => void): MillraceError => {
    try {
      call();
    } catch (error) {
      assert.instance(error, MillraceError);
      return error as MillraceError;
    }
    return assert.unreachable('nothing was thrown') as never;
  };
  failing.first(1);
  const thrown = failure(() => failing.second(1));
  assert.equal([thrown.code, thrown.where], ['USER_FUNCTION_FAILED', 'under test']);
  assert.match(thrown.message, /poison/);
  const keyless = await TwoInputBench.open({ create: matching, isKeyed: true });
  const refused = failure(() => keyless.second({ amount: 1 }));
  assert.equal([refused.code, refused.where], ['KEY_UNSUPPORTED', 'under test']);
});

test('a method that answers with a promise is refused on its first record, on either side (SY1)', async () => {
  const bench = await TwoInputBench.open({
    create: () => coMapOperator<number, number, unknown, unknown>({ map1: (value) => value, map2: async (value) => value }),
  });
  bench.first(1);
  assert.throws(
    () => bench.second(1),
    (error: MillraceError) => error.code === 'FUNCTION_ASYNC' && error.where === 'under test',
  );
});

test.run();
