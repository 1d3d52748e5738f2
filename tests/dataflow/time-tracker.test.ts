/** How far the time of one split comes, and when it is idle. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { maxWatermark, minWatermark, noTimestamp } from '../../dataflow/contracts.js';
import type { GeneratorChoice } from '../../dataflow/time/time-assignment.js';
import { TimeTracker } from '../../dataflow/time/time-tracker.js';
import { timestampFunction } from '../../dataflow/time/timestamp-stage.js';
import { TrackerSeat } from '../../dataflow/time/tracker-seat.js';
import type { WatermarkGenerator } from '../../dataflow/time/watermark-generator.js';

const bounded = (delayMs: number): GeneratorChoice<unknown> => ({ kind: 'bounded-out-of-orderness', delayMs });
const custom = (generator: WatermarkGenerator<unknown>): GeneratorChoice<unknown> => ({ kind: 'custom', create: () => generator });

/** A tracker and what brings records to it. */
function room(generator: GeneratorChoice<unknown>, options: { readonly idleAfterMs?: number; readonly highest?: number } = {}) {
  const due: number[] = [];
  const idleAfterMs = options.idleAfterMs;
  const tracker: TimeTracker = new TimeTracker({
    generator,
    idleAfterMs,
    highest: options.highest,
    onDue: () => due.push(tracker.watermark),
  });
  const seat = new TrackerSeat();
  seat.take(tracker);
  const stamp = timestampFunction({ assignment: { assign: undefined, generator, idleAfterMs, alignment: undefined }, seat });
  const records = (...timestamps: number[]): void => {
    for (const timestamp of timestamps) stamp('value', timestamp);
  };
  const periodic = (now = 0): number => {
    seat.settle();
    tracker.onPeriodicEmit(now);
    return tracker.watermark;
  };
  return { tracker, seat, records, periodic, due };
}

const test = suite('time tracker');

interface BoundedCase {
  readonly delayMs: number;
  /** Timestamps between two periodic emissions, and the watermark then. */
  readonly rounds: readonly (readonly [readonly number[], number])[];
}

const boundedCases: readonly BoundedCase[] = [
  {
    delayMs: 0,
    rounds: [
      [[], minWatermark],
      [[5], 4],
      [[5], 4],
      [[7, 6], 6],
      [[], 6],
    ],
  },
  {
    delayMs: 4_000,
    rounds: [
      [[14_000], 9_999],
      [[10_000, 10_001], 9_999],
      [[14_001], 10_000],
    ],
  },
  {
    delayMs: 0,
    rounds: [
      [[-10], -11],
      [[noTimestamp], -11],
      [[0], -1],
      [[maxWatermark], maxWatermark - 1],
    ],
  },
  {
    delayMs: 10,
    rounds: [
      [[noTimestamp], minWatermark],
      [[minWatermark + 3], minWatermark],
    ],
  },
];

for (const [index, { delayMs, rounds }] of boundedCases.entries()) {
  test(`bounded out-of-orderness, case ${index}: the watermark is the highest timestamp less the delay and 1 ms (TR1)`, () => {
    const { records, periodic } = room(bounded(delayMs));
    for (const [timestamps, watermark] of rounds) {
      records(...timestamps);
      assert.is(periodic(), watermark, `after ${timestamps.join(', ')}`);
    }
  });
}

test('without a generator time does not pass', () => {
  const { records, periodic } = room({ kind: 'none' });
  records(5, 10);
  assert.is(periodic(), minWatermark);
});

test('a custom generator says what it wants, per record and periodically, but never back and never the end (TR1)', () => {
  const seen: number[] = [];
  const { records, periodic, due } = room(
    custom({
      onEvent: (_value, timestamp, output) => {
        seen.push(timestamp);
        if (timestamp % 10 === 0) output.emitWatermark(timestamp);
      },
      onPeriodicEmit: (output) => output.emitWatermark(seen.length),
    }),
  );
  records(7, 10, 11, 20, 10);
  assert.equal(seen, [7, 10, 11, 20, 10]);
  assert.equal(due, [10, 20], 'only what moves time is due');
  assert.is(periodic(), 20);
  const greedy = room(custom({ onPeriodicEmit: (output) => output.emitWatermark(maxWatermark) }));
  assert.is(greedy.periodic(), maxWatermark - 1);
  for (const wrong of [Number.NaN, '5' as unknown as number]) {
    const broken = room(custom({ onPeriodicEmit: (output) => output.emitWatermark(wrong) }));
    assert.throws(
      () => broken.periodic(),
      (error: MillraceError) => error.code === 'WATERMARK_INVALID',
    );
  }
});

