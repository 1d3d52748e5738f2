import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { toErrorRecord, MillraceError, type ErrorRecord } from '../../core/errors.js';
import { withoutCheckpoints } from '../../actors/scheduler/checkpointing.js';
import { checkpointId, operatorId, type AttemptId, type JobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { FakeTaskManager } from '../support/fake-task-manager.js';
import { fixedDelay, testGraph } from '../support/job-graphs.js';
import type { CompletedCheckpoint } from '../../storage/contracts.js';
import { JobWorld, worldEpoch } from '../support/job-world.js';

const test = suite('scheduler');
const boom: ErrorRecord = toErrorRecord(new MillraceError('USER_FUNCTION', 'boom', { domain: 'user' }));

function attempt(taskManager: FakeTaskManager, vertex: string, subtaskIndex: number): AttemptId {
  const found = [...taskManager.tasks.values()].find(
    ({ descriptor }) => descriptor.vertexId === vertex && descriptor.subtaskIndex === subtaskIndex,
  );
  if (found === undefined) throw new Error(`${vertex} ${subtaskIndex} is not on ${taskManager.id}`);
  return found.descriptor.attemptId;
}

/** Fails one subtask as its own code would. */
function fail(world: JobWorld, vertex: string, subtaskIndex: number, error = boom): void {
  const owner = world.owner(vertex, subtaskIndex);
  owner.move(attempt(owner, vertex, subtaskIndex), 'FAILED', error);
}

const deployments = (world: JobWorld): number => world.taskManagers.reduce((sum, { deployed }) => sum + deployed.length, 0);
const restartedTo = (world: JobWorld, restarts: number) => (): boolean =>
  world.scheduler.summary().restarts === restarts && world.isAllRunning;

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

test('offers, slot requests and cancel calls that get lost are repeated', async () => {
  const world = new JobWorld({ taskManagers: [2] });
  world.taskManager(0).lostOffers = 3;
  world.taskManager(0).refusals = 2;
  await world.running();
  world.taskManager(0).lostCancels = 2;
  world.scheduler.cancel();
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'CANCELED');
});

test('a deployment whose answer is lost is not taken for failed when its task has reported (TC1)', async () => {
  const world = new JobWorld();
  world.taskManager(0).lostDeployAnswers = 4;
  await world.running();
  await world.pass(15_000);
  assert.is(world.scheduler.summary().restarts, 0);
  assert.is(deployments(world), 4);
});

test('a deployment that is refused fails its execution; for good when the refusal says so', async () => {
  const world = new JobWorld({ jobGraph: testGraph({ settings: { restartStrategy: fixedDelay(2) } }) });
  world.taskManager(0).refusesTasks = boom;
  world.scheduler.start();
  await world.until(() => world.scheduler.summary().restarts === 2);
  world.taskManager(0).refusesTasks = { ...boom, recovery: 'fail-job' };
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.error?.code, 'DEPLOYMENT_FAILED');
  assert.is(world.ended[0]?.error?.cause?.message, 'boom');
  assert.is(world.ended[0]?.restarts, 2);
});

test('a lost report of progress is healed by the heartbeat', async () => {
  const world = new JobWorld();
  world.taskManager(0).lostReports.add('INITIALIZING').add('RUNNING');
  await world.running();
});

test('a lost report of a cancelled task is healed by the second heartbeat that shows it (RC3)', async () => {
  const world = await new JobWorld().running();
  world.taskManager(0).lostReports.add('CANCELED');
  world.scheduler.cancel();
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'CANCELED');
});

test('heartbeats that show a finished task do not end it: its report has what it adds to the result (RC3)', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  taskManager.lostReports.add('FINISHED');
  taskManager.finish();
  await world.pass(5_000);
  assert.is(world.scheduler.status, 'RUNNING');
  taskManager.lostReports.clear();
  for (const attemptId of [...taskManager.tasks.keys()]) taskManager.report(attemptId, 'FINISHED');
  await world.until(() => world.ended.length > 0);
  assert.is(world.ended[0]?.status, 'FINISHED');
  assert.ok((world.ended[0]?.recordsIn ?? 0) >= 10, 'what the report counted is in the summary');
});

test('a task that should be there and is not fails as unexpectedly no longer running (RC2)', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  taskManager.tasks.delete(attempt(taskManager, 'count', 0));
  await world.until(restartedTo(world, 1));
  assert.match(world.scheduler.summary().error?.message ?? '', 'unexpectedly no longer running on TaskManager tm-1');
});

test('a task that should not be there is cancelled', async () => {
  const world = await new JobWorld({ jobGraph: testGraph({ partitioner: 'FORWARD' }) }).running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const task = taskManager.tasks.get(attempt(taskManager, 'count', 0)) as NonNullable<ReturnType<typeof taskManager.tasks.get>>;
  const zombie = 'count_0_6_0' as AttemptId;
  taskManager.tasks.set(zombie, { ...task, descriptor: { ...task.descriptor, attemptId: zombie } });
  await world.until(() => taskManager.canceled.includes(zombie));
  assert.ok(world.isAllRunning);
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

test('reports of attempts that are not current are answered `known: false` (SA2)', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const metrics = noTaskMetrics;
  const known: boolean[] = [];
  for (const attemptId of [attempt(taskManager, 'count', 0), 'count_0_6_0' as AttemptId]) {
    const body = { jobId: world.id, attemptId, state: 'RUNNING' as const, error: null, metrics, sharedResources: {} };
    void taskManager.endpoint
      .ask({ kind: 'job', jobId: world.id }, 'task.state-changed', body, { leaderEpoch: worldEpoch })
      .then((reply) => known.push(reply.known));
  }
  await world.until(() => known.length === 2, 100);
  assert.equal(known, [true, false]);
});

test('messages of another epoch do not reach the job', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  const attemptId = attempt(taskManager, 'count', 0);
  const metrics = noTaskMetrics;
  const body = { jobId: world.id, attemptId, state: 'FAILED' as const, error: boom, metrics, sharedResources: {} };
  let refused: unknown;
  taskManager.endpoint
    .ask({ kind: 'job', jobId: world.id }, 'task.state-changed', body, { leaderEpoch: 6 as never, timeoutMs: 100 })
    .catch((error: unknown) => (refused = error));
  await world.until(() => refused !== undefined);
  await world.pass(1_000);
  assert.is(world.scheduler.summary().restarts, 0);
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

test('heartbeats carry the latest completed checkpoint, to heal lost confirmations', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  world.latestCheckpointId = checkpointId(9);
  await world.until(() => taskManager.confirmed.includes(9));
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
