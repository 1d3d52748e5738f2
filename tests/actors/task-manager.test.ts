/** A TaskManager, its slots and its leaders, with actors that the test plays. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leaderEpoch, sessionId, type CheckpointId } from '../../core/ids.js';
import { alloc, job, session, TaskManagerRoom, tinyGraph, tm } from './task-manager-room.js';

const test = suite('TaskManager');

/** The tiny job's graph with another cancellation timeout. */
const patientFor = (cancellationTimeoutMs: number) => ({ ...tinyGraph, settings: { ...tinyGraph.settings, cancellationTimeoutMs } });

test('it registers as soon as a leader is there, with its slots, however long that takes', async () => {
  const room = new TaskManagerRoom();
  await room.pass(20_000);
  assert.not(room.taskManager.isRegistered);
  room.lead();
  await room.until(() => room.taskManager.isRegistered);
  const [body] = room.bodies('task-manager.register');
  assert.is(body?.sessionId, session);
  assert.equal(
    body?.slots.map(({ state }) => state),
    ['FREE', 'FREE'],
  );
});

test('an announced leader is registered with at once, without waiting for the next try', async () => {
  const room = new TaskManagerRoom({
    settings: {
      registration: {
        initialTimeoutMs: 500,
        maxTimeoutMs: 500,
        initialPauseMs: 30_000,
        maxPauseMs: 30_000,
        refusedPauseMs: 30_000,
        registrationTimeoutMs: 300_000,
      },
    },
  });
  await room.pass(1_000);
  room.lead();
  const before = room.world.nowMs;
  room.announce();
  await room.until(() => room.taskManager.isRegistered);
  assert.ok(room.world.nowMs - before < 100, `${room.world.nowMs - before} ms`);
  const registrations = room.bodies('task-manager.register').length;
  room.announce();
  await room.pass(50);
  assert.is(room.bodies('task-manager.register').length, registrations, 'the announcement of a known leader changes nothing');
  assert.is(room.taskManager.counters().get('announcement of a leader that is known'), 1);
});

test('it ends its process when it finds no ResourceManager for the registration timeout, or is rejected', async () => {
  const alone = new TaskManagerRoom({
    settings: {
      registration: {
        initialTimeoutMs: 500,
        maxTimeoutMs: 500,
        initialPauseMs: 100,
        maxPauseMs: 500,
        refusedPauseMs: 500,
        registrationTimeoutMs: 10_000,
      },
    },
  });
  await alone.pass(11_000);
  assert.equal(alone.fatal, ['TaskManager tm-1 gives up: it found no ResourceManager for 10000 ms']);
  const unwanted = new TaskManagerRoom();
  unwanted.answers['task-manager.register'] = () => ({ kind: 'rejected', reason: 'another version' });
  unwanted.lead();
  await unwanted.pass(1_000);
  assert.equal(unwanted.fatal, ['TaskManager tm-1 gives up: the ResourceManager rejected it: another version']);
});

test('it registers again when the heartbeats of the ResourceManager stop', async () => {
  const room = new TaskManagerRoom();
  room.lead();
  room.beat();
  await room.pass(8_000);
  assert.is(room.bodies('task-manager.register').length, 1);
  room.stopBeating();
  await room.pass(6_000);
  assert.is(room.bodies('task-manager.register').length, 2);
});

test('a requested slot is offered to its job, taken, and told in heartbeats (TM4)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'), 1);
  const [offer] = room.bodies('slot.offer');
  assert.equal(offer?.slots, [{ slot: 1, allocationId: alloc('a1') }]);
  const { slots } = await room.ask('resource-manager.heartbeat', { sessionId: session });
  assert.equal(slots, [
    { slot: 0, state: 'FREE', allocationId: null, jobId: null },
    { slot: 1, state: 'ACTIVE', allocationId: alloc('a1'), jobId: job },
  ]);
});

