/** After a restart the watermark begins below where it was: what a window that had fired does with records that come before it is back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyHashOf } from '../../../core/keys.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import { assertNothingLeft } from './window-steps.js';
import { listPlan, sessions, sliding, tumbling, WindowRoom, type ItemPlan } from './window-room.js';

const test = suite('windows, before the watermark is back after a restart');

/** Fired at `watermark`, restarted, with no watermark yet. */
async function restarted(plan: Partial<ItemPlan>, records: readonly (readonly [number, number])[], watermark: number): Promise<WindowRoom> {
  const room = new WindowRoom(() => windowOperator(listPlan(plan)));
  for (const [n, at] of records) room.add('a', n, at);
  room.advance(watermark);
  await room.restart();
  return room;
}

test('a sliding window that fired does not fire again with what its slices still hold (SW5)', async () => {
  const room = await restarted(
    { assigner: sliding(20, 10), lateTag: 'late' },
    [
      [1, 5],
      [2, 15],
    ],
    19,
  );
  assert.equal(room.take(), ['a -10-10: 1', 'a 0-20: 1 2']);
  room.add('a', 3, 16).add('a', 4, 8).advance(19);
  assert.equal(room.take(), []);
  assert.equal(room.late, [{ key: 'a', n: 4 }]);
  room.advance(29);
  assert.equal(room.take(), ['a 10-30: 2 3']);
  assertNothingLeft(room);
});

test('a tumbling window that is kept for lateness fires with the record at once (SW5)', async () => {
  const room = await restarted({ assigner: tumbling(10), allowedLatenessMs: 30 }, [[1, 5]], 9);
  assert.equal(room.take(), ['a 0-10: 1']);
  room.add('a', 2, 6);
  assert.equal(room.take(), ['a 0-10: 1 2']);
  room.advance(9);
  assert.equal(room.take(), []);
  assertNothingLeft(room);
  assert.equal(room.take(), []);
});

test('slices that were kept as lists of ends and contents go on as they were (SR5)', async () => {
  const room = new WindowRoom(() => windowOperator(listPlan({ assigner: sliding(20, 10), lateTag: 'late' })));
  await room.restartFrom((backend) => {
    backend.setCurrentKey('a', keyHashOf('a'));
    const contents = [[{ key: 'a', n: 1 }], [{ key: 'a', n: 2 }]];
    backend.valueState('slices').update({ ends: [10, 20], contents, closed: 20 });
    backend.registerTimer('event', 29);
    backend.setCurrentKey('b', keyHashOf('b'));
    backend.valueState('slices').update({ ends: [20], contents: [[{ key: 'b', n: 3 }]] });
    backend.registerTimer('event', 19);
  });
  room.add('a', 4, 16).add('a', 5, 8).advance(19);
  assert.equal(room.take(), ['b 0-20: 3']);
  assert.equal(room.late, [{ key: 'a', n: 5 }]);
  room.advance(29);
  assert.equal(room.take(), ['a 10-30: 2 4', 'b 10-30: 3']);
  assertNothingLeft(room);
});

test('a session that is kept for lateness fires with the record when the watermark is back at its end (SO2)', async () => {
  const room = await restarted({ assigner: sessions(10), allowedLatenessMs: 30 }, [[1, 5]], 14);
  assert.equal(room.take(), ['a 5-15: 1']);
  room.add('a', 2, 5);
  assert.equal(room.take(), []);
  room.advance(14);
  assert.equal(room.take(), ['a 5-15: 1 2']);
  await room.restart();
  room.add('a', 3, 30).advance(39);
  assert.equal(room.take(), ['a 30-40: 3']);
  assertNothingLeft(room);
  assert.equal(room.take(), []);
});

test.run();
