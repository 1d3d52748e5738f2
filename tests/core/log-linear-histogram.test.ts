/** Quantiles from buckets, against those of the sorted values. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bucketsMax, LogLinearHistogram } from '../../core/log-linear-histogram.js';

const test = suite('log-linear histogram');

const of = (values: readonly number[]): LogLinearHistogram => {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
};
const values = fc.array(fc.oneof(fc.nat(40), fc.nat(5_000), fc.nat(2 ** 31 - 1)), { minLength: 1, maxLength: 200 });

test('a quantile is never below the true one, and at most a sixteenth above it (LH1)', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (recorded, q) => {
      const sorted = [...recorded].sort((left, right) => left - right);
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] as number;
      const shown = of(recorded).quantile(q);
      assert.ok(shown >= exact && shown <= exact * (1 + 1 / 16), `${shown} for ${exact}`);
      if (exact < 32) assert.is(shown, exact, 'small values are exact');
    }),
  );
});

test('what was merged says the same as what was recorded in one (LH2)', () => {
  fc.assert(
    fc.property(values, values, (left, right) => {
      const merged = of(left);
      const other = of(right);
      merged.merge(other.buckets(), other.max);
      const whole = of([...left, ...right]);
      assert.equal(merged.quantiles(), whole.quantiles());
      assert.equal(merged.buckets(), whole.buckets());
    }),
  );
});

test('every value has one of so many buckets, and what is out of range counts as the nearest value in it (LH3)', () => {
  const histogram = of([-5, 0.4, Number.NaN, 2 ** 31 - 1, 2 ** 40, Infinity]);
  assert.equal(histogram.buckets(), [0, 3, bucketsMax - 1, 3]);
  assert.is(histogram.max, 2 ** 31 - 1);
});

test('buckets from elsewhere that cannot be are left out', () => {
  const histogram = of([7]);
  histogram.merge([-1, 5, bucketsMax, 5, 1.5, 5, 8, -2, 9, Number.NaN, 9, 1, 3], 9);
  assert.equal(histogram.buckets(), [7, 1, 9, 1]);
  assert.is(histogram.count, 2);
});

test('without values everything is 0', () => {
  assert.equal(of([]).quantiles(), { count: 0, p50: 0, p90: 0, p99: 0, max: 0 });
});

test.run();
