/** How the scheduler of a job gets slots, shares them, and gets others when they go. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import type { FakeTaskManager } from '../support/fake-task-manager.js';
import { fixedDelay, testGraph } from '../support/job-graphs.js';
import { JobWorld } from '../support/job-world.js';
import { boom, deployments, restartedTo } from '../support/failing-tasks.js';

const test = suite('scheduler: slots');

test('subtask i of every vertex shares slot i, and both ends of a channel are told the same id', async () => {
  const world = await new JobWorld({ taskManagers: [1, 1] }).running();
  for (const { deployed, id } of world.taskManagers) {
    assert.is(deployed.length, 2);
    assert.is(deployed[0]?.subtaskIndex, deployed[1]?.subtaskIndex, `both subtasks on ${id}`);
  }
  const all = world.taskManagers.flatMap(({ deployed }) => deployed);
  const ends = (of: 'inputs' | 'outputs') =>
    all.flatMap((task) => task[of].flatMap(({ channels }) => channels.map(({ channelId }) => channelId))).sort();
  assert.is(ends('inputs').length, 4);
  assert.equal(ends('inputs'), ends('outputs'));
});

test('both slots of a dead TaskManager count as one failure for the restart strategy', async () => {
  const world = await new JobWorld({
    jobGraph: testGraph({ partitioner: 'FORWARD', settings: { restartStrategy: fixedDelay(1) } }),
    taskManagers: [2],
  }).running();
  world.taskManager(0).kill();
  world.addTaskManager(2);
  await world.until(restartedTo(world, 1));
  assert.is(deployments(world), 8);
});

test('a job that does not get its slots fails after the timeout and says what it needs and what there is', async () => {
  const world = new JobWorld({ jobGraph: testGraph({ parallelism: 3 }), taskManagers: [1, 1] });
  world.scheduler.start();
  await world.until(() => world.ended.length > 0);
  const { status, error } = world.ended[0] as NonNullable<(typeof world.ended)[0]>;
  assert.is(status, 'FAILED');
  assert.is(error?.code, 'NO_RESOURCES');
  assert.match(error?.message ?? '', 'requires 3 slots but has got 2 within 10000 ms; 2 TaskManagers are registered and have 2 slots');
  assert.match(error?.hint ?? '', 'taskmanager.numberOfTaskSlots');
});

test('a job that waits for slots starts when another TaskManager registers', async () => {
  const world = new JobWorld({ taskManagers: [1] });
  world.scheduler.start();
  await world.pass(3_000);
  assert.not(world.isAllRunning);
  world.addTaskManager(1);
  await world.until(() => world.isAllRunning);
});

test('a slot whose thread died is replaced', async () => {
  const world = await new JobWorld({ taskManagers: [2] }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const { allocationId, jobId } = taskManager.slots[0] as {
    allocationId: NonNullable<(typeof taskManager.slots)[0]['allocationId']>;
    jobId: typeof world.id;
  };
  taskManager.free(allocationId);
  void taskManager.endpoint.ask(
    { kind: 'job', jobId },
    'slot.failed',
    { jobId, taskManagerId: taskManager.id, slot: 0, allocationId, error: boom },
    { leaderEpoch: world.host?.leaderEpoch ?? (0 as never) },
  );
  await world.until(restartedTo(world, 1));
  assert.is(world.scheduler.summary().error?.code, 'SLOT_LOST');
});

test('slots that cannot be started are tried after longer and longer pauses, then the job fails and says why (RM5, JS4)', async () => {
  const world = new JobWorld({ taskManagers: [2] });
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  taskManager.broken.set(0, []).set(1, []);
  world.scheduler.start();
  await world.until(() => world.ended.length > 0, 60_000);
  const { status, error, restarts } = world.ended[0] ?? {};
  assert.equal([status, restarts], ['FAILED', 0]);
  assert.is(error?.code, 'SLOTS_CANNOT_START');
  assert.match(error?.message ?? '', /slot \d of TaskManager tm-1 could not be started 6 times in a row/);
  assert.match(error?.hint ?? '', 'NODE_OPTIONS');
  assert.match(error?.cause?.cause?.message ?? '', 'Cannot find module');
  const tries = taskManager.broken.get(0) ?? [];
  assert.ok(tries.length <= limits.slotStartFailuresMax, `${tries.length} tries`);
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] as number));
  for (const [index, pause] of pauses.entries()) assert.ok(pause >= 250 * 2 ** index, `pause ${index} took ${pause} ms`);
});

test('while a slot cannot be started, one that can is taken (RM5)', async () => {
  const world = new JobWorld({ taskManagers: [1, 2] });
  world.taskManager(0).broken.set(0, []);
  await world.running();
  assert.is(world.taskManager(0).broken.get(0)?.length, 1);
  assert.is(world.scheduler.summary().restarts, 0);
});

test('a slot that the TaskManager no longer has counts as lost, without any message (RC2)', async () => {
  const world = await new JobWorld({ taskManagers: [2] }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  taskManager.slots[1] = { state: 'FREE', allocationId: null, jobId: null };
  await world.until(restartedTo(world, 1));
  assert.is(world.scheduler.summary().error?.code, 'SLOT_LOST');
});

test.run();
