/** A job waits for slots, for so long. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SlotWait } from '../../actors/scheduler/slot-wait.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import { ManualClock } from '../../testing/manual-clock.js';

const test = suite('slot wait');

function waitUnderTest() {
  const clock = new ManualClock();
  const held = { slots: 0 };
  const told: string[] = [];
  const wait = new SlotWait({
    clock,
    pool: { hasSlotsFor: (subtasks) => subtasks.length <= held.slots },
    onAssigned: (round) => told.push(`assigned ${round}`),
    onTimedOut: (round, waitedMs) => told.push(`timed out ${round} after ${waitedMs}`),
  });
  const round = (number: number, subtasks = 2) => ({
    round: number,
    subtasks: Array.from({ length: subtasks }, (_, n) => `v_${n}` as ExecutionVertexId),
  });
  return { clock, held, told, wait, round };
}

test('a round is told once, when each of its subtasks has a slot (SL1)', () => {
  const { held, told, wait, round } = waitUnderTest();
  wait.check();
  wait.begin(round(1));
  held.slots = 1;
  wait.check();
  assert.equal(told, []);
  held.slots = 2;
  wait.check();
  wait.check();
  assert.equal(told, ['assigned 1']);
});

test('a timer tells of the round it was started for (SL1)', () => {
  const { clock, told, wait, round } = waitUnderTest();
  wait.begin(round(1));
  wait.startTimer({ round: 1, delayMs: 1_000 });
  clock.advance(999);
  assert.equal(told, []);
  wait.begin(round(2));
  clock.advance(1);
  assert.equal(told, ['timed out 1 after 1000']);
});

test('once stopped nothing is waited for, and time does not run out', () => {
  const { clock, held, told, wait, round } = waitUnderTest();
  wait.begin(round(1));
  wait.startTimer({ round: 1, delayMs: 1_000 });
  wait.stop();
  held.slots = 9;
  wait.check();
  clock.advance(5_000);
  assert.equal(told, []);
});
test.run();