test('a slot request is answered alike when it is repeated, and refused for another session, slot or allocation (TM2)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const request = { jobId: job, allocationId: alloc('a1'), slot: 0, sessionId: session };
  assert.equal(await room.ask('slot.request', request), { kind: 'allocated' });
  assert.is(room.spawner.alive.length, 1);
  assert.equal(await room.ask('slot.request', { ...request, allocationId: alloc('a2') }), {
    kind: 'refused',
    reason: 'occupied',
    holder: alloc('a1'),
  });
  assert.equal(await room.ask('slot.request', { ...request, slot: 7 }), { kind: 'refused', reason: 'unknown-slot', holder: null });
  assert.equal(await room.ask('slot.request', { ...request, sessionId: sessionId('s-0') }), {
    kind: 'refused',
    reason: 'stale-session',
    holder: null,
  });
  assert.is(room.taskManager.counters().get('slot request for another session'), 1);
});

test('a slot that its job does not accept is freed and announced free (TS2, TS6)', async () => {
  const room = new TaskManagerRoom();
  room.answers['slot.offer'] = () => ({ accepted: [] });
  room.lead();
  await room.until(() => room.taskManager.isRegistered);
  await room.ask('slot.request', { jobId: job, allocationId: alloc('a1'), slot: 0, sessionId: session });
  await room.until(() => room.bodies('slot.available').length === 1);
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
  assert.is(room.bodies('slot.available')[0]?.allocationId, alloc('a1'));
  assert.is(room.spawner.alive.length, 0);
});

test('an offer without an answer is repeated with a new number, and given up after the slot timeout (TS2, TS3)', async () => {
  const room = new TaskManagerRoom({ settings: { slotTimeoutMs: 3_000 } });
  room.lead();
  await room.until(() => room.taskManager.isRegistered);
  room.silence('slot.offer');
  await room.ask('slot.request', { jobId: job, allocationId: alloc('a1'), slot: 0, sessionId: session });
  await room.until(() => room.slotStates()[0] === 'FREE');
  const numbers = room.bodies('slot.offer').map(({ offerId }) => offerId);
  assert.equal(numbers, [1, 2, 3]);
});

test('a deployment without a slot is refused, naming what is missing', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const answer = await room.ask('task.deploy', room.descriptor(alloc('a9')));
  assert.is(answer.kind, 'refused');
  assert.match(answer.kind === 'refused' ? answer.error.message : '', /no slot for allocation a9/);
  assert.is(room.taskManager.counters().get('deployment into an allocation that is gone'), 1);
});

test("a deployment makes the slot active when the job's answer to the offer was lost", async () => {
  const room = new TaskManagerRoom();
  room.lead();
  await room.until(() => room.taskManager.isRegistered);
  room.silence('slot.offer');
  await room.ask('slot.request', { jobId: job, allocationId: alloc('a1'), slot: 0, sessionId: session });
  assert.equal(await room.ask('task.deploy', room.descriptor(alloc('a1'))), { kind: 'accepted' });
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
});

test('a thread that cannot be started is a slot that failed, and how often in a row is told (SP1, SP6)', async () => {
  const room = new TaskManagerRoom();
  room.lead();
  await room.until(() => room.taskManager.isRegistered);
  room.canStartThreads = false;
  assert.equal(await room.ask('slot.request', { jobId: job, allocationId: alloc('a1'), slot: 0, sessionId: session }), {
    kind: 'allocated',
  });
  await room.until(() => room.bodies('slot.available').length === 1);
  assert.match(room.bodies('slot.failed')[0]?.error.cause?.message ?? '', /no thread left/);
  assert.is(room.bodies('slot.failed')[0]?.error.code, 'SLOT_NOT_STARTED');
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
  await room.ask('slot.request', { jobId: job, allocationId: alloc('a2'), slot: 0, sessionId: session });
  await room.until(() => room.bodies('slot.available').length === 2);
  room.canStartThreads = true;
  await room.withActiveSlot(alloc('a3'), 0);
  room.spawner.alive[0]?.crash(new Error('out of memory'));
  await room.until(() => room.bodies('slot.available').length === 3);
  assert.equal(
    room.bodies('slot.available').map(({ startFailures }) => startFailures),
    [1, 2, 0],
  );
});

