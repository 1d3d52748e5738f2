/** Triggers and evictors on windows, row by row: merging sessions, firing again and again, late records, boundaries; also over restarts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark, noTimestamp } from '../../../dataflow/contracts.js';
import { CountEvictor } from '../../../dataflow/windows/evictors/count-evictor.js';
import { DeltaEvictor } from '../../../dataflow/windows/evictors/delta-evictor.js';
import { timeEvictor } from '../../../dataflow/windows/evictors/time-evictor.js';
import { continuousEventTimeTrigger, continuousProcessingTimeTrigger } from '../../../dataflow/windows/triggers/continuous-trigger.js';
import { CountTrigger } from '../../../dataflow/windows/triggers/count-trigger.js';
import { DeltaTrigger } from '../../../dataflow/windows/triggers/delta-trigger.js';
import { EventTimeTrigger } from '../../../dataflow/windows/triggers/event-time-trigger.js';
import { ProcessingTimeTrigger } from '../../../dataflow/windows/triggers/processing-time-trigger.js';
import { processingTimeoutTrigger } from '../../../dataflow/windows/triggers/processing-timeout-trigger.js';
import { PurgingTrigger } from '../../../dataflow/windows/triggers/purging-trigger.js';
import type { Trigger } from '../../../dataflow/windows/triggers/trigger.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { Window } from '../../../dataflow/windows/window.js';
import { byClock, everything, listPlan, sessions, sliding, tumbling, WindowRoom, type Item, type ItemPlan } from './window-room.js';
import { assertNothingLeft, takeSteps, type Step } from './window-steps.js';

const add = (left: number, right: number): number => left + right;
const byNumber = (from: Item, to: Item): number => to.n - from.n;

/** Fires when the numbers of a window come to 10 or more, and once more 5 ms of event time after its first record. */
const atTen: Trigger<Item, Window> = {
  onElement: ({ n }, timestamp, _window, context) => {
    const sum = context.foldedState('sum', add);
    if (sum.get() === undefined) {
      context.valueState<number>('due').update(timestamp + 5);
      context.registerEventTimeTimer(timestamp + 5);
    }
    sum.add(n);
    if ((sum.get() ?? 0) < 10) return 'CONTINUE';
    sum.clear();
    return 'FIRE';
  },
  onEventTime: (time, _window, context) => (context.valueState<number>('due').value() === time ? 'FIRE' : 'CONTINUE'),
  onProcessingTime: () => 'CONTINUE',
  onMerge: (_window, context) => {
    context.mergeState('sum', add);
    context.mergeState('due', Math.min);
    const due = context.valueState<number>('due').value();
    if (due !== undefined) context.registerEventTimeTimer(due);
  },
  clear: (_window, context) => {
    const due = context.valueState<number>('due').value();
    if (due !== undefined) context.deleteEventTimeTimer(due);
    context.valueState('due').clear();
    context.foldedState('sum', add).clear();
  },
};

interface Row {
  readonly title: string;
  readonly plan: Partial<ItemPlan>;
  readonly steps: readonly Step[];
  /** The one window with everything, which keeps what no trigger purges. */
  readonly isKept?: boolean;
}

