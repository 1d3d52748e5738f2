import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JobWorld } from '../support/job-world.js';

const test = suite('scheduler');

test('a job starts, runs on the slots it required, finishes, and gives them back (SA3)', async () => {
  const world = await new JobWorld({ taskManagers: [1, 1] }).running();
  assert.is(world.scheduler.status, 'RUNNING');
  for (const taskManager of world.taskManagers) taskManager.finish();
  await world.until(() => world.ended.length > 0);
  await world.until(() => world.taskManagers.every(({ slots }) => slots.every(({ state }) => state === 'FREE')));
  assert.equal(world.statuses, ['CREATED RUNNING', 'RUNNING FINISHED']);
  assert.is(world.ended.length, 1);
  assert.is(world.ended[0]?.status, 'FINISHED');
  assert.equal(world.ended[0]?.tasks, { FINISHED: 4 });
  assert.is(world.ended[0]?.recordsIn, 20, 'two source tasks of ten records');
});

test.run();
