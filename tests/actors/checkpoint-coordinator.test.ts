import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CheckpointCoordinator } from '../../actors/checkpoint-coordinator/checkpoint-coordinator.js';
import type { CheckpointHost, ExecutionView } from '../../actors/scheduler/checkpointing.js';
import type { MillraceError } from '../../core/errors.js';
import {
  attemptNumber,
  formatAttemptId,
  jobId,
  leaderEpoch,
  taskManagerId,
  vertexId,
  type AttemptId,
  type CheckpointId,
} from '../../core/ids.js';
import type { JobGraph } from '../../graph/types.js';
import type { CompletedCheckpoint, TaskSnapshot } from '../../storage/contracts.js';
import { BusRoom } from './simulated-bus-room.js';

const test = suite('CheckpointCoordinator');
const job = jobId('d'.repeat(32));
const epoch = leaderEpoch(4);
const vertices = [vertexId('source'), vertexId('sink')];
const jobGraph = { fingerprint: 'f', vertices: vertices.map((id) => ({ id, parallelism: 1, maxParallelism: 128 })) } as unknown as JobGraph;
const settings = {
  intervalMs: 1_000,
  timeoutMs: 5_000,
  minPauseMs: 0,
  maxConcurrent: 1,
  tolerableFailures: 0,
  retained: 1,
  retention: 'DELETE_ON_CANCELLATION',
} as const;

interface Told {
  readonly at: number;
  readonly what: 'trigger' | 'confirm' | 'abort';
  readonly attemptId: AttemptId;
  readonly checkpointId: CheckpointId;
}

/** A job of a source and a sink, whose tasks only note what they are told. */
function setUp(restore?: CompletedCheckpoint, changed: Partial<typeof settings | { minPauseMs: number }> = {}) {
  const room = new BusRoom();
  const leader = room.join('leader');
  const tasks = room.join('tasks');
  const told: Told[] = [];
  const completed: CompletedCheckpoint[] = [];
  const failures: MillraceError[] = [];
  const pointerMoves: (() => void)[] = [];
  /** Moves the wall clock. */
  const wall = { startsAt: 1_800_000_000_000 };
  let fenced = 0;
  let ids = 0;
  const attempts = vertices.map((id) =>
    formatAttemptId({ vertexId: id, subtaskIndex: 0, leaderEpoch: epoch, attemptNumber: attemptNumber(0) }),
  );
  const states: ExecutionView['state'][] = ['DEPLOYING', 'DEPLOYING'];
  const executions = (): ExecutionView[] =>
    attempts.map((attemptId, at) => ({
      attemptId,
      vertexId: vertices[at] as ExecutionView['vertexId'],
      subtaskIndex: 0,
      taskName: `task ${at}`,
      state: states[at] as ExecutionView['state'],
      isSource: at === 0,
      recordsBefore: { in: 0, written: 0 },
      accumulatorsBefore: [],
      location: { taskManagerId: taskManagerId('tm-1'), slot: 0 },
    }));
  tasks.endpoint.serve(
    { kind: 'slot', taskManagerId: taskManagerId('tm-1'), slot: 0 },
    {
      handlers: {
        'checkpoint.trigger': (body) => {
          told.push({ at: room.world.nowMs, what: 'trigger', attemptId: body.attemptId, checkpointId: body.checkpointId });
          return { known: true };
        },
        'checkpoint.confirm': (body) => {
          told.push({ at: room.world.nowMs, what: 'confirm', attemptId: body.attemptId, checkpointId: body.checkpointId });
          return { known: true };
        },
        'checkpoint.abort': (body) => {
          told.push({ at: room.world.nowMs, what: 'abort', attemptId: body.attemptId, checkpointId: body.checkpointId });
          return { known: true };
        },
      },
    },
  );
  const host: CheckpointHost = {
    jobId: job,
    leaderEpoch: epoch,
    jobGraph,
    executions,
    jobStatus: () => 'RUNNING',
    sourceSnapshots: () => [],
    sharedResources: () => ({}),
    failJob: (error) => failures.push(error),
    failExecution: () => undefined,
    checkpointCompleted: () => undefined,
  };
  const coordinator = new CheckpointCoordinator({
    host,
    endpoint: leader.endpoint,
    clock: { ...leader.process.clock, now: () => wall.startsAt + leader.process.clock.monotonic() },
    random: { next: () => 0.9999, hex: (bytes) => leader.process.random.hex(bytes) },
    logger: leader.process.logger,
    settings: { ...settings, ...changed },
    restore,
    ledger: {
      nextId: () => Promise.resolve(++ids as CheckpointId),
      complete: (checkpoint) =>
        new Promise((resolve) => {
          pointerMoves.push(() => {
            completed.push(checkpoint);
            resolve();
          });
        }),
      sweep: () => Promise.resolve(),
    },
    onFenced: () => fenced++,
  });
  leader.endpoint.serve({ kind: 'job', jobId: job }, { handlers: coordinator.handlers() });
  const enter = (...now: ExecutionView['state'][]): void => {
    now.forEach((state, at) => {
      states[at] = state;
      coordinator.executionChanged(executions()[at] as ExecutionView);
    });
  };
  const acknowledge = (attemptId: AttemptId, id: number) =>
    tasks.endpoint.ask({ kind: 'job', jobId: job }, 'checkpoint.acknowledged', {
      jobId: job,
      attemptId,
      checkpointId: id as CheckpointId,
      snapshot: {
        vertexId: vertices[attempts.indexOf(attemptId)],
        subtaskIndex: 0,
        operators: [],
        isFinished: false,
        stateBytes: 10,
      } as TaskSnapshot,
      alignmentMs: 0,
      syncMs: 0,
      asyncMs: 0,
      recordsIn: 0,
    });
  const [source, sink] = attempts as [AttemptId, AttemptId];
  return {
    room,
    coordinator,
    tasks,
    told,
    completed,
    failures,
    pointerMoves,
    enter,
    acknowledge,
    source,
    sink,
    wall,
    fenced: () => fenced,
  };
}