const rows: readonly Row[] = [
  {
    title: 'an own trigger on sessions: states are folded when they merge, and a merged session fires by all of them',
    plan: { assigner: sessions(10), trigger: atTen },
    steps: [[4, 0], [5, 20], { gives: [] }, [1, 10], { gives: ['a 0-30: 4 5 1 @ 29'] }],
  },
  {
    title: 'an own trigger on sessions: its timer moves into the merged session, and does not fire for what that was',
    plan: { assigner: sessions(10), trigger: atTen },
    steps: [
      [1, 0],
      [2, 20],
      [3, 10],
      { watermark: 4 },
      { gives: [] },
      { watermark: 5 },
      { gives: ['a 0-30: 1 2 3 @ 29'] },
      { watermark: 28 },
      { gives: [] },
    ],
  },
  {
    title: 'continuous event time on sessions: the next firing is the earliest of those merged, and the last is at the end',
    plan: { assigner: sessions(20), trigger: continuousEventTimeTrigger(10) },
    steps: [
      [1, 30],
      [2, 2],
      [3, 15],
      { watermark: 9 },
      { gives: [] },
      { watermark: 10 },
      { gives: ['a 2-50: 2 1 3 @ 49'] },
      { watermark: 30 },
      { gives: ['a 2-50: 2 1 3 @ 49', 'a 2-50: 2 1 3 @ 49'] },
      { watermark: 40 },
      { gives: ['a 2-50: 2 1 3 @ 49'] },
      { watermark: 49 },
      { gives: ['a 2-50: 2 1 3 @ 49'] },
    ],
  },
  {
    title: 'continuous event time, purging: each firing has what came since the last',
    plan: { assigner: tumbling(30), trigger: PurgingTrigger.of(continuousEventTimeTrigger(10)) },
    steps: [
      [1, 1],
      [2, 12],
      { watermark: 10 },
      { gives: ['a 0-30: 1 2 @ 29'] },
      [3, 13],
      { watermark: 20 },
      { gives: ['a 0-30: 3 @ 29'] },
      { watermark: 29 },
      { gives: [] },
    ],
  },
  {
    title: 'continuous processing time: at multiples of the interval, and at the end of a window of the clock',
    plan: { assigner: byClock(tumbling(25)), trigger: continuousProcessingTimeTrigger(10) },
    steps: [
      { clock: 3 },
      [1, noTimestamp],
      { clock: 10 },
      { gives: [] },
      { clock: 11 },
      { gives: ['a 0-25: 1 @ 24'] },
      [2, noTimestamp],
      { clock: 21 },
      { gives: ['a 0-25: 1 2 @ 24'] },
      { clock: 24 },
      { gives: [] },
      { clock: 25 },
      { gives: ['a 0-25: 1 2 @ 24'] },
    ],
  },
  {
    title: 'continuous processing time on sessions of the clock: a session that grows goes on with its next firing',
    plan: { assigner: byClock(sessions(15)), trigger: continuousProcessingTimeTrigger(10) },
    steps: [
      { clock: 3 },
      [1, noTimestamp],
      { clock: 9 },
      [2, noTimestamp],
      { clock: 11 },
      { gives: ['a 3-24: 1 2 @ 23'] },
      { clock: 21 },
      { gives: ['a 3-24: 1 2 @ 23'] },
      { clock: 24 },
      { gives: ['a 3-24: 1 2 @ 23'] },
    ],
  },
  {
    title: 'continuous processing time on everything: it goes on while there is something',
    plan: { assigner: everything, trigger: PurgingTrigger.of(continuousProcessingTimeTrigger(10)) },
    steps: [
      [1, noTimestamp],
      { clock: 11 },
      { gives: [`a: 1 @ ${maxWatermark}`] },
      { clock: 41 },
      { gives: [] },
      [2, noTimestamp],
      { clock: 51 },
      { gives: [`a: 2 @ ${maxWatermark}`] },
    ],
    isKept: true,
  },
  {
    title: 'processing time on windows in event time: by the clock alone, and late records by the watermark',
    plan: { assigner: tumbling(10), trigger: ProcessingTimeTrigger.create(), lateTag: 'late' },
    steps: [
      [1, 1],
      { clock: 9 },
      { gives: [] },
      { clock: 10 },
      { gives: ['a 0-10: 1 @ 9'] },
      { watermark: 9 },
      { gives: [] },
      [2, 2],
      { late: [2] },
    ],
  },
  {
    title: 'a time-out beside the end of the window: what does not come to an end in time fires before it',
    plan: { assigner: tumbling(100), trigger: processingTimeoutTrigger(EventTimeTrigger.create(), { timeoutMs: 50 }) },
    steps: [
      [1, 1],
      { clock: 50 },
      { gives: [] },
      { clock: 51 },
      { gives: ['a 0-100: 1 @ 99'] },
      [2, 2],
      { watermark: 99 },
      { gives: ['a 0-100: 1 2 @ 99'] },
      { clock: 200 },
      { gives: [] },
    ],
  },
  {
    title: 'a delta belongs to a window: the first record of each does not fire, one exactly the threshold away neither',
    plan: { assigner: tumbling(10), trigger: DeltaTrigger.of(5, byNumber) },
    steps: [
      [1, 0],
      [6, 1],
      { gives: [] },
      [7, 2],
      { gives: ['a 0-10: 1 6 7 @ 9'] },
      [50, 10],
      { gives: [] },
      [12, 3],
      { gives: [] },
      [13, 4],
      { gives: ['a 0-10: 1 6 7 12 13 @ 9'] },
      { watermark: 9 },
      { gives: [] },
    ],
  },
  {
    title: 'a count takes late records that are allowed; the end of the window does not fire',
    plan: { assigner: tumbling(10), trigger: CountTrigger.of(2), allowedLatenessMs: 5, lateTag: 'late' },
    steps: [
      [1, 1],
      { watermark: 9 },
      { gives: [] },
      [2, 2],
      { gives: ['a 0-10: 1 2 @ 9'] },
      [3, 3],
      { watermark: 14 },
      { gives: [] },
      [4, 4],
      { late: [4] },
    ],
  },
  {
    title: 'purging at the end with lateness: a late record fires with itself alone',
    plan: { assigner: tumbling(10), trigger: PurgingTrigger.of(EventTimeTrigger.create()), allowedLatenessMs: 5 },
    steps: [[1, 1], { watermark: 9 }, { gives: ['a 0-10: 1 @ 9'] }, [2, 2], { gives: ['a 0-10: 2 @ 9'] }],
  },
  {
    title: 'a time evictor before the function: a record exactly the span older than the newest goes, in each sliding window by itself',
    plan: { assigner: sliding(10, 5), evictor: timeEvictor(4) },
    steps: [
      [1, 5],
      [2, 8],
      [3, 9],
      [4, 12],
      { watermark: 9 },
      { gives: ['a 0-10: 2 3 @ 9'] },
      { watermark: 14 },
      { gives: ['a 5-15: 3 4 @ 14'] },
      { watermark: 19 },
      { gives: ['a 10-20: 4 @ 19'] },
    ],
  },
  {
    title: 'a time evictor after the function: a late record finds what it left, and the function still saw the rest',
    plan: { assigner: tumbling(10), evictor: timeEvictor(4, { evictsAfter: true }), allowedLatenessMs: 9 },
    steps: [
      [1, 1],
      [2, 5],
      [3, 8],
      { watermark: 9 },
      { gives: ['a 0-10: 1 2 3 @ 9'] },
      [4, 2],
      { gives: ['a 0-10: 2 3 4 @ 9'] },
      [5, 9],
      { gives: ['a 0-10: 2 3 5 @ 9'] },
      [6, 9],
      { gives: ['a 0-10: 3 5 6 @ 9'] },
    ],
  },
  {
    title: 'a delta evictor before the function: what is exactly the threshold away goes',
    plan: { assigner: tumbling(10), evictor: DeltaEvictor.of(3, byNumber) },
    steps: [[1, 0], [7, 1], [8, 2], [10, 3], { watermark: 9 }, { gives: ['a 0-10: 8 10 @ 9'] }],
  },
  {
    title: 'a delta evictor after the function, on sessions: records of merged sessions are in the order of the sessions',
    plan: { assigner: sessions(10), evictor: DeltaEvictor.of(3, byNumber, { evictsAfter: true }), allowedLatenessMs: 20 },
    steps: [
      [5, 20],
      [1, 0],
      [4, 10],
      { watermark: 29 },
      { gives: ['a 0-30: 1 5 4 @ 29'] },
      [6, 15],
      { gives: ['a 0-30: 5 4 6 @ 29'] },
      [9, 15],
      { gives: ['a 0-30: 5 4 6 9 @ 29'] },
      [10, 15],
      { gives: ['a 0-30: 9 10 @ 29'] },
    ],
  },
  {
    title: 'a count evictor on sessions: the last ones of all that were merged',
    plan: { assigner: sessions(10), evictor: CountEvictor.of(2) },
    steps: [[1, 0], [2, 20], [3, 10], { watermark: 29 }, { gives: ['a 0-30: 2 3 @ 29'] }],
  },
  {
    title: 'an evictor and a purge: nothing is left for the next firing, whatever the evictor left',
    plan: { assigner: tumbling(10), evictor: CountEvictor.of(2), trigger: PurgingTrigger.of(CountTrigger.of(3)) },
    steps: [[1, 0], [2, 0], [3, 0], { gives: ['a 0-10: 2 3 @ 9'] }, [4, 0], [5, 0], [6, 0], { gives: ['a 0-10: 5 6 @ 9'] }],
  },
];

const test = suite('triggers and evictors on windows');

for (const { title, plan, steps, isKept = false } of rows) {
  for (const restarts of [false, true]) {
    test(`${title}${restarts ? '; with a restart after each step' : ''}`, async () => {
      const room = new WindowRoom(() => windowOperator(listPlan(plan)));
      await takeSteps(room, steps, restarts);
      if (!isKept) assertNothingLeft(room);
    });
  }
}

test('a delta that is no number keeps the record, and does not fire', () => {
  const room = new WindowRoom(() =>
    windowOperator(listPlan({ assigner: tumbling(10), evictor: DeltaEvictor.of(3, () => NaN) } as Partial<ItemPlan>)),
  );
  assert.equal(room.add('a', 1, 0).add('a', 2, 1).advance(9).take(), ['a 0-10: 1 2']);
  const silent = new WindowRoom(() =>
    windowOperator(listPlan({ assigner: tumbling(10), trigger: DeltaTrigger.of(3, () => NaN) } as Partial<ItemPlan>)),
  );
  assert.equal(silent.add('a', 1, 0).add('a', 2, 1).take(), []);
});

test.run();
