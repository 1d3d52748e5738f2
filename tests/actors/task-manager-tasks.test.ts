/** Tasks in the slots of a TaskManager: deployed, cancelled, asked for checkpoints, given splits and code. */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { CheckpointId } from '../../core/ids.js';
import { alloc, job, session, TaskManagerRoom, type PretendedRuntime, tinyGraph } from './task-manager-room.js';

const test = suite('tasks of a TaskManager');

/** The tiny job's graph with another cancellation timeout. */
const patientFor = (cancellationTimeoutMs: number) => ({ ...tinyGraph, settings: { ...tinyGraph.settings, cancellationTimeoutMs } });

test('a task is deployed once, however often it is asked for, and its states are reported in order (TM2)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  assert.equal(await room.ask('task.deploy', room.descriptor(alloc('a1'))), { kind: 'accepted' });
  await room.pass(500);
  assert.equal(room.states(), ['INITIALIZING', 'RUNNING']);
  assert.equal(runtime.told, ['initialize', 'start']);
  assert.is(room.runtimes.length, 1);
  assert.is(room.taskManager.counters().get('deployment of an attempt that was deployed'), 1);
  assert.is(runtime.options.taskInfo.taskName, tinyGraph.vertices[0]?.name);
});

test('an attempt that has ended is not started again by a late deployment (TM2)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  runtime.options.callbacks.onFinished();
  await room.until(() => room.states().at(-1) === 'FINISHED');
  await room.pass(100);
  assert.equal(await room.ask('task.deploy', room.descriptor(alloc('a1'))), { kind: 'accepted' });
  await room.pass(500);
  assert.is(room.runtimes.length, 1);
});

test('a real job runs to its end in an inline slot: splits found, read and finished, states in order (T1)', async () => {
  const room = new TaskManagerRoom({ isReal: true });
  await room.withActiveSlot(alloc('a1'));
  const splits: { id: string; data: unknown }[] = [];
  let isListed = false;
  room.answers['source.enumerated'] = (body) => {
    splits.push(...body.splits);
    isListed = body.isLast;
    return {};
  };
  room.answers['source.request-split'] = () => {
    const split = splits.shift();
    if (split !== undefined) return { kind: 'split', split };
    return { kind: isListed ? 'no-more' : 'wait' };
  };
  const source = tinyGraph.vertices[0]?.operators[0]?.id as never;
  await room.ask('task.deploy', room.descriptor(alloc('a1'), 0, { enumerate: [source] }));
  await room.until(() => room.states().includes('FINISHED'));
  assert.equal(room.states(), ['INITIALIZING', 'RUNNING', 'FINISHED']);
  assert.is(room.bodies('task.state-changed').at(-1)?.metrics.recordsIn, 3);
  await room.until(() => room.spawner.alive[0]?.runtime.tasks().length === 0);
});

test('a failure names the task, is reported until it is answered, and heartbeats tell it until then (T2, T6)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  const { attemptId } = room.descriptor(alloc('a1'));
  room.silence('task.state-changed');
  runtime.options.callbacks.onFailed(new Error('boom'));
  await room.pass(8_000);
  const heartbeat = { jobId: job, sessionId: session, allocations: [alloc('a1')], latestCheckpointId: null };
  assert.equal((await room.ask('scheduler.heartbeat', heartbeat)).attempts, [{ attemptId, state: 'FAILED' }]);
  const failures = room.bodies('task.state-changed').filter(({ state }) => state === 'FAILED');
  assert.is(failures.length, 1, 'a repetition is the same message');
  assert.match(failures[0]?.error?.message ?? '', /boom/);
  assert.match(failures[0]?.error?.where ?? '', /\(1\/1\)$/);
  assert.equal(runtime.told.at(-1), 'cancel');
});

test('reports go out in order, and one that was overtaken before it went out is dropped (SR1, SR3)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  let answer: (() => void) | undefined;
  room.answers['task.state-changed'] = ({ state }) =>
    state === 'INITIALIZING' ? new Promise((resolve) => (answer = () => resolve({ known: true }))) : { known: true };
  await room.ask('task.deploy', room.descriptor(alloc('a1')));
  await room.until(() => room.runtimes[0]?.told.includes('start') === true);
  room.runtimes[0]?.options.callbacks.onFailed(new Error('boom'));
  await room.pass(100);
  assert.equal(room.states(), ['INITIALIZING']);
  answer?.();
  await room.until(() => room.states().length > 1);
  await room.pass(100);
  assert.equal(room.states(), ['INITIALIZING', 'FAILED']);
});

