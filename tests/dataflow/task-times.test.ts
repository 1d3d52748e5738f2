import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TaskTimes } from '../../dataflow/task/task-times.js';

const test = suite('task times');

const shown = ({ busyMs, idleMs, backPressuredMs }: TaskTimes): readonly number[] => [busyMs, idleMs, backPressuredMs];

test('every millisecond since the first slice is busy, idle or back-pressured', () => {
  const times = new TaskTimes();
  times.begin(100);
  times.end(105, 'ready');
  times.begin(107);
  times.end(110, 'idle');
  assert.equal(shown(times), [10, 0, 0], 'waiting for a turn with work to do is busy');
  times.begin(130);
  times.end(131, 'held-back');
  times.begin(181);
  times.end(182, 'idle');
  assert.equal(shown(times), [12, 20, 50]);
  times.settle(200);
  assert.equal(shown(times), [12, 38, 50], 'what is under way counts too');
  assert.is(12 + 38 + 50, 200 - 100);
});

test('before the first slice no time counts', () => {
  const times = new TaskTimes();
  times.settle(1_000);
  times.begin(2_000);
  assert.equal(shown(times), [0, 0, 0]);
});

test.run();