test('only sources are triggered, once every task runs, after the interval (CC3)', async () => {
  const { room, told, enter, source } = setUp();
  enter('RUNNING', 'INITIALIZING');
  await room.pass(3_000);
  assert.equal(told, []);
  enter('RUNNING', 'RUNNING');
  await room.until(() => told.length > 0);
  assert.equal(told, [{ at: 4_000, what: 'trigger', attemptId: source, checkpointId: 1 }]);
});

test('tasks are told to commit only after the pointer has moved (CC6)', async () => {
  const { room, told, enter, acknowledge, pointerMoves, completed, coordinator, source, sink } = setUp();
  enter('RUNNING', 'RUNNING');
  await room.until(() => told.length === 1);
  await room.settle(Promise.all([acknowledge(sink, 1), acknowledge(source, 1), acknowledge(source, 1)]));
  await room.pass(500);
  assert.is(pointerMoves.length, 1);
  assert.is(told.length, 1, 'nobody is told anything while the pointer is being moved');
  let isFound = false;
  void coordinator.restorePoint().then(() => (isFound = true));
  await room.pass(100);
  assert.is(isFound, false, 'CC8: a restore waits for the move');
  pointerMoves[0]?.();
  await room.until(() => told.filter(({ what }) => what === 'confirm').length === 2);
  assert.is(isFound, true);
  assert.equal(
    completed[0]?.tasks.map(({ vertexId: id }) => id),
    vertices,
  );
  assert.is(coordinator.latestCheckpointId(), 1);
});

test('a failover aborts what is pending, and late acknowledgements change nothing (CC7)', async () => {
  const { room, told, enter, acknowledge, pointerMoves, coordinator, source, sink } = setUp();
  enter('RUNNING', 'RUNNING');
  await room.until(() => told.length === 1);
  await room.settle(acknowledge(source, 1));
  coordinator.abortPending('a task failed');
  await room.settle(acknowledge(sink, 1));
  await room.until(() => told.filter(({ what }) => what === 'abort').length === 2);
  assert.is(pointerMoves.length, 0);
  assert.is(coordinator.unexpectedCount, 1);
});

test('a checkpoint that is not complete in time is aborted and fails the job beyond the tolerable number (CC4)', async () => {
  const { room, told, enter, acknowledge, failures, source } = setUp();
  enter('RUNNING', 'RUNNING');
  await room.until(() => told.length === 1);
  await room.settle(acknowledge(source, 1));
  await room.until(() => failures.length > 0);
  assert.is(room.world.nowMs, 6_000);
  assert.is(failures[0]?.code, 'CHECKPOINT_FAILURES');
  assert.is(
    (failures[0]?.cause as MillraceError).message,
    'Checkpoint 1 took longer than 5000 ms: it waited for "task 1" (subtask 1).',
    'the source has acknowledged',
  );
  await room.until(() => told.filter(({ what }) => what === 'abort').length === 2);
});

test('the final checkpoint starts as soon as all tasks reached the end of their data, reported before or after RUNNING (CC5)', async () => {
  const { room, tasks, told, enter, source, sink } = setUp();
  const endOfData = (attemptId: AttemptId) =>
    tasks.endpoint.ask({ kind: 'job', jobId: job }, 'task.end-of-data', { jobId: job, attemptId });
  await room.settle(endOfData(source));
  enter('RUNNING', 'RUNNING');
  await room.settle(endOfData(sink));
  const at = room.world.nowMs;
  await room.until(() => told.length === 1);
  assert.is(told[0]?.at, at);
});

test('a wall clock that is set back an hour delays no checkpoint (CC2)', async () => {
  const { room, told, enter, acknowledge, pointerMoves, source, sink, wall } = setUp(undefined, { minPauseMs: 800 });
  enter('RUNNING', 'RUNNING');
  await room.until(() => told.length === 1);
  await room.settle(Promise.all([acknowledge(sink, 1), acknowledge(source, 1)]));
  pointerMoves[0]?.();
  await room.until(() => told.filter(({ what }) => what === 'confirm').length === 2);
  wall.startsAt -= 3_600_000;
  await room.until(() => told.some(({ what, checkpointId }) => what === 'trigger' && checkpointId === 2));
  assert.ok(room.world.nowMs < 5_000, `the second one came at ${room.world.nowMs}`);
});

test.run();
