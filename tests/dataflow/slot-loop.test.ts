/** The loop of a slot: turns, fairness, silence. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SlotLoop, type SlotTask } from '../../dataflow/slot-loop.js';
import { silentLogger } from '../support/silent-logger.js';

class Room {
  readonly scheduled: (() => void)[] = [];
  readonly log: string[] = [];
  readonly loop = new SlotLoop({ yield: { schedule: (callback) => void this.scheduled.push(callback) }, logger: silentLogger });

  task(name: string, slices: number, during?: () => void): SlotTask {
    let left = slices;
    return {
      name,
      runSlice: () => {
        this.log.push(name);
        during?.();
        left -= 1;
        return left > 0 ? 'more' : 'idle';
      },
    };
  }

  turn(): void {
    this.scheduled.shift()?.();
  }
}

const test = suite('slot loop');

test('tasks with more to do take turns (L1, L2)', () => {
  const room = new Room();
  room.loop.add(room.task('a', 3));
  room.loop.add(room.task('b', 2));
  for (let turn = 0; turn < 3; turn += 1) room.turn();
  assert.equal(room.log, ['a', 'b', 'a', 'b', 'a']);
  assert.is(room.scheduled.length, 0, 'idle tasks schedule nothing (L3)');
});

test('any number of wakes before a turn is one slice (L3)', () => {
  const room = new Room();
  const task = room.task('a', 1);
  room.loop.add(task);
  room.turn();
  for (let count = 0; count < 5; count += 1) room.loop.wake(task);
  assert.is(room.scheduled.length, 1);
  room.turn();
  assert.equal(room.log, ['a', 'a']);
});

test('a task woken during a turn waits for the next one (L1)', () => {
  const room = new Room();
  const second = room.task('b', 1);
  const first = room.task('a', 1, () => room.loop.wake(second));
  room.loop.add(first);
  room.turn();
  room.loop.add(second);
  room.loop.wake(first);
  room.turn();
  assert.equal(room.log, ['a', 'b', 'a']);
  room.turn();
  assert.equal(room.log, ['a', 'b', 'a', 'b']);
});

test('a removed task gets no further slice, also when it was ready', () => {
  const room = new Room();
  const other = room.task('b', 5);
  room.loop.add(room.task('a', 1, () => room.loop.remove(other)));
  room.loop.add(other);
  room.turn();
  assert.equal(room.log, ['a']);
  room.loop.wake(other);
  assert.is(room.scheduled.length, 0);
});

test('a slice that throws ends its task and no other', () => {
  const room = new Room();
  room.loop.add({
    name: 'broken',
    runSlice: () => {
      throw new Error('broken');
    },
  });
  room.loop.add(room.task('b', 2));
  room.turn();
  room.turn();
  assert.equal(room.log, ['b', 'b']);
});

test.run();