test('a scheduler that breaks over a report is asked again, and taken at its word when it keeps breaking (PA3)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  let failures = 2;
  room.answers['task.state-changed'] = () => {
    if (failures-- > 0) throw new Error('a defect');
    return { known: true };
  };
  await room.ask('task.deploy', room.descriptor(alloc('a1')));
  await room.until(() => room.states().includes('RUNNING'));
  assert.equal(room.states(), ['INITIALIZING', 'INITIALIZING', 'INITIALIZING', 'RUNNING']);
  failures = 100;
  room.runtimes[0]?.options.callbacks.onFailed(new Error('boom'));
  await room.until(() => room.spawner.alive[0]?.runtime.tasks().length === 0);
  assert.is(room.states().filter((state) => state === 'FAILED').length, 5);
});

test('two slots that want the same code share one download (JF2)', async () => {
  const code = Buffer.from('export default 2;');
  const sha256 = createHash('sha256').update(code).digest('hex');
  const room = new TaskManagerRoom({ codeCache: { find: () => Promise.resolve(undefined), put: () => Promise.resolve('job://tiny') } });
  room.answers['blob.fetch-chunk'] = () => ({ kind: 'chunk', bytes: new Uint8Array(code), count: 1 });
  await room.withActiveSlot(alloc('a1'), 0);
  await room.withActiveSlot(alloc('a2'), 1);
  const bundle = { kind: 'bundle', sha256, bytes: code.length } as const;
  await Promise.all([
    room.ask('task.deploy', room.descriptor(alloc('a1'), 0, { code: bundle })),
    room.ask('task.deploy', room.descriptor(alloc('a2'), 1, { code: bundle })),
  ]);
  await room.until(() => room.states().filter((state) => state === 'RUNNING').length === 2);
  assert.is(room.bodies('blob.fetch-chunk').length, 1);
});

test('a cancelled task reports CANCELED; an unknown attempt is answered as such', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const descriptor = room.descriptor(alloc('a1'), 0, { jobGraph: patientFor(20_000) });
  const { attemptId } = descriptor;
  await room.ask('task.deploy', descriptor);
  await room.until(() => room.states().includes('RUNNING'));
  assert.equal(await room.ask('task.cancel', { jobId: job, attemptId }), { known: true });
  await room.until(() => room.states().at(-1) === 'CANCELED');
  await room.pass(100);
  assert.equal(await room.ask('task.cancel', { jobId: job, attemptId }), { known: false });
  assert.is(room.taskManager.counters().get('cancelling of an attempt that is not here'), 1);
  await room.pass(25_000);
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE'], 'the watchdog is off once the task has closed');
});

test('a task that its scheduler does not know fails itself and is gone (T5)', async () => {
  const room = new TaskManagerRoom();
  room.answers['task.state-changed'] = ({ state }) => ({ known: state !== 'RUNNING' });
  const runtime = await room.withRunningTask(alloc('a1'));
  await room.until(() => room.states().at(-1) === 'FAILED');
  assert.equal(runtime.told, ['initialize', 'start', 'cancel']);
  await room.pass(100);
  assert.equal(room.spawner.alive[0]?.runtime.tasks(), []);
});

test('a task that does not end in the cancellation timeout costs its slot, not the process (SP3)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const descriptor = room.descriptor(alloc('a1'), 0, { jobGraph: patientFor(20_000) });
  await room.ask('task.deploy', descriptor);
  await room.until(() => room.states().includes('RUNNING'));
  (room.runtimes[0] as PretendedRuntime).isStuck = true;
  await room.ask('task.cancel', { jobId: job, attemptId: descriptor.attemptId });
  await room.pass(19_000);
  assert.equal(room.slotStates(), ['ACTIVE', 'FREE']);
  await room.pass(2_000);
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
  assert.match(room.bodies('slot.failed')[0]?.error.message ?? '', /was to end 20000 ms ago and has not/);
  await room.pass(10_000);
  assert.equal(room.fatal, []);
});

test('a task that fails and does not close in the cancellation timeout costs its slot too (SP3)', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  await room.ask('task.deploy', room.descriptor(alloc('a1'), 0, { jobGraph: patientFor(20_000) }));
  await room.until(() => room.states().includes('RUNNING'));
  const runtime = room.runtimes[0] as PretendedRuntime;
  runtime.isStuck = true;
  runtime.options.callbacks.onFailed(new Error('boom'));
  await room.pass(21_000);
  assert.equal(room.slotStates(), ['FREE', 'FREE']);
  assert.is(room.bodies('slot.failed').length, 1);
});

