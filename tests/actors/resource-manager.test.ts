import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { jobId, leaderEpoch, sessionId, taskManagerId, type JobId } from '../../core/ids.js';
import { ResourceManager } from '../../actors/resource-manager/resource-manager.js';
import { Simulation } from '../../testing/simulator/simulation.js';
import { FakeTaskManager } from '../support/fake-task-manager.js';

const test = suite('resource manager');
const epoch = leaderEpoch(3);
const [jobA, jobB] = [jobId('job-a'), jobId('job-b')];

/** A job as the ResourceManager sees it: it declares, answers heartbeats, and takes what it is offered. */
interface FakeJob {
  slots: number;
  version: number;
  readonly offered: string[];
  readonly short: MessageBody<'resource-manager.resources-short'>[];
  readonly disconnected: string[];
  declare(slots: number, version?: number): void;
  vanish(): void;
}

class World {
  readonly simulation = new Simulation({ seed: 2 });
  readonly hub: InProcessHub;
  readonly resourceManager: ResourceManager;
  readonly #endpoint: (name: string) => Endpoint;

  constructor() {
    const { clock, random, logger } = this.simulation.process('job-manager');
    this.hub = new InProcessHub({ clock, logger, defer: (deliver) => void this.simulation.schedule(0, 'deliver', deliver) });
    this.#endpoint = (name) => createEndpoint({ name, bus: this.hub.connect(name), subjects: createSubjects(), clock, random, logger });
    const bus = this.hub.connect('resource-manager');
    const endpoint = createEndpoint({ name: 'resource-manager', bus, subjects: createSubjects(), clock, random, logger });
    this.resourceManager = new ResourceManager({ clock, random, logger, leaderEpoch: epoch, endpoint, bus });
    this.resourceManager.start();
  }

  taskManager(name: string, slots: number): FakeTaskManager {
    return new FakeTaskManager({ process: this.simulation.process(name), bus: this.hub.connect(name), name, slots, leaderEpoch: epoch });
  }

  job(id: JobId): FakeJob {
    const endpoint = this.#endpoint(id);
    const job: FakeJob = {
      slots: 0,
      version: 0,
      offered: [],
      short: [],
      disconnected: [],
      declare: (slots, version) => {
        job.slots = slots;
        job.version = version ?? job.version + 1;
        const body = { jobId: id, version: job.version, slots };
        endpoint
          .ask({ kind: 'resource-manager' }, 'resource-manager.declare-requirements', body, { leaderEpoch: epoch })
          .catch(() => undefined);
      },
      vanish: () => endpoint.close(),
    };
    endpoint.serve(
      { kind: 'job', jobId: id },
      {
        handlers: {
          'slot.offer': ({ taskManagerId: from, slots }) => {
            job.offered.push(...slots.map(({ slot }) => `${from}/${slot}`));
            return { accepted: slots.map(({ allocationId }) => allocationId) };
          },
          'resource-manager.job-heartbeat': () => ({ jobId: id, slots: job.slots, version: job.version }),
          'resource-manager.resources-short': (body) => void job.short.push(body),
          'task-manager.disconnected': ({ taskManagerId: gone, reason }) => void job.disconnected.push(`${gone} ${reason}`),
        },
      },
    );
    return job;
  }

  until(isDone: () => boolean, limitMs = 10_000): Promise<void> {
    return this.simulation.runUntil(isDone, this.simulation.nowMs + limitMs);
  }

  async pass(ms: number): Promise<void> {
    let isOver = false;
    this.simulation.schedule(ms, 'passed', () => (isOver = true));
    await this.until(() => isOver, ms + 1);
  }

  states(): string {
    return this.resourceManager
      .overview()
      .map(({ taskManagerId: id, slots }) => `${id}: ${slots.map(({ state }) => state).join(' ')}`)
      .join(', ');
  }
}

test('a job gets what it requires, spread over the TaskManagers, and no more (RM2)', async () => {
  const world = new World();
  world.taskManager('tm-1', 2);
  world.taskManager('tm-2', 2);
  const job = world.job(jobA);
  job.declare(2);
  await world.until(() => job.offered.length === 2);
  await world.pass(2_000);
  assert.equal(job.offered, ['tm-1/0', 'tm-2/0']);
  assert.is(world.states(), 'tm-1: ACTIVE FREE, tm-2: ACTIVE FREE');
});

test('what is short is told once, and given when a TaskManager registers', async () => {
  const world = new World();
  world.taskManager('tm-1', 1);
  const job = world.job(jobA);
  job.declare(3);
  await world.pass(3_000);
  assert.equal(job.short, [{ jobId: jobA, required: 3, available: 1, taskManagers: 1 }]);
  world.taskManager('tm-2', 2);
  await world.until(() => job.offered.length === 3);
});

