/**
 * What windows of event and processing time do with records in time, at the boundary, late, and too late: the same in the
 * operator that a plan gets and in the general one (SW1, SO1).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark } from '../../../dataflow/contracts.js';
import { ProcessingTimeTrigger } from '../../../dataflow/windows/triggers/processing-time-trigger.js';
import { byClock, forms, listPlan, sessions, sliding, tumbling, WindowRoom, type ItemPlan } from './window-room.js';

type Step =
  | readonly [add: number, at: number]
  | { readonly watermark: number }
  | { readonly gives: readonly string[] }
  | { readonly late: readonly number[] };

interface Rule {
  readonly title: string;
  readonly plan: ItemPlan;
  readonly steps: readonly Step[];
}

const late = (plan: Partial<ItemPlan>) => listPlan({ lateTag: 'late', ...plan } as never);

const rules: readonly Rule[] = [
  {
    title: 'a window fires when the watermark reaches its last time, not before; its results have that time',
    plan: listPlan({ assigner: tumbling(10) }),
    steps: [[1, 0], [2, 9], { watermark: 8 }, { gives: [] }, { watermark: 9 }, { gives: ['a 0-10: 1 2 @ 9'] }],
  },
  {
    title: 'a record at the end of a window belongs to the next one',
    plan: listPlan({ assigner: tumbling(10) }),
    steps: [
      [1, 10],
      [2, 19],
      [3, 20],
      { watermark: 19 },
      { gives: ['a 10-20: 1 2 @ 19'] },
      { watermark: 29 },
      { gives: ['a 20-30: 3 @ 29'] },
    ],
  },
  {
    title: 'windows before 1970, and with an offset',
    plan: listPlan({ assigner: tumbling(10, 3) }),
    steps: [[1, -8], [2, 2], [3, 3], { watermark: maxWatermark }, { gives: ['a -17--7: 1 @ -8', 'a -7-3: 2 @ 2', 'a 3-13: 3 @ 12'] }],
  },
  {
    title: 'out of order within the watermark, every record is in its window',
    plan: listPlan({ assigner: tumbling(10) }),
    steps: [[1, 25], [2, 5], [3, 15], [4, 6], { watermark: 30 }, { gives: ['a 0-10: 2 4 @ 9', 'a 10-20: 3 @ 19', 'a 20-30: 1 @ 29'] }],
  },
  {
    title: 'a record whose window is complete is late; one that is older than the watermark, but in an open window, is not',
    plan: late({ assigner: tumbling(10) }),
    steps: [
      { watermark: 8 },
      [1, 5],
      { late: [] },
      { watermark: 9 },
      { gives: ['a 0-10: 1 @ 9'] },
      [2, 9],
      [3, 10],
      { late: [2] },
      { watermark: 19 },
      { gives: ['a 10-20: 3 @ 19'] },
    ],
  },
  {
    title: 'late records within the allowed lateness fire their window at once, with all it holds',
    plan: late({ assigner: tumbling(10), allowedLatenessMs: 5 }),
    steps: [
      [1, 1],
      { watermark: 9 },
      { gives: ['a 0-10: 1 @ 9'] },
      [2, 2],
      { gives: ['a 0-10: 1 2 @ 9'] },
      { watermark: 13 },
      [3, 3],
      { gives: ['a 0-10: 1 2 3 @ 9'] },
      { watermark: 14 },
      [4, 4],
      { gives: [] },
      { late: [4] },
    ],
  },
  {
    title: 'a window that had no record in time fires for the first late one that is allowed',
    plan: late({ assigner: tumbling(10), allowedLatenessMs: 5 }),
    steps: [
      { watermark: 12 },
      [1, 9],
      { gives: ['a 0-10: 1 @ 9'] },
      [2, 0],
      { gives: ['a 0-10: 1 2 @ 9'] },
      { watermark: 14 },
      [3, 9],
      { late: [3] },
    ],
  },
  {
    title: 'lateness is that of the window: an old record in a window within its lateness is taken',
    plan: late({ assigner: tumbling(10), allowedLatenessMs: 5 }),
    steps: [{ watermark: 13 }, [1, 0], { gives: ['a 0-10: 1 @ 9'] }, { late: [] }],
  },
  {
    title: 'every sliding window that a record is in fires',
    plan: listPlan({ assigner: sliding(10, 5) }),
    steps: [[1, 7], [2, 12], { watermark: maxWatermark }, { gives: ['a 0-10: 1 @ 9', 'a 5-15: 1 2 @ 14', 'a 10-20: 2 @ 19'] }],
  },
  {
    title: 'of the sliding windows of a record those that are complete do not get it; it is not late while one is open',
    plan: late({ assigner: sliding(20, 5) }),
    steps: [
      { watermark: 10 },
      [1, 6],
      { late: [] },
      { watermark: 19 },
      { gives: ['a -5-15: 1 @ 14', 'a 0-20: 1 @ 19'] },
      { watermark: 24 },
      { gives: ['a 5-25: 1 @ 24'] },
      [2, 9],
      { late: [2] },
      { watermark: maxWatermark },
      { gives: [] },
    ],
  },
  {
    title: 'a late record fires the complete ones of its sliding windows again, the latest first',
    plan: late({ assigner: sliding(20, 5), allowedLatenessMs: 7 }),
    steps: [
      [1, 6],
      { watermark: 19 },
      { gives: ['a -10-10: 1 @ 9', 'a -5-15: 1 @ 14', 'a 0-20: 1 @ 19'] },
      [2, 6],
      { gives: ['a 0-20: 1 2 @ 19', 'a -5-15: 1 2 @ 14'] },
      { watermark: 24 },
      { gives: ['a 5-25: 1 2 @ 24'] },
      { watermark: 31 },
      [3, 9],
      { late: [3] },
    ],
  },
  {
    title: 'a record between sliding windows that do not overlap is in none; it is late only behind the watermark',
    plan: late({ assigner: sliding(5, 10) }),
    steps: [
      [1, 4],
      [2, 5],
      [3, 9],
      { watermark: 12 },
      { gives: ['a 0-5: 1 @ 4'] },
      [4, 6],
      { late: [4] },
      [5, 11],
      { watermark: 14 },
      { gives: ['a 10-15: 5 @ 14'] },
    ],
  },
  {
    title: 'a record in no window is late only when it is older than the allowed lateness permits',
    plan: late({ assigner: sliding(5, 10), allowedLatenessMs: 3 }),
    steps: [
      { watermark: 12 },
      [1, 9],
      { late: [1] },
      { watermark: 16 },
      [2, 15],
      { late: [1] },
      { watermark: 18 },
      [3, 15],
      { late: [1, 3] },
    ],
  },
  {
    title: 'sliding windows whose slide does not divide their size',
    plan: listPlan({ assigner: sliding(10, 4) }),
    steps: [
      [1, 3],
      [2, 8],
      { watermark: maxWatermark },
      { gives: ['a -4-6: 1 @ 5', 'a 0-10: 1 2 @ 9', 'a 4-14: 2 @ 13', 'a 8-18: 2 @ 17'] },
    ],
  },
  {
    title: 'a session ends a gap after its last record',
    plan: listPlan({ assigner: sessions(10) }),
    steps: [[1, 0], [2, 5], { watermark: 13 }, { gives: [] }, { watermark: 14 }, { gives: ['a 0-15: 1 2 @ 14'] }],
  },
  {
    title: 'records a gap apart are one session (they touch), those further apart are two',
    plan: listPlan({ assigner: sessions(10) }),
    steps: [[1, 0], [2, 10], [3, 31], { watermark: maxWatermark }, { gives: ['a 0-20: 1 2 @ 19', 'a 31-41: 3 @ 40'] }],
  },
  {
    title: 'a record between two sessions makes them one, the contents of the earlier first',
    plan: listPlan({ assigner: sessions(10) }),
    steps: [[1, 15], [2, 0], [3, 10], { watermark: 24 }, { gives: ['a 0-25: 2 1 3 @ 24'] }, { watermark: maxWatermark }, { gives: [] }],
  },
  {
    title: 'a session that grows fires at its new end only',
    plan: listPlan({ assigner: sessions(10) }),
    steps: [[1, 0], { watermark: 8 }, [2, 8], { watermark: 16 }, { gives: [] }, { watermark: 17 }, { gives: ['a 0-18: 1 2 @ 17'] }],
  },
  {
    title: 'a late record is taken by a session that is open, and dropped where it would be one of its own',
    plan: late({ assigner: sessions(10) }),
    steps: [
      [1, 20],
      { watermark: 25 },
      [2, 12],
      { late: [] },
      [3, 1],
      { late: [3] },
      { watermark: maxWatermark },
      { gives: ['a 12-30: 1 2 @ 29'] },
    ],
  },
  {
    title: 'the last time of a session of one record decides whether it is late',
    plan: late({ assigner: sessions(10) }),
    steps: [{ watermark: 18 }, [1, 9], [2, 30], { watermark: 39 }, { gives: ['a 30-40: 2 @ 39'] }, { late: [1] }],
  },
  {
    title: 'a record that is late, but allowed, fires its session again, or makes one that fires at once',
    plan: late({ assigner: sessions(10), allowedLatenessMs: 10 }),
    steps: [
      [1, 0],
      { watermark: 9 },
      { gives: ['a 0-10: 1 @ 9'] },
      { watermark: 16 },
      [2, 1],
      { gives: ['a 0-11: 1 2 @ 10'] },
      [3, 10],
      { gives: [] },
      { watermark: 19 },
      { gives: ['a 0-20: 1 2 3 @ 19'] },
      { watermark: 28 },
      [4, 50],
      [5, 22],
      { gives: [] },
      { watermark: 31 },
      { gives: ['a 22-32: 5 @ 31'] },
      { watermark: 35 },
      [6, 10],
      { gives: [] },
      { late: [6] },
    ],
  },
  {
    title: 'the gap of a session may depend on its record',
    plan: listPlan({ assigner: sessions(({ n }) => n) }),
    steps: [[5, 0], [20, 4], [1, 23], [2, 30], { watermark: maxWatermark }, { gives: ['a 0-24: 5 20 1 @ 23', 'a 30-32: 2 @ 31'] }],
  },
];

for (const [form, make] of Object.entries(forms)) {
  const test = suite(`windows, ${form}`);

  for (const { title, plan, steps } of rules) {
    test(title, () => {
      const room = new WindowRoom(() => make(plan));
      for (const step of steps) {
        if ('watermark' in step) room.advance(step.watermark);
        else if ('gives' in step) assert.equal(room.take(true), step.gives);
        else if ('late' in step)
          assert.equal(
            room.late.map((item) => (item as { n: number }).n),
            step.late,
          );
        else room.add('a', step[0], step[1]);
      }
      assert.equal(room.take(true), [], 'nothing more');
    });

    test(`${title}; with a restart after each step`, async () => {
      const room = new WindowRoom(() => make(plan));
      for (const step of steps) {
        const { watermark } = room;
        await room.restart();
        room.advance(watermark);
        if ('watermark' in step) room.advance(step.watermark);
        else if ('gives' in step) assert.equal(room.take(true), step.gives);
        else if ('late' in step)
          assert.equal(
            room.late.map((item) => (item as { n: number }).n),
            step.late,
          );
        else room.add('a', step[0], step[1]);
      }
    });
  }

  test('late records that nobody asked for are counted', () => {
    for (const assigner of [tumbling(10), sessions(10)]) {
      const room = new WindowRoom(() => make(listPlan({ assigner })));
      room.advance(30).add('a', 1, 5).add('a', 2, 6).add('a', 3, 31);
      assert.is(room.lateCount, 2);
    }
  });

  test('keys have windows of their own', () => {
    const room = new WindowRoom(() => make(listPlan({ assigner: tumbling(10) })));
    room.add('a', 1, 1).add('b', 2, 2).add('a', 3, 3).advance(9);
    assert.equal(room.take().sort(), ['a 0-10: 1 3', 'b 0-10: 2']);
  });

  test('windows of the clock hold what comes while they last, whatever timestamps say', () => {
    const room = new WindowRoom(() => make(listPlan({ assigner: byClock(tumbling(10)) })));
    room.tick(3).add('a', 1).tick(9).add('a', 2, 1_000).tick(9);
    assert.equal(room.take(), [], 'the last millisecond is not over');
    room.add('a', 3).advance(maxWatermark);
    assert.equal(room.take(), [], 'not by event time');
    room.tick(10).add('a', 4);
    assert.equal(room.take(true), ['a 0-10: 1 2 3 @ 9']);
    room.tick(20);
    assert.equal(room.take(true), ['a 10-20: 4 @ 19']);
    assert.is(room.stateSize, 0);
  });

  test('sliding windows of the clock', () => {
    const room = new WindowRoom(() => make(listPlan({ assigner: byClock(sliding(10, 5)) })));
    room.tick(7).add('a', 1).tick(12).add('a', 2).tick(40);
    assert.equal(room.take(), ['a 0-10: 1', 'a 5-15: 1 2', 'a 10-20: 2']);
    assert.is(room.stateSize, 0);
  });

  test('sessions of the clock', async () => {
    const room = new WindowRoom(() => make(listPlan({ assigner: byClock(sessions(10)) })));
    room.tick(1).add('a', 1).tick(10).add('a', 2);
    await room.restart();
    room.tick(19).add('a', 3).tick(28);
    assert.equal(room.take(), []);
    room.tick(29);
    assert.equal(room.take(), ['a 1-29: 1 2 3']);
    assert.is(room.stateSize, 0);
  });

  test('windows of the clock that are open at the end of input fire then, where that is asked for', async () => {
    for (const assigner of [byClock(tumbling(10)), byClock(sliding(10, 5)), byClock(sessions(10))]) {
      const trigger = ProcessingTimeTrigger.createWithEndOfStream();
      const room = new WindowRoom(() => make(listPlan({ assigner, trigger } as never)));
      room.tick(6).add('a', 1).tick(7).add('a', 2);
      await room.restart();
      room.tick(12);
      const before = room.take();
      assert.equal(before, assigner.kind === 'session' ? [] : ['a 0-10: 1 2']);
      room.add('a', 3).add('b', 4).advance(maxWatermark);
      const spans = {
        fixed:
          assigner.kind === 'fixed' && assigner.slideMs === 5
            ? ['a 10-20: 3', 'a 5-15: 1 2 3', 'b 10-20: 4', 'b 5-15: 4']
            : ['a 10-20: 3', 'b 10-20: 4'],
      };
      assert.equal(room.take().sort(), assigner.kind === 'session' ? ['a 6-22: 1 2 3', 'b 12-22: 4'] : spans.fixed);
      room.tick(100);
      assert.equal(room.take(), [], 'once');
      assert.is(room.stateSize, 0);
    }
  });

  test('nothing is left of windows that ended', () => {
    for (const assigner of [tumbling(10), sliding(10, 3), sessions(10)]) {
      for (const allowedLatenessMs of [0, 4]) {
        const room = new WindowRoom(() => make(listPlan({ assigner, allowedLatenessMs })));
        for (let time = 0; time < 100; time += 1) room.add(`k${time % 3}`, time, time).advance(time - 5);
        room.advance(1_000);
        assert.is(room.stateSize, 0, `${assigner.kind}, ${allowedLatenessMs}`);
      }
    }
  });

  test.run();
}