test('a slot that keeps its thread to itself is reported, not ended (SP4)', async () => {
  const said: string[] = [];
  const room = new TaskManagerRoom({ onLog: (message) => said.push(message) });
  await room.withRunningTask(alloc('a1'));
  await room.pass(12_000);
  assert.equal(
    said.filter((text) => text.includes('does not answer')),
    [],
  );
  room.spawner.alive[0]?.hang();
  await room.pass(12_000);
  assert.equal(
    said.filter((text) => text.includes('does not answer')),
    ['a slot does not answer: a function in it keeps the thread'],
  );
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
});

test('a slot that cannot even be ended by force costs the process (SP3)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const descriptor = room.descriptor(alloc('a1'), 0, { jobGraph: patientFor(1_000) });
  await room.ask('task.deploy', descriptor);
  await room.until(() => room.states().includes('RUNNING'));
  room.spawner.alive[0]?.hang(true);
  await room.ask('task.cancel', { jobId: job, attemptId: descriptor.attemptId });
  await room.pass(5_900);
  assert.equal(room.fatal, []);
  await room.pass(200);
  assert.match(room.fatal[0] ?? '', /slot 0 cannot be ended/);
});

test('a slot that dies is told to its job and is free again, the other slot goes on (TM3)', async () => {
  const room = new TaskManagerRoom();
  await room.withRunningTask(alloc('a1'), 0);
  await room.withActiveSlot(alloc('a2'), 1);
  room.spawner.alive[0]?.crash(new Error('out of memory'));
  await room.until(() => room.bodies('slot.available').length === 1);
  const [failed] = room.bodies('slot.failed');
  assert.is(failed?.allocationId, alloc('a1'));
  assert.is(failed?.error.code, 'SLOT_DIED');
  assert.match(failed?.error.cause?.message ?? '', /out of memory/);
  assert.equal(room.slotStates(), ['FREE', 'ACTIVE']);
  const answer = await room.ask('scheduler.heartbeat', {
    jobId: job,
    sessionId: session,
    allocations: [alloc('a1'), alloc('a2')],
    latestCheckpointId: null,
  });
  assert.equal(answer.allocations, [alloc('a2')]);
  assert.equal(answer.attempts, []);
});

test('a freed slot fails its tasks, ends its thread and is announced free (TS1, TS6)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  await room.ask('slot.free', { jobId: job, allocationId: alloc('a1'), reason: 'the job is done' });
  await room.until(() => room.bodies('slot.available').length === 1);
  assert.is(runtime.told.at(-1), 'cancel');
  assert.is(room.spawner.alive.length, 0);
  assert.is(room.states().at(-1), 'FAILED');
  assert.match(room.bodies('task.state-changed').at(-1)?.error?.message ?? '', /the job is done/);
});

test('a freed slot keeps its thread until every task in it has closed (SL3)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  runtime.isStuck = true;
  await room.ask('slot.free', { jobId: job, allocationId: alloc('a1'), reason: 'the job is done' });
  await room.pass(3_000);
  assert.is(room.spawner.alive.length, 1);
  assert.equal(room.slotStates(), ['RELEASING', 'FREE']);
  runtime.unstick();
  await room.until(() => room.slotStates()[0] === 'FREE');
  assert.is(room.spawner.alive.length, 0);
});

test("a job's silence fails its tasks; its slots are offered again and freed after the slot timeout (JX1, TS4)", async () => {
  const room = new TaskManagerRoom({ settings: { slotTimeoutMs: 4_000 } });
  const runtime = await room.withRunningTask(alloc('a1'));
  room.leave();
  await room.pass(4_000);
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
  await room.pass(1_500);
  assert.equal(room.slotStates(), ['ALLOCATED', 'FREE']);
  assert.is(runtime.told.at(-1), 'cancel');
  assert.is(room.spawner.alive.length, 1, 'the thread stays while the slot is offered');
  await room.pass(5_000);
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
  assert.is(room.spawner.alive.length, 0);
});