test('checkpoint messages reach their attempt in the slot; another attempt is not known there (SL2)', async () => {
  const room = new TaskManagerRoom();
  const runtime = await room.withRunningTask(alloc('a1'));
  const { attemptId } = room.descriptor(alloc('a1'));
  const of = { jobId: job, attemptId, checkpointId: 5 as CheckpointId };
  assert.equal(await room.askSlot(0, 'checkpoint.trigger', { ...of, triggeredAt: 1, isFinal: false }), { known: true });
  assert.equal(await room.askSlot(0, 'checkpoint.confirm', of), { known: true });
  assert.equal(await room.askSlot(0, 'checkpoint.abort', of), { known: true });
  assert.equal(runtime.told.slice(2), ['trigger 5', 'completed 5', 'aborted 5']);
  const other = room.descriptor(alloc('a1'), 7).attemptId;
  assert.equal(await room.askSlot(0, 'checkpoint.trigger', { ...of, attemptId: other, triggeredAt: 1, isFinal: false }), { known: false });
  assert.is(room.spawner.alive[0]?.runtime.counters().get('message for an attempt that is not here'), 1);
});

test('what a task says of its checkpoints and its end reaches the job', async () => {
  const room = new TaskManagerRoom();
  const { options } = await room.withRunningTask(alloc('a1'));
  const { vertexId } = room.descriptor(alloc('a1'));
  const snapshot = { vertexId, subtaskIndex: 0, operators: [], isFinished: false, stateBytes: 0 };
  options.callbacks.onAcknowledged({
    checkpointId: 5 as CheckpointId,
    snapshot,
    alignmentMs: 0,
    syncMs: 1,
    asyncMs: 2,
    recordsIn: 3,
    recordsWritten: 1,
  });
  options.callbacks.onDeclined(6 as CheckpointId, 'CHECKPOINT_DECLINED', new Error('no'));
  options.callbacks.onSharedResource('sink/target', 'token');
  options.callbacks.onEndOfData();
  await room.until(() => room.bodies('task.end-of-data').length === 1);
  await room.pass(100);
  assert.is(room.bodies('checkpoint.acknowledged')[0]?.checkpointId, 5);
  assert.match(room.bodies('checkpoint.declined')[0]?.error?.message ?? '', /no/);
  assert.equal(room.bodies('task.state-changed').at(-1)?.sharedResources, { 'sink/target': 'token' });
});

test('progress of running tasks is told about once a second', async () => {
  const room = new TaskManagerRoom();
  await room.withRunningTask(alloc('a1'));
  await room.pass(3_500);
  const told = room.bodies('task.progressed');
  assert.ok(told.length >= 3 && told.length <= 4, `${told.length}`);
  const channels = { inputUse: 0, outputUse: 0, inputs: [], outputs: [] };
  assert.equal(told[0]?.tasks[0]?.metrics, {
    ...noTaskMetrics,
    recordsIn: 3,
    recordsOut: 2,
    recordsWritten: 1,
    duplicateFrames: 0,
    slot: { unknownFrames: 0, malformedFrames: 0, sendFailures: 0, congestions: 0 },
    channels,
  });
});

test('splits are asked for until there is one, with the same number while the enumeration runs (SQ2)', async () => {
  const room = new TaskManagerRoom();
  const { options } = await room.withRunningTask(alloc('a1'));
  const replies = ['wait', 'wait', 'split', 'no-more'];
  room.answers['source.request-split'] = () => {
    const kind = replies.shift();
    return kind === 'split' ? { kind, split: { id: 's1', data: { at: 1 } } } : { kind: kind === 'wait' ? 'wait' : 'no-more' };
  };
  const operator = tinyGraph.vertices[0]?.operators[0]?.id as Parameters<typeof options.splitSource.requestSplit>[0];
  assert.equal(await room.settle(options.splitSource.requestSplit(operator, { isShare: false })), { id: 's1', data: { at: 1 } });
  assert.is(await room.settle(options.splitSource.requestSplit(operator, { isShare: false })), undefined);
  assert.equal(
    room.bodies('source.request-split').map(({ requestNumber }) => requestNumber),
    [0, 0, 0, 1],
  );
});