test('idle after the time-out without a record, as seen at periodic emissions, until the next record (TR2)', () => {
  const { tracker, records, periodic } = room(bounded(0), { idleAfterMs: 100 });
  const isIdle: boolean[] = [];
  const at = (now: number): void => {
    periodic(now);
    isIdle.push(tracker.isIdle);
  };
  records(5);
  at(0);
  at(50);
  at(149);
  assert.equal(isIdle, [false, false, false], 'the time runs from the first emission without a record');
  at(150);
  at(400);
  assert.equal(isIdle.slice(3), [true, true]);
  records(9);
  assert.ok(tracker.isIdle, 'a record is noticed at the next emission');
  at(401);
  assert.not.ok(tracker.isIdle);
  assert.is(tracker.watermark, 8);
  at(500);
  tracker.excuse();
  at(700);
  assert.not.ok(tracker.isIdle, 'a reader that may not read misses no records');
  at(800);
  assert.ok(tracker.isIdle);
});

test('a generator that marks itself idle is active again with its next watermark', () => {
  let say: (output: Parameters<NonNullable<WatermarkGenerator<unknown>['onPeriodicEmit']>>[0]) => void = (output) => output.markIdle();
  const { tracker, periodic } = room(custom({ onPeriodicEmit: (output) => say(output) }));
  periodic();
  assert.ok(tracker.isIdle);
  say = (output) => output.emitWatermark(3);
  periodic();
  assert.not.ok(tracker.isIdle);
  say = (output) => output.markIdle();
  periodic();
  say = (output) => output.markActive();
  periodic();
  assert.not.ok(tracker.isIdle);
});

test('a tracker goes on from what a former one said (TR3)', () => {
  const before = room(bounded(10));
  before.records(100, 90);
  before.periodic();
  const after = room(bounded(10), { highest: before.tracker.highest });
  after.records(95);
  assert.is(after.periodic(), 89);
  const first = room(custom({ onEvent: (_value, timestamp, output) => output.emitWatermark(timestamp) }));
  first.records(40);
  assert.is(room(custom({}), { highest: first.tracker.highest }).tracker.watermark, 40);
});

test('trackers take turns in one seat, and each learns of its own records only (SE1)', () => {
  const seat = new TrackerSeat();
  const options = { generator: bounded(0), idleAfterMs: 100 };
  const [first, second] = [new TimeTracker(options), new TimeTracker(options)];
  const stamp = timestampFunction({ assignment: { assign: undefined, alignment: undefined, ...options }, seat });
  seat.take(first);
  stamp('a', 50);
  seat.take(second);
  stamp('b', 7);
  seat.take(first);
  stamp('c', 40);
  seat.settle();
  assert.equal([first.advance(), second.advance()], [49, 6]);
  assert.equal([first.records, second.records], [2, 1]);
});

test('what makes no generator is refused', () => {
  assert.throws(
    () => room({ kind: 'custom', create: () => undefined as never }),
    (error: MillraceError) => error.code === 'GENERATOR_INVALID',
  );
});

test('a timestamp that is no number of milliseconds is refused (TG1)', () => {
  for (const wrong of [Number.NaN, undefined, '12', Promise.resolve(1), new Date(0), 2 ** 60, -Infinity, 5n]) {
    const stamp = timestampFunction({
      assignment: { assign: () => wrong as number, generator: bounded(0), idleAfterMs: undefined, alignment: undefined },
      seat: new TrackerSeat(),
    });
    assert.throws(
      () => stamp('value', noTimestamp),
      (error: MillraceError) => error.code === 'TIMESTAMP_INVALID' && error.hint !== undefined,
    );
  }
});

test.run();