test('a new leader fails the tasks of the old one, gets the slots offered and the registration, and the old one is fenced (TM1)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  const offers = room.bodies('slot.offer').length;
  room.epoch = leaderEpoch(2);
  room.announce();
  await room.until(() => room.bodies('slot.offer').length === offers + 1 && room.slotStates()[0] === 'ACTIVE');
  assert.is(runtime.told.at(-1), 'cancel');
  assert.is(room.heard.filter(({ type }) => type === 'slot.offer').at(-1)?.epoch, 2);
  await room.until(() => room.taskManager.isRegistered);
  assert.is(room.heard.filter(({ type }) => type === 'task-manager.register').at(-1)?.epoch, 2);
  const late = room.ask('slot.request', { jobId: job, allocationId: alloc('a2'), slot: 1, sessionId: session }, leaderEpoch(1));
  await late.then(
    () => assert.unreachable('an old leader was heard'),
    (error: { code?: string }) => assert.is(error.code, 'MESSAGE_FENCED'),
  );
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
  assert.is(room.tmSide.endpoint.deadLetters().counts['fenced'], 1);
});

test('with the test switch that breaks the fence, an old leader is heard', async () => {
  const room = new TaskManagerRoom({ testSwitches: { isOldEpochAccepted: true } });
  await room.withActiveSlot(alloc('a1'));
  room.epoch = leaderEpoch(2);
  room.announce();
  await room.pass(500);
  await room.ask('slot.request', { jobId: job, allocationId: alloc('a2'), slot: 1, sessionId: session }, leaderEpoch(1));
  assert.not.equal(room.slotStates()[1], 'FREE');
});

test('an allocation that its job does not list twice in a row is freed; once is not enough (JX2)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  room.stopBeating();
  const heartbeat = (...allocations: ReturnType<typeof alloc>[]) =>
    room.ask('scheduler.heartbeat', { jobId: job, sessionId: session, allocations, latestCheckpointId: null });
  await heartbeat();
  await heartbeat(alloc('a1'));
  await heartbeat();
  await room.pass(50);
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
  await heartbeat();
  await room.until(() => room.bodies('slot.available').length === 1);
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
});

test('a heartbeat for another session of this TaskManager changes nothing and is answered with the present one', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const body = { jobId: job, sessionId: sessionId('s-0'), allocations: [], latestCheckpointId: null };
  for (let beat = 0; beat < 3; beat++)
    assert.equal(await room.ask('scheduler.heartbeat', body), { sessionId: session, allocations: [], attempts: [] });
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
  assert.is(room.taskManager.counters().get('heartbeat of a job for another session'), 3);
});

test('a checkpoint whose confirmation was lost is confirmed by the next heartbeat, once (JX3)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  const heartbeat = (id: number) =>
    room.ask('scheduler.heartbeat', { jobId: job, sessionId: session, allocations: [alloc('a1')], latestCheckpointId: id as CheckpointId });
  for (const id of [3, 3, 4, 2]) await heartbeat(id);
  await room.pass(50);
  assert.equal(
    runtime.told.filter((text) => text.startsWith('completed')),
    ['completed 3', 'completed 4'],
  );
});

test('a shutdown fails the tasks, ends the slots and says goodbye to the ResourceManager and the job', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  await room.settle(room.taskManager.shutdown('SIGTERM'));
  await room.pass(50);
  assert.is(runtime.told.at(-1), 'cancel');
  assert.is(room.spawner.alive.length, 0);
  const goodbyes = room.bodies('task-manager.disconnected');
  assert.equal(
    goodbyes.map(({ taskManagerId, reason }) => [taskManagerId, reason]),
    [
      [tm, 'SIGTERM'],
      [tm, 'SIGTERM'],
    ],
  );
  assert.is(room.bodies('slot.available').length, 0);
});

test('a shutdown does not wait for a stuck task beyond its bound', async () => {
  const room = new TaskManagerRoom({ settings: { shutdownMs: 3_000 } });
  const runtime = await room.withRunningTask(alloc('a1'));
  runtime.isStuck = true;
  const before = room.world.nowMs;
  await room.settle(room.taskManager.shutdown('SIGTERM'));
  assert.ok(room.world.nowMs - before < 3_500, `${room.world.nowMs - before} ms`);
});

test.run();