test('a long list of splits is sent in parts, and an empty one is closed too (SQ1)', async () => {
  const room = new TaskManagerRoom();
  const { options } = await room.withRunningTask(alloc('a1'));
  room.answers['source.enumerated'] = () => ({});
  const operator = tinyGraph.vertices[0]?.operators[0]?.id as Parameters<typeof options.splitSource.requestSplit>[0];
  const splits = Array.from({ length: 9 }, (_, index) => ({ id: `s${index}`, data: 'x'.repeat(100_000) }));
  await room.settle(options.splitSource.enumerated(operator, splits));
  assert.equal(
    room.bodies('source.enumerated').map(({ part, isLast, splits: some }) => [part, isLast, some.length]),
    [
      [0, false, 2],
      [1, false, 2],
      [2, false, 2],
      [3, false, 2],
      [4, true, 1],
    ],
  );
  await room.settle(options.splitSource.enumerated(operator, []));
  assert.equal(room.bodies('source.enumerated').at(-1)?.splits, []);
  assert.ok(room.bodies('source.enumerated').at(-1)?.isLast);
});

test('job code is fetched in chunks once, verified and cached; code with another hash fails the task (JF1, JF2)', async () => {
  const code = Buffer.from('export default 1;'.repeat(10));
  const sha256 = createHash('sha256').update(code).digest('hex');
  const cached: string[] = [];
  const room = new TaskManagerRoom({
    codeCache: {
      find: () => Promise.resolve(undefined),
      put: (hash, bytes) => {
        cached.push(`${hash} ${Buffer.from(bytes).toString()}`);
        return Promise.resolve('job://tiny');
      },
    },
  });
  room.answers['blob.fetch-chunk'] = ({ sha256: wanted, index }) => {
    const bytes = new Uint8Array(code.subarray(index * 100, index * 100 + 100));
    return wanted === sha256 ? { kind: 'chunk', bytes, count: 2 } : { kind: 'chunk', bytes, count: 1 };
  };
  await room.withActiveSlot(alloc('a1'));
  await room.ask('task.deploy', room.descriptor(alloc('a1'), 0, { code: { kind: 'bundle', sha256, bytes: code.length } }));
  await room.until(() => room.states().includes('RUNNING'));
  assert.equal(cached, [`${sha256} ${code.toString()}`]);
  assert.is(room.bodies('blob.fetch-chunk').length, 2);
  await room.ask('task.deploy', room.descriptor(alloc('a1'), 1, { code: { kind: 'bundle', sha256: 'b'.repeat(64), bytes: 1 } }));
  await room.until(() => room.states().includes('FAILED'));
  assert.is(room.bodies('task.state-changed').at(-1)?.error?.code, 'JOB_CODE_CORRUPT');
});

test('a job that is built differently in the slot fails its task, naming the operator', async () => {
  const room = new TaskManagerRoom();
  await room.withActiveSlot(alloc('a1'));
  const jobGraph = {
    ...tinyGraph,
    fingerprint: 'f'.repeat(64),
    operatorFingerprints: tinyGraph.operatorFingerprints.map((each, index) => (index === 1 ? { ...each, digest: 'other' } : each)),
  };
  await room.ask('task.deploy', room.descriptor(alloc('a1'), 0, { jobGraph }));
  await room.until(() => room.states().includes('FAILED'));
  const error = room.bodies('task.state-changed').at(-1)?.error;
  assert.is(error?.code, 'JOB_MISMATCH');
  assert.is(error?.recovery, 'fail-job');
  assert.is(error?.where, tinyGraph.operatorFingerprints[1]?.name);
});

test('a cancel while the code is being fetched ends the task at once, and what arrives later is dropped (A1)', async () => {
  const room = new TaskManagerRoom({ codeCache: { find: () => Promise.resolve(undefined), put: () => Promise.resolve('job://tiny') } });
  await room.withActiveSlot(alloc('a1'));
  let answer: (() => void) | undefined;
  room.answers['blob.fetch-chunk'] = () =>
    new Promise((resolve) => (answer = () => resolve({ kind: 'chunk', bytes: new Uint8Array(code), count: 1 })));
  const code = Buffer.from('export default 3;');
  const sha256 = createHash('sha256').update(code).digest('hex');
  const descriptor = room.descriptor(alloc('a1'), 0, { code: { kind: 'bundle', sha256, bytes: code.length } });
  await room.ask('task.deploy', descriptor);
  await room.ask('task.cancel', { jobId: job, attemptId: descriptor.attemptId });
  await room.until(() => room.states().includes('CANCELED'));
  answer?.();
  await room.pass(1_000);
  assert.equal(room.states(), ['CANCELED']);
  assert.is(room.runtimes.length, 0);
});

test.run();
