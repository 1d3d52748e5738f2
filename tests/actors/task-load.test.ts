import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadBetween } from '../../actors/scheduler/task-load.js';
import { noTaskMetrics, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';

const test = suite('task load');

const after = (busyMs: number, backPressuredMs: number, idleMs: number): TaskMetrics => ({
  ...noTaskMetrics,
  busyMs,
  backPressuredMs,
  idleMs,
});

test('the load is that of the time between two reports', () => {
  assert.equal(loadBetween(after(1_000, 0, 0), after(1_200, 300, 500)), { busy: 200, backPressured: 300, idle: 500 });
  assert.equal(loadBetween(after(0, 0, 0), after(0, 2_000, 0)), { busy: 0, backPressured: 1_000, idle: 0 });
});

test('without time between the reports there is none', () => {
  assert.is(loadBetween(after(5, 5, 5), after(5, 5, 5)), undefined);
});

test('the three add up to 1,000, but for rounding', () => {
  const ms = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(ms, ms, ms, (busy, backPressured, idle) => {
      const load = loadBetween(noTaskMetrics, after(busy, backPressured, idle));
      if (load === undefined) return;
      const sum = load.busy + load.backPressured + load.idle;
      assert.ok(sum >= 1_000 && sum <= 1_001, `${sum}`);
      for (const part of Object.values(load)) assert.ok(Number.isInteger(part) && part >= 0);
    }),
  );
});

test.run();
