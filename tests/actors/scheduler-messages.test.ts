/** Messages between a scheduler and TaskManagers that get lost, come late, or come from somewhere else. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { checkpointId, type AttemptId } from '../../core/ids.js';
import type { FakeTaskManager } from '../support/fake-task-manager.js';
import { fixedDelay, testGraph } from '../support/job-graphs.js';
import { JobWorld, worldEpoch } from '../support/job-world.js';
import { attempt, boom, deployments, restartedTo } from '../support/failing-tasks.js';

const test = suite('scheduler: messages');

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

test('heartbeats carry the latest completed checkpoint, to heal lost confirmations', async () => {
  const world = await new JobWorld().running();
  const [taskManager] = world.taskManagers as [FakeTaskManager];
  world.latestCheckpointId = checkpointId(9);
  await world.until(() => taskManager.confirmed.includes(9));
});

test.run();
