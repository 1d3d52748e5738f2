/** Which records evictors keep. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTimestamp } from '../../../dataflow/contracts.js';
import { CountEvictor } from '../../../dataflow/windows/evictors/count-evictor.js';
import { DeltaEvictor } from '../../../dataflow/windows/evictors/delta-evictor.js';
import type { Evictor } from '../../../dataflow/windows/evictors/evictor.js';
import { timeEvictor } from '../../../dataflow/windows/evictors/time-evictor.js';
import { TimeWindow, type Window } from '../../../dataflow/windows/window.js';

const window = new TimeWindow(0, 100);
const context = { currentWatermark: () => 0, currentProcessingTime: () => 0 };
const difference = (from: number, to: number): number => to - from;
const test = suite('evictors');

/** Values are their own timestamps. */
function kept(evictor: Evictor<number, Window>, part: 'evictBefore' | 'evictAfter', values: readonly number[]): number[] | undefined {
  const elements = values.map((value) => ({ value, timestamp: value }));
  return evictor[part]?.(elements, window, context).map(({ value }) => value);
}

for (const [title, evictor, values, stay] of [
  ['count: fewer than that stay', CountEvictor.of(3), [1, 2], [1, 2]],
  ['count: as many stay', CountEvictor.of(3), [1, 2, 3], [1, 2, 3]],
  ['count: the last ones stay', CountEvictor.of(3), [1, 2, 3, 4, 5], [3, 4, 5]],
  ['time: what is a span older than the newest goes', timeEvictor(10), [20, 10, 11, 5], [20, 11]],
  ['time: the newest may have come first', timeEvictor(1), [30, 29, 28], [30]],
  ['time: nothing is nothing', timeEvictor(1), [], []],
  ['delta: what is that far from the last one goes', DeltaEvictor.of(5, difference), [1, 5, 3, 9, 8], [5, 9, 8]],
  ['delta: nothing is nothing', DeltaEvictor.of(5, difference), [], []],
] as const) {
  test(title, () => {
    assert.equal(kept(evictor, 'evictBefore', values), stay);
    assert.is(kept(evictor, 'evictAfter', values), undefined, 'only before');
  });
}

test('after the function, where that is asked for', () => {
  for (const evictor of [
    CountEvictor.of(1, { evictsAfter: true }),
    timeEvictor(1, { evictsAfter: true }),
    DeltaEvictor.of(1, difference, { evictsAfter: true }),
  ]) {
    assert.equal(kept(evictor, 'evictAfter', [1, 5]), [5]);
    assert.is(kept(evictor, 'evictBefore', [1, 5]), undefined);
  }
});

test('time: records without timestamps all stay', () => {
  const elements = [1, 2].map((value) => ({ value, timestamp: noTimestamp }));
  assert.is(timeEvictor(1).evictBefore?.(elements, window, context).length, 2);
});

for (const [title, make] of [
  ['a count of 0', () => CountEvictor.of(0)],
  ['a negative span', () => timeEvictor(-5)],
  ['no threshold', () => DeltaEvictor.of(undefined as never, difference)],
] as const) {
  test(`${title} is refused when the job is built`, () =>
    assert.throws(make, (error: Error & { readonly code?: string }) => error.code === 'WINDOW_AMOUNT_INVALID'));
}

test.run();
