/** When windows fire: each trigger by itself (TG1 to TG3). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark, noTimestamp } from '../../../dataflow/contracts.js';
import { continuousEventTimeTrigger, continuousProcessingTimeTrigger } from '../../../dataflow/windows/triggers/continuous-trigger.js';
import { CountTrigger } from '../../../dataflow/windows/triggers/count-trigger.js';
import { DeltaTrigger } from '../../../dataflow/windows/triggers/delta-trigger.js';
import { EndOfStreamTrigger, NeverTrigger } from '../../../dataflow/windows/triggers/end-triggers.js';
import { EventTimeTrigger } from '../../../dataflow/windows/triggers/event-time-trigger.js';
import { processingTimeoutTrigger } from '../../../dataflow/windows/triggers/processing-timeout-trigger.js';
import { ProcessingTimeTrigger } from '../../../dataflow/windows/triggers/processing-time-trigger.js';
import { PurgingTrigger } from '../../../dataflow/windows/triggers/purging-trigger.js';
import { globalWindow, TimeWindow } from '../../../dataflow/windows/window.js';
import { TriggerRoom } from './trigger-room.js';

const hasCode = (code: string) => (error: Error & { readonly code?: string }) => error.code === code;
const test = suite('triggers');

test('event time: fires at the last time of the window, not before, and at once for a late record', () => {
  const room = new TriggerRoom(EventTimeTrigger.create());
  assert.is(room.element('a', 5), 'CONTINUE');
  assert.is(room.element('b', 6), 'CONTINUE');
  assert.equal(room.times('event'), [99], 'registered once');
  assert.equal(room.advance(98), []);
  assert.equal(room.advance(99), ['99 FIRE']);
  assert.is(room.element('late', 7), 'FIRE');
  assert.is(room.trigger.onEventTime(150, room.window, room.context()), 'CONTINUE', 'the end of allowed lateness');
  assert.is(room.trigger.onProcessingTime(99, room.window, room.context()), 'CONTINUE');
});

test('event time: the merged window fires at its own end; clearing drops the timer', () => {
  const room = new TriggerRoom(EventTimeTrigger.create(), new TimeWindow(0, 150));
  const part = new TriggerRoom(EventTimeTrigger.create());
  part.element('a');
  room.merge(part);
  assert.equal(room.times('event'), [149]);
  assert.equal(part.times('event'), []);
  const past = new TriggerRoom(EventTimeTrigger.create());
  past.advance(99);
  past.merge();
  assert.equal(past.times('event'), []);
});

test('processing time: fires once, when the clock reaches the last time of the window', () => {
  const room = new TriggerRoom(ProcessingTimeTrigger.create());
  assert.is(room.element('a', noTimestamp), 'CONTINUE');
  assert.equal(room.advance(maxWatermark), []);
  assert.equal(room.tick(98), []);
  assert.equal(room.tick(99), ['99 FIRE']);
  assert.is(room.trigger.onEventTime(99, room.window, room.context()), 'CONTINUE');
  room.now = 50;
  room.merge();
  assert.equal(room.times('processing'), [99]);
  room.clear();
  assert.equal(room.times('processing'), []);
  room.now = 99;
  room.merge();
  assert.equal(room.times('processing'), [], 'over already');
});

test('count: fires at every n-th record; merged counts add up', () => {
  const room = new TriggerRoom(CountTrigger.of(3));
  assert.equal(
    [1, 2, 3, 4, 5, 6].map(() => room.element('a')),
    ['CONTINUE', 'CONTINUE', 'FIRE', 'CONTINUE', 'CONTINUE', 'FIRE'],
  );
  const other = new TriggerRoom(CountTrigger.of(3));
  other.element('a');
  room.element('b');
  room.merge(other);
  assert.is(other.state.size, 0);
  assert.is(room.element('c'), 'FIRE');
  room.element('d');
  room.clear();
  assert.is(room.state.size, 0);
});

test('continuous event time: fires at multiples of the interval and at the end of the window', () => {
  const room = new TriggerRoom(continuousEventTimeTrigger(30));
  assert.is(room.element('a', 31), 'CONTINUE');
  assert.is(room.element('b', 70), 'CONTINUE');
  assert.equal(room.advance(59), []);
  assert.equal(room.advance(60), ['60 FIRE']);
  assert.equal(room.advance(1_000), ['90 FIRE', '99 FIRE']);
  assert.is(room.element('late', 50), 'FIRE');
  assert.equal(room.times('event'), []);
});

test('continuous event time: the earliest firing of merged windows stays; clearing drops all', () => {
  const room = new TriggerRoom(continuousEventTimeTrigger(30), new TimeWindow(0, 150));
  const [one, other] = [new TriggerRoom(continuousEventTimeTrigger(30)), new TriggerRoom(continuousEventTimeTrigger(30))] as const;
  one.element('a', 61);
  other.element('b', 31);
  room.merge(one, other);
  assert.equal(room.times('event'), [60, 149]);
  assert.equal([...one.times('event'), ...other.times('event')], []);
  room.clear();
  assert.equal([room.times('event'), room.state.size], [[], 0]);
});

test('continuous event time on everything: the end of input fires once more, and a record without timestamp is refused (CT2)', () => {
  const room = new TriggerRoom(continuousEventTimeTrigger(30), globalWindow);
  room.element('a', 5);
  assert.equal(room.advance(60), ['30 FIRE', '60 FIRE']);
  assert.equal(room.advance(maxWatermark), ['90 FIRE', `${maxWatermark} FIRE`]);
  assert.throws(() => room.element('b', noTimestamp), hasCode('WINDOW_TIMESTAMP_MISSING'));
});

test('continuous processing time: fires at multiples of the interval of the clock', () => {
  const room = new TriggerRoom(continuousProcessingTimeTrigger(30));
  room.now = 10;
  assert.is(room.element('a'), 'CONTINUE');
  room.element('b');
  assert.equal(room.tick(29), []);
  assert.equal(room.tick(30), ['30 FIRE']);
  assert.equal(room.tick(99), ['60 FIRE', '90 FIRE', '99 FIRE'], 'the last at the end of the window');
  const merged = new TriggerRoom(continuousProcessingTimeTrigger(30), new TimeWindow(0, 200));
  const part = new TriggerRoom(continuousProcessingTimeTrigger(30));
  part.element('c');
  merged.merge(part);
  assert.equal([merged.times('processing'), part.times('processing')], [[30], []]);
  assert.is(merged.trigger.onProcessingTime(29, merged.window, merged.context()), 'CONTINUE', 'the timer of somebody else');
});

test('delta: fires for a record further than the threshold from the one that fired last', () => {
  const room = new TriggerRoom(DeltaTrigger.of<number>(10, (from, to) => to - from));
  assert.equal(
    [0, 10, 11, 15, 21, 22].map((value) => room.element(value)),
    ['CONTINUE', 'CONTINUE', 'FIRE', 'CONTINUE', 'CONTINUE', 'FIRE'],
  );
  room.clear();
  assert.is(room.element(100), 'CONTINUE', 'the first one again');
  assert.is(room.trigger.onMerge, undefined, 'not for sessions (TG3)');
});

test('purging: fires as the other does, and purges; what the other can merge, it can', () => {
  const room = new TriggerRoom(PurgingTrigger.of(CountTrigger.of(2)));
  assert.equal([room.element('a'), room.element('b')], ['CONTINUE', 'FIRE_AND_PURGE']);
  const other = new TriggerRoom(PurgingTrigger.of(CountTrigger.of(2)));
  other.element('c');
  room.merge(other);
  assert.is(room.element('d'), 'FIRE_AND_PURGE');
  assert.is(PurgingTrigger.of(DeltaTrigger.of<number>(1, () => 0)).onMerge, undefined);
  const timed = new TriggerRoom(PurgingTrigger.of(EventTimeTrigger.create()));
  timed.element('a');
  assert.equal(timed.advance(99), ['99 FIRE_AND_PURGE']);
});

test('processing time-out: fires when the other trigger has not for so long', () => {
  const room = new TriggerRoom(processingTimeoutTrigger(CountTrigger.of(3), { timeoutMs: 50 }));
  room.element('a');
  room.now = 20;
  room.element('b');
  assert.equal(room.times('processing'), [50], 'from the first record on');
  assert.equal(room.tick(50), ['50 FIRE']);
  assert.is(room.state.size, 0, 'the count begins anew');
  room.element('c');
  room.element('d');
  assert.is(room.element('e'), 'FIRE');
  assert.equal(room.times('processing'), [], 'the other one fired');
});

test('processing time-out: may begin anew with every record, and keep the state of the other trigger', () => {
  const room = new TriggerRoom(
    processingTimeoutTrigger(PurgingTrigger.of(CountTrigger.of(3)), { timeoutMs: 50, isResetByRecords: true, clearsOnTimeout: false }),
  );
  room.element('a');
  room.now = 20;
  room.element('b');
  assert.equal(room.times('processing'), [70]);
  assert.equal(room.tick(70), ['70 FIRE']);
  assert.is(room.element('c'), 'FIRE_AND_PURGE', 'the third one');
});

test('never does not fire; end of stream fires once all input came', () => {
  const never = new TriggerRoom(NeverTrigger.create(), globalWindow);
  assert.is(never.element('a'), 'CONTINUE');
  assert.equal([...never.advance(maxWatermark), ...never.tick(1e12)], []);
  const end = new TriggerRoom(EndOfStreamTrigger.create(), globalWindow);
  assert.is(end.element('a'), 'CONTINUE');
  assert.equal(end.advance(maxWatermark - 1), []);
  assert.equal(end.advance(maxWatermark), [`${maxWatermark} FIRE_AND_PURGE`]);
});

for (const [title, make] of [
  ['a count of 0', () => CountTrigger.of(0)],
  ['half a record', () => CountTrigger.of(1.5)],
  ['a negative interval', () => continuousEventTimeTrigger(-1)],
  ['no interval', () => continuousProcessingTimeTrigger(0)],
  ['no time-out', () => processingTimeoutTrigger(NeverTrigger.create(), { timeoutMs: 0 })],
  ['no number', () => DeltaTrigger.of(NaN, () => 0)],
] as const) {
  test(`${title} is refused when the job is built`, () => assert.throws(make, hasCode('WINDOW_AMOUNT_INVALID')));
}

test.run();
