/** How a job starts, fails, restarts and ends under its scheduler. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toErrorRecord, MillraceError } from '../../core/errors.js';
import { withoutCheckpoints } from '../../actors/scheduler/checkpointing.js';
import { checkpointId, operatorId, type JobId } from '../../core/ids.js';
import type { FakeTaskManager } from '../support/fake-task-manager.js';
import { fixedDelay, testGraph } from '../support/job-graphs.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';
import { JobWorld, worldEpoch } from '../support/job-world.js';
import { attempt, boom, deployments, fail, restartedTo } from '../support/failing-tasks.js';

const test = suite('scheduler');

test('a job starts, runs on the slots it required, finishes, and gives them back (SA3)', async () => {
  const world = await new JobWorld({ taskManagers: [1, 1] }).running();
  assert.is(world.scheduler.status, 'RUNNING');
  for (const taskManager of world.taskManagers) taskManager.finish();
  await world.until(() => world.ended.length > 0);
  await world.until(() => world.taskManagers.every(({ slots }) => slots.every(({ state }) => state === 'FREE')));
  await world.pass(2_000);
  assert.equal(
    world.taskManagers.map(({ offers }) => offers),
    [1, 1],
    'a job that ended requires nothing',
  );
  assert.equal(world.statuses, ['CREATED RUNNING', 'RUNNING FINISHED']);
  assert.is(world.ended.length, 1);
  assert.is(world.ended[0]?.status, 'FINISHED');
  assert.equal(world.ended[0]?.tasks, { FINISHED: 4 });
  assert.is(world.ended[0]?.recordsIn, 20, 'two source tasks of ten records');
  assert.is(world.ended[0]?.recordsOut, 20, 'every task wrote five records through sinks');
});

test('a failure restarts its region after the back-off with new attempts, and leaves the other region alone (S1)', async () => {
  const world = await new JobWorld({ jobGraph: testGraph({ partitioner: 'FORWARD' }), taskManagers: [2] }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const untouched = attempt(taskManager, 'numbers', 1);
  const failedAt = world.simulation.nowMs;
  fail(world, 'count', 0);
  await world.until(() => world.scheduler.status === 'RESTARTING');
  await world.until(restartedTo(world, 1));
  assert.ok(world.simulation.nowMs - failedAt >= 100, 'not before the back-off is over');
  assert.is(attempt(taskManager, 'numbers', 1), untouched);
  assert.is(deployments(world), 6);
  assert.equal(taskManager.canceled.length, 1, 'only the neighbour was cancelled');
  assert.equal(world.statuses, ['CREATED RUNNING', 'RUNNING RESTARTING', 'RESTARTING RUNNING']);
  assert.is(world.scheduler.summary().error?.message, 'boom');
});

test('the death of a TaskManager is one failure: its tasks move to another one (TL1, JS2)', async () => {
  const world = await new JobWorld({
    jobGraph: testGraph({ partitioner: 'FORWARD', settings: { restartStrategy: fixedDelay(1) } }),
    taskManagers: [2, 2],
  }).running();
  const dead = world.owner('numbers', 0);
  const killedAt = world.simulation.nowMs;
  dead.kill();
  await world.until(restartedTo(world, 1));
  assert.ok(world.simulation.nowMs - killedAt < 2_000, `running again after ${world.simulation.nowMs - killedAt} ms`);
  assert.is(world.scheduler.summary().error?.code, 'TASK_MANAGER_LOST');
});

test('a TaskManager that starts again under its name is another one: its old tasks are failed', async () => {
  const world = await new JobWorld({ taskManagers: [2] }).running();
  world.taskManager(0).kill();
  world.addTaskManager(2, 'tm-1');
  await world.until(restartedTo(world, 1));
  assert.is(world.taskManager(1).attempts('count').length, 2);
});

test('a TaskManager that was silent too long loses its tasks, and is welcome again (JS1)', async () => {
  const world = await new JobWorld({ taskManagers: [2] }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  taskManager.isMute = true;
  await world.until(() => world.scheduler.status === 'RESTARTING');
  assert.match(world.scheduler.summary().error?.message ?? '', 'did not answer for 5000 ms');
  taskManager.isMute = false;
  for (const { allocationId } of [...taskManager.slots]) if (allocationId !== null) taskManager.free(allocationId);
  taskManager.register();
  await world.until(restartedTo(world, 1));
});

test('a second failure during a restart joins it (S2)', async () => {
  const world = await new JobWorld({ jobGraph: testGraph({ partitioner: 'FORWARD' }), taskManagers: [2] }).running();
  fail(world, 'count', 0);
  await world.until(() => world.scheduler.status === 'RESTARTING');
  fail(world, 'count', 1);
  await world.until(restartedTo(world, 1));
  assert.is(deployments(world), 8, 'every subtask was deployed twice');
  assert.equal(world.statuses, ['CREATED RUNNING', 'RUNNING RESTARTING', 'RESTARTING RUNNING']);
});

test('when the restart strategy allows no more, the job fails and names the first cause', async () => {
  const world = await new JobWorld({ jobGraph: testGraph({ settings: { restartStrategy: fixedDelay(1) } }) }).running();
  fail(world, 'count', 1);
  await world.until(restartedTo(world, 1));
  fail(world, 'count', 1);
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'FAILED');
  assert.is(world.ended[0]?.error?.message, 'boom');
  assert.is(world.ended[0]?.error?.where, 'count (2/2)');
  assert.match(world.ended[0]?.error?.hint ?? '', 'fixed-delay allows 1 restarts');
  assert.equal(world.ended[0]?.tasks, { CANCELED: 3, FAILED: 1 });
});

test('an error that no restart can help fails the job at once', async () => {
  const world = await new JobWorld().running();
  fail(world, 'count', 0, { ...boom, recovery: 'fail-job' });
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'FAILED');
  assert.is(world.ended[0]?.restarts, 0);
});

test('a task that only lost its neighbour is not blamed (S5)', async () => {
  const world = await new JobWorld().running();
  const owner = world.owner('numbers', 0);
  owner.isCancelSlow = true;
  const guilty = attempt(owner, 'numbers', 0);
  fail(world, 'count', 0, toErrorRecord(new MillraceError('CHANNEL_CLOSED', 'the producer went away')));
  await world.until(() => owner.canceled.includes(guilty));
  owner.move(guilty, 'FAILED', boom);
  owner.isCancelSlow = false;
  for (const { descriptor } of [...owner.tasks.values()]) owner.move(descriptor.attemptId, 'CANCELED');
  await world.until(restartedTo(world, 1));
  assert.is(world.scheduler.summary().error?.message, 'boom');
});

test('the history names the first cause with its task, TaskManager and time, and what came with it (JF2)', async () => {
  const world = await new JobWorld({ jobGraph: testGraph({ partitioner: 'FORWARD' }), taskManagers: [2] }).running();
  const failedAt = world.simulation.nowMs;
  fail(world, 'count', 0);
  await world.until(() => world.scheduler.status === 'RESTARTING');
  fail(world, 'count', 1, toErrorRecord(new MillraceError('USER_FUNCTION', 'bang', { domain: 'user' })));
  await world.until(restartedTo(world, 1));
  await world.pass(1_000);
  fail(world, 'numbers', 0);
  await world.until(restartedTo(world, 2));
  const { exceptions = [], attempts = [], vertices, ...plain } = world.scheduler.summary({ withHistory: true });
  assert.ok(vertices);
  assert.equal(world.scheduler.summary(), plain, 'none of it is made when it is not asked for');
  assert.equal(
    exceptions.map(({ task, taskManagerId, error, concurrent }) => [task, taskManagerId, error.message, concurrent.length]),
    [
      ['numbers (1/2)', 'tm-1', 'boom', 0],
      ['count (1/2)', 'tm-1', 'boom', 1],
    ],
  );
  const [other] = exceptions[1]?.concurrent ?? [];
  assert.equal([other?.task, other?.error.message], ['count (2/2)', 'bang']);
  assert.ok((exceptions[1]?.at ?? 0) > 0 && (exceptions[0]?.at ?? 0) - (exceptions[1]?.at ?? 0) >= 1_000, `${failedAt}`);
  assert.equal(
    attempts.filter(({ task }) => task === 'count (1/2)').map(({ state, error }) => [state, error]),
    [
      ['CANCELED', null],
      ['FAILED', 'boom [USER_FUNCTION]'],
    ],
  );
});

test('the tasks of a dead TaskManager are one entry of the history (JF1)', async () => {
  const world = await new JobWorld({ taskManagers: [2, 2] }).running();
  const dead = world.owner('numbers', 0);
  dead.kill();
  await world.until(restartedTo(world, 1));
  const { exceptions = [] } = world.scheduler.summary({ withHistory: true });
  assert.is(exceptions.length, 1);
  assert.is(exceptions[0]?.taskManagerId, dead.id);
  assert.is(exceptions[0]?.error.code, 'TASK_MANAGER_LOST');
  assert.ok((exceptions[0]?.concurrentCount ?? 0) >= 1);
});

test('what fails a job for good stands in its history; a cancelled job has none', async () => {
  const starving = new JobWorld({ taskManagers: [1], jobGraph: testGraph({ settings: { slotRequestTimeoutMs: 1_000 } }) });
  starving.scheduler.start();
  await starving.until(() => starving.ended.length > 0);
  assert.equal(
    starving.ended[0]?.exceptions?.map(({ task, error }) => [task, error.code]),
    [[null, 'NO_RESOURCES']],
  );
  const cancelled = await new JobWorld().running();
  cancelled.scheduler.cancel();
  await cancelled.until(() => cancelled.ended.length > 0);
  assert.equal(cancelled.ended[0]?.exceptions, []);
});

test('a cancelled job ends CANCELED once every task has ended', async () => {
  const world = await new JobWorld().running();
  world.scheduler.cancel();
  assert.is(world.scheduler.status, 'CANCELLING');
  await world.until(() => world.ended.length > 0);
  assert.equal(world.ended[0]?.tasks, { CANCELED: 4 });
  assert.is(world.ended[0]?.status, 'CANCELED');
});

test('a job is cancelled while it waits for slots, and during a restart', async () => {
  const waiting = new JobWorld({ taskManagers: [] });
  waiting.scheduler.start();
  waiting.scheduler.cancel();
  assert.is(waiting.ended[0]?.status, 'CANCELED');
  const restarting = await new JobWorld().running();
  fail(restarting, 'count', 0);
  await restarting.until(() => restarting.scheduler.status === 'RESTARTING');
  restarting.scheduler.cancel();
  await restarting.until(() => restarting.ended.length > 0);
  assert.is(restarting.ended[0]?.status, 'CANCELED');
});

test('subtasks that see different shared resources fail the job, naming the operator and both TaskManagers', async () => {
  const world = new JobWorld({ taskManagers: [1, 1] });
  world.taskManager(0).sharedResources = { 'file sink/directory': 'a' };
  world.taskManager(1).sharedResources = { 'file sink/directory': 'b' };
  world.scheduler.start();
  await world.until(() => world.ended.length > 0);
  const error = world.ended[0]?.error;
  assert.is(error?.code, 'SHARED_RESOURCE_DIFFERS');
  assert.is(error?.where, 'file sink');
  assert.match(error?.message ?? '', /tm-1/);
  assert.match(error?.message ?? '', /tm-2/);
  assert.is(world.ended[0]?.restarts, 0);
});

test('a suspended job is stopped at once and nobody is told to stop', async () => {
  const world = await new JobWorld().running();
  world.scheduler.suspend();
  assert.is(world.scheduler.status, 'SUSPENDED');
  assert.equal(world.ended, []);
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const beats = taskManager.confirmed.length;
  await world.pass(2_000);
  assert.equal(taskManager.canceled, []);
  assert.equal(taskManager.freed, []);
  assert.ok(taskManager.confirmed.length <= beats + 1, 'heartbeats end');
});

test('tasks that restore the final checkpoint are told so, and a job whose other region has ended with it ends', async () => {
  const id = checkpointId(4);
  const final: CompletedCheckpoint = {
    formatVersion: 1,
    jobId: 'a'.repeat(32) as JobId,
    checkpointId: id,
    leaderEpoch: worldEpoch,
    fingerprint: '0'.repeat(64),
    triggeredAt: 0,
    completedAt: 0,
    isFinal: true,
    vertices: [],
    tasks: [],
    sources: [],
    sharedResources: {},
  };
  const world = await new JobWorld({
    jobGraph: testGraph({ partitioner: 'FORWARD' }),
    taskManagers: [1, 1],
    checkpointing: (host) => ({ ...withoutCheckpoints(undefined)(host), restorePoint: () => Promise.resolve(final) }),
  }).running();
  const [stays, dies] = [world.owner('count', 0), world.owner('count', 1)];
  stays.finish();
  dies.kill();
  world.addTaskManager(1);
  await world.until(() => world.scheduler.summary().restarts === 1 && (world.scheduler.summary().tasks['RUNNING'] ?? 0) === 2);
  const again = world.taskManager(2).deployed;
  assert.equal(
    again.map(({ restore }) => restore),
    [
      { checkpointId: 4, isFinal: true, tasks: [] },
      { checkpointId: 4, isFinal: true, tasks: [] },
    ],
  );
  world.taskManager(2).finish();
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'FINISHED');
});

test('splits are enumerated once, handed out, and handed out again after a failure', async () => {
  const world = await new JobWorld({ taskManagers: [2] }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const source = operatorId('numbers-op');
  assert.equal(
    taskManager.deployed.filter(({ enumerate }) => enumerate.length > 0).map(({ subtaskIndex }) => subtaskIndex),
    [0],
  );
  const options = { leaderEpoch: world.host?.leaderEpoch ?? (0 as never) };
  const request = async (subtask: number, requestNumber: number): Promise<string> => {
    const attemptId = attempt(taskManager, 'numbers', subtask);
    const body = { jobId: world.id, attemptId, operatorId: source, requestNumber, isShare: false, asksAgain: false };
    let answer: string | undefined;
    void taskManager.endpoint
      .ask({ kind: 'job', jobId: world.id }, 'source.request-split', body, options)
      .then((reply) => (answer = reply.kind === 'split' ? reply.split.id : reply.kind));
    await world.until(() => answer !== undefined);
    return answer as string;
  };
  assert.is(await request(1, 0), 'wait');
  const exchange = async (subtask: number, watermark?: number): Promise<unknown> => {
    const alignment = watermark === undefined ? {} : { alignment: { group: 'g', maxDriftMs: 100, watermark } };
    const body = { jobId: world.id, attemptId: attempt(taskManager, 'numbers', subtask), operatorId: source, ...alignment };
    let answer: unknown;
    void taskManager.endpoint
      .ask({ kind: 'job', jobId: world.id }, 'source.exchange-time', body, options)
      .then((reply) => (answer = reply));
    await world.until(() => answer !== undefined);
    return answer;
  };
  assert.equal(await exchange(1), { holding: 1, owned: 0 }, 'while no split is known, one holds time');
  void taskManager.endpoint.ask(
    { kind: 'job', jobId: world.id },
    'source.enumerated',
    {
      jobId: world.id,
      attemptId: attempt(taskManager, 'numbers', 0),
      operatorId: source,
      part: 0,
      isLast: true,
      isOpen: false,
      splits: [
        { id: 'a', data: 1 },
        { id: 'b', data: 2 },
      ],
    },
    options,
  );
  await world.pass(5);
  assert.is(await request(1, 1), 'a');
  assert.is(await request(1, 1), 'a', 'the same number, the same split');
  assert.equal(await exchange(1), { holding: 1, owned: 1 });
  assert.is(await request(0, 0), 'b');
  assert.equal(await exchange(1), { holding: 0, owned: 1 });
  assert.equal(await exchange(1, 1_000), { holding: 0, owned: 1, readUpTo: 1_100 });
  assert.equal(await exchange(0, 10), { holding: 0, owned: 1, readUpTo: 110 });
  assert.is(await request(0, 1), 'no-more');
  fail(world, 'count', 0);
  await world.until(restartedTo(world, 1));
  assert.equal(
    taskManager.deployed.slice(4).flatMap(({ enumerate }) => enumerate),
    [],
    'not enumerated again',
  );
  assert.is(await request(0, 0), 'a');
});

test.run();