test('a stale declaration is ignored, a lost one is learned by the heartbeat (RM2)', async () => {
  const world = new World();
  world.taskManager('tm-1', 4);
  const job = world.job(jobA);
  job.declare(1, 5);
  await world.until(() => job.offered.length === 1);
  job.declare(4, 4);
  job.slots = 1;
  job.version = 5;
  await world.pass(1_000);
  assert.is(job.offered.length, 1);
  job.slots = 2;
  job.version = 6;
  await world.until(() => job.offered.length === 2);
});

test('a slot that is refused is asked for again', async () => {
  const world = new World();
  world.taskManager('tm-1', 1).refusals = 3;
  const job = world.job(jobA);
  job.declare(1);
  await world.until(() => job.offered.length === 1);
});

test('the same session registers again without any change (RM1)', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  const job = world.job(jobA);
  job.declare(1);
  await world.until(() => job.offered.length === 1);
  taskManager.register();
  await world.pass(2_000);
  assert.equal(job.disconnected, []);
  assert.is(job.offered.length, 1);
});

test('a new session replaces the old one: its slots are gone, the jobs are told, and others are given (RM1)', async () => {
  const world = new World();
  const first = world.taskManager('tm-1', 1);
  const job = world.job(jobA);
  job.declare(1);
  await world.until(() => job.offered.length === 1);
  first.kill();
  world.taskManager('tm-1', 1);
  await world.until(() => job.offered.length === 2);
  assert.equal(job.disconnected, ['tm-1 was started again']);
  assert.is(world.resourceManager.overview().length, 1);
});

test('a dead TaskManager is found by two heartbeats without responders, and the jobs are told (RM4)', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  const job = world.job(jobA);
  job.declare(1);
  await world.until(() => job.offered.length === 1);
  const killedAt = world.simulation.nowMs;
  taskManager.kill();
  await world.until(() => job.disconnected.length > 0);
  assert.equal(job.disconnected, ['tm-1 is not there any more']);
  assert.ok(world.simulation.nowMs - killedAt <= 1_001, `noticed after ${world.simulation.nowMs - killedAt} ms`);
  assert.equal(world.resourceManager.overview(), []);
});

test('a TaskManager that says goodbye is forgotten at once', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  await world.until(() => world.resourceManager.overview().length === 1);
  const goodbye = { taskManagerId: taskManager.id, sessionId: taskManager.session, reason: 'shut down' };
  taskManager.endpoint.tell({ kind: 'resource-manager' }, 'task-manager.disconnected', goodbye, { leaderEpoch: epoch });
  await world.until(() => world.resourceManager.overview().length === 0, 100);
});

test('a goodbye of an earlier session changes nothing (RM1)', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  await world.until(() => world.resourceManager.overview().length === 1);
  const goodbye = { taskManagerId: taskManager.id, sessionId: sessionId('earlier'), reason: 'shut down' };
  taskManager.endpoint.tell({ kind: 'resource-manager' }, 'task-manager.disconnected', goodbye, { leaderEpoch: epoch });
  await world.pass(100);
  assert.is(world.resourceManager.overview().length, 1);
});

test('a slot that became free without a word is given again after the next heartbeat (RM3)', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  const job = world.job(jobA);
  job.declare(1);
  await world.until(() => job.offered.length === 1);
  taskManager.slots[0] = { state: 'FREE', allocationId: null, jobId: null };
  await world.until(() => job.offered.length === 2);
});

test('a job that no longer answers is forgotten, and its slots go to others once they are free (RM4)', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 1);
  const first = world.job(jobA);
  first.declare(1);
  await world.until(() => first.offered.length === 1);
  first.vanish();
  const second = world.job(jobB);
  second.declare(1);
  await world.pass(2_000);
  assert.equal(second.offered, []);
  const { allocationId } = taskManager.slots[0] as (typeof taskManager.slots)[0];
  if (allocationId !== null) taskManager.free(allocationId);
  await world.until(() => second.offered.length === 1);
});

test('slots a job holds from before the ResourceManager started count for it', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 2);
  taskManager.slots[0] = { state: 'ACTIVE', allocationId: 'old' as never, jobId: jobA };
  taskManager.register();
  const job = world.job(jobA);
  job.declare(2);
  await world.pass(1_000);
  assert.equal(job.offered, ['tm-1/1']);
});

test('a message of a later leader is fenced; a TaskManager that knows no leader yet may register', async () => {
  const world = new World();
  const taskManager = world.taskManager('tm-1', 0);
  await world.until(() => world.resourceManager.overview().length === 1);
  const body = { taskManagerId: taskManagerId('tm-2'), sessionId: sessionId('s'), host: 'h', pid: 1, startedAt: 0, slots: [] };
  let outcome = '';
  const register = (at: number): void => {
    outcome = '';
    taskManager.endpoint
      .ask({ kind: 'resource-manager' }, 'task-manager.register', body, { leaderEpoch: leaderEpoch(at), timeoutMs: 100 })
      .then(({ kind }) => (outcome = kind))
      .catch(() => (outcome = 'refused'));
  };
  register(4);
  await world.until(() => outcome !== '');
  assert.is(outcome, 'refused');
  register(0);
  await world.until(() => outcome !== '');
  assert.is(outcome, 'registered');
});

test.run();
