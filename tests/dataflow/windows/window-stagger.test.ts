/** Windows that begin at other times in each subtask (WT1, WT2). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark } from '../../../dataflow/contracts.js';
import { openStaggered } from '../../../dataflow/windows/window-stagger.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import { ManualClock } from '../../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../../testing/memory-file-system.js';
import { OperatorBench } from '../../../testing/operator-bench.js';
import { byClock, listPlan, tumbling, WindowRoom } from './window-room.js';

const contextOf = ({ now = 0, seed = 1 }) =>
  new OperatorBench({ files: new MemoryFileSystem(), clock: new ManualClock(now), seed }).context;
const natural = (sizeMs: number, offsetMs = 0) => ({ ...tumbling(sizeMs, offsetMs), stagger: 'NATURAL' as const });
const random = (sizeMs: number) => ({ ...tumbling(sizeMs), stagger: 'RANDOM' as const });
const test = suite('staggered windows');

test('natural: windows begin where the clock was within its own when the first record came', () => {
  for (const [now, offset, moved] of [
    [0, 0, 0],
    [12_345, 0, 345],
    [12_999, 0, 999],
    [13_000, 0, 0],
    [12_345, -200, 145],
  ] as const) {
    assert.is(openStaggered(natural(1_000, offset), contextOf({ now }))().offsetMs, moved, `at ${now}`);
  }
});

test('random: drawn once for a subtask, from 0 up to the size, and the same for the same random numbers (WT1)', () => {
  const drawn = Array.from({ length: 200 }, (_, seed) => {
    const windows = openStaggered(random(1_000), contextOf({ seed: seed + 1 }));
    const { offsetMs } = windows();
    assert.is(windows().offsetMs, offsetMs);
    return offsetMs;
  });
  assert.ok(drawn.every((offset) => Number.isInteger(offset) && 0 <= offset && offset < 1_000));
  assert.ok(Math.min(...drawn) < 100 && Math.max(...drawn) >= 900, 'spread over the size');
  assert.is(
    openStaggered(random(1_000), contextOf({ seed: 7 }))().offsetMs,
    openStaggered(random(1_000), contextOf({ seed: 7 }))().offsetMs,
  );
});

test('a restart goes on with the same windows, whatever the clock says (WT2)', async () => {
  const room = new WindowRoom(() => windowOperator(listPlan({ assigner: natural(100) })));
  room.tick(1_030).add('a', 1, 29).add('a', 2, 30);
  await room.restart();
  room.tick(1_077).add('a', 3, 129).add('a', 4, 130).advance(maxWatermark);
  assert.equal(room.take(true), ['a -70-30: 1 @ 29', 'a 30-130: 2 3 @ 129', 'a 130-230: 4 @ 229']);
});

test('a window of a subtask that is staggered otherwise ends as it would have, and new records begin others (WT2)', async () => {
  const room = new WindowRoom(() => windowOperator(listPlan({ assigner: natural(100) })));
  room.tick(1_030).add('a', 1, 40);
  // Scaled: another subtask has the key now.
  room.bench.context.operatorState.listState<number>('window-stagger').update([50]);
  await room.restart();
  room.add('a', 2, 60).advance(maxWatermark);
  assert.equal(room.take(true), ['a 30-130: 1 @ 129', 'a 50-150: 2 @ 149']);
  assert.is(room.stateSize, 0);
});

test('by the clock: windows end at their moved ends', () => {
  const room = new WindowRoom(() => windowOperator(listPlan({ assigner: byClock(natural(100)) })));
  room.tick(1_030).add('a', 1).tick(1_129);
  assert.equal(room.take(), []);
  room.tick(1_130);
  assert.equal(room.take(), ['a 1030-1130: 1']);
});

test.run();
