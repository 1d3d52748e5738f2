/** When the benchmark of back-pressure says that credit held. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { flowRows, type Flow } from '../../bench/benchmarks/backpressure.js';

const test = suite('benchmark of back-pressure');

const kib = 1_024;
const flow: Flow = {
  framesInFlight: [3, 400, 5],
  grantedPeak: [100 * kib, 200 * kib, 200 * kib],
  grantMax: 200 * kib,
  overGrant: [0, 0, 0],
  perSecond: [1_000],
  backPressured: [990],
};
const missed = (changed: Partial<Flow>): readonly string[] =>
  flowRows({ ...flow, ...changed })
    .filter(({ target }) => target?.isMet === false)
    .map(({ name }) => name);

test('the peak of what was granted is held against what may be, and what was sent against what was granted', () => {
  assert.equal(missed({}), []);
  assert.equal(missed({ grantedPeak: [0, 200 * kib + 1, 0] }), ['back-pressure: granted at once, at most']);
  assert.equal(missed({ grantedPeak: [0, 0, 0] }), ['back-pressure: granted at once, at most'], 'nothing was reported');
  assert.equal(missed({ overGrant: [0, 1, 0] }), ['back-pressure: beyond what was granted']);
});

test('frames in flight are shown, and asked nothing', () => {
  const row = flowRows(flow).find(({ name }) => name === 'back-pressure: in flight');
  assert.equal([row?.unit, row?.value, row?.max, row?.target], ['frames', 5, 400, undefined]);
});

test.run();
