import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LatencyHistogram } from '../../bench/harness/latency-histogram.js';
import { Pace } from '../../bench/jobs/pace.js';

const test = suite('latencies of a benchmark');

test('percentiles are at most two percent above those of the values themselves', () => {
  const histogram = new LatencyHistogram();
  const values = Array.from({ length: 1_000 }, (_, n) => 0.02 * 1.01 ** n).sort((left, right) => left - right);
  for (const value of values) histogram.add(value);
  for (const share of [0.1, 0.5, 0.99, 1]) {
    const exact = values[Math.ceil(share * values.length) - 1] as number;
    const found = histogram.percentile(share);
    assert.ok(found >= exact * 0.999 && found <= exact * 1.021, `${found} for ${exact}`);
  }
});

test('histograms of several processes merge into what one of all values would be', () => {
  const [left, right, both, merged] = Array.from({ length: 4 }, () => new LatencyHistogram()) as [
    LatencyHistogram,
    LatencyHistogram,
    LatencyHistogram,
    LatencyHistogram,
  ];
  for (let n = 1; n < 500; n += 1) {
    (n % 3 === 0 ? left : right).add(n / 7);
    both.add(n / 7);
  }
  merged.merge(left.buckets());
  merged.merge(right.buckets());
  assert.equal(merged.buckets(), both.buckets());
  assert.is(merged.count, both.count);
});

test('a source that was held up owes every record from the moment it was due', () => {
  let now = 1_000;
  const pace = new Pace({ perSecond: 2_000, warmUp: 0, clock: () => now });
  assert.is(pace.due(), 1);
  now += 50;
  assert.is(pace.due(), 101);
  assert.is(pace.dueAt(0), 1_000);
  assert.is(pace.dueAt(60), 1_030);
});

test('records of the warm-up are due at negative times, which nobody measures', () => {
  const pace = new Pace({ perSecond: 1_000, warmUp: 10, clock: () => 500 });
  pace.due();
  assert.is(pace.dueAt(9), -509);
  assert.is(pace.dueAt(10), 510);
});

test('as fast as it goes, a record is due when it is made', () => {
  let now = 10;
  const pace = new Pace({ perSecond: 0, warmUp: 0, clock: () => now });
  assert.is(pace.due(), Infinity);
  assert.is(pace.dueAt(1_000), 10);
  now = 12;
  pace.due();
  assert.is(pace.dueAt(1_001), 12);
});

test.run();
