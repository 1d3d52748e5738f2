/** Whose turn it is among channels. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTimestamp } from '../../dataflow/contracts.js';
import { ReadingOrder } from '../../dataflow/task/reading-order.js';

const test = suite('reading order');

/** All channels hold something always; each batch of a channel moves its time on by its step. Returns who had the turns. */
function turns(steps: readonly number[], count: number): number[] {
  const order = new ReadingOrder(steps.length);
  const times = steps.map((step) => (Number.isNaN(step) ? noTimestamp : 0));
  steps.forEach((_step, channel) => order.add(channel));
  return Array.from({ length: count }, () => {
    const channel = order.take() as number;
    const step = steps[channel] as number;
    if (!Number.isNaN(step)) order.reached(channel, ((times[channel] as number) += step));
    order.add(channel);
    return channel;
  });
}

const shareOf = (channel: number, all: readonly number[]): number => all.filter((one) => one === channel).length / all.length;

test('channels whose records have no timestamps take turns, longest wait first (RO3)', () => {
  assert.equal(turns([NaN, NaN, NaN], 7), [0, 1, 2, 0, 1, 2, 0]);
});

test('channels that move alike take turns', () => {
  assert.equal(turns([10, 10], 6), [0, 1, 0, 1, 0, 1]);
});

test('the channel that is behind is read first: small batches keep up with large ones (RO1)', () => {
  const all = turns([400, 100], 500);
  assert.ok(Math.abs(shareOf(1, all) - 0.8) < 0.01, `${shareOf(1, all)}`);
});

test('nobody is passed over for ever, however far it is ahead (RO2)', () => {
  const all = turns([1_000_000, 1], 1_000);
  assert.ok(shareOf(0, all) >= 0.09, `${shareOf(0, all)}`);
  assert.ok(shareOf(0, all) <= 0.2, `${shareOf(0, all)}`);
});

test('a channel without timestamps has its turn beside those with', () => {
  const all = turns([1, NaN, 1], 900);
  assert.ok(shareOf(1, all) >= 0.09, `${shareOf(1, all)}`);
});

test('a channel that waits already does not wait twice; when nobody waits, nobody has a turn', () => {
  const order = new ReadingOrder(2);
  order.add(1);
  order.add(1);
  assert.not(order.isEmpty);
  assert.is(order.take(), 1);
  assert.is(order.take(), undefined);
  assert.ok(order.isEmpty);
});

test.run();
