/** The largest answer about a job fits a control message: its parts are bounded one by one, this is their sum. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { answerBytesOf, fitting } from '../../actors/job-manager/fitting-history.js';
import type { Execution } from '../../actors/scheduler/execution.js';
import { ExceptionHistory } from '../../actors/scheduler/exception-history.js';
import { latenciesOf } from '../../actors/scheduler/job-latencies.js';
import { vertexStatusesOf } from '../../actors/scheduler/vertex-statuses.js';
import { encodeReply, readReply } from '../../bus/protocol/envelope.js';
import type { JobSummary, PastAttempt } from '../../bus/protocol/messages/jobs.js';
import { noTaskMetrics, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import {
  attemptNumber,
  checkpointId,
  formatAttemptId,
  jobId,
  leaderEpoch,
  operatorId,
  taskManagerId,
  vertexId,
  type EdgeId,
} from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { JobGraph } from '../../graph/types.js';

const test = suite('the largest answer about a job');

/** Three bytes a character, as the widest ones. */
const operatorName = '名'.repeat(limits.operatorNameMax);
const taskName = '名'.repeat(limits.taskNameMax);
const count = 2 ** 40;
const id = (index: number): string => `${index}`.padStart(32, 'f');
const id1 = jobId('j'.repeat(36));
const tm = taskManagerId('t'.repeat(32));
const at = 1_700_000_000_000;
const attempt = (index: number) =>
  formatAttemptId({
    vertexId: vertexId(id(index)),
    subtaskIndex: 31_000,
    leaderEpoch: leaderEpoch(1_000),
    attemptNumber: attemptNumber(10_000),
  });

const channel = { edgeId: 'e10000' as EdgeId, peerSubtask: 30_000 };
const metrics = {
  ...Object.fromEntries([...Object.keys(noTaskMetrics), 'duplicateFrames'].map((name) => [name, count])),
  channels: {
    inputUse: 0.123_456,
    outputUse: 0.123_456,
    inputs: new Array(limits.channelsReported).fill({ ...channel, held: count, granted: count }),
    outputs: new Array(limits.channelsReported).fill({ ...channel, waiting: count }),
  },
} as unknown as TaskMetrics;

function largest(): JobSummary {
  const operators = Array.from({ length: limits.latenciesShown + 1 }, (_, index) => ({ id: operatorId(id(index)), name: operatorName }));
  const vertices = Array.from({ length: 64 }, (_, index) => ({
    id: vertexId(id(index)),
    name: taskName,
    parallelism: 32,
    operators: index === 0 ? operators : [],
  }));
  const jobGraph = { vertices, edges: [], settings: { latencyTracking: { intervalMs: 1, granularity: 'subtask' } } } as unknown as JobGraph;
  const latencies = operators.slice(1).map(({ id: operator }) => ({
    source: operators[0]?.id ?? null,
    sourceSubtask: 30_000,
    operator,
    max: 2 ** 31,
    buckets: [400, count],
  }));
  const executions = vertices.flatMap((vertex, index) =>
    Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => ({
      vertexId: vertex.id,
      subtaskIndex,
      attemptId: attempt(index),
      state: 'INITIALIZING',
      slot: { taskManagerId: tm },
      metrics,
      load: { busy: 333, backPressured: 333, idle: 334 },
    })),
  ) as unknown as Execution[];
  const error = {
    code: 'USER_FUNCTION',
    domain: 'user',
    recovery: 'restart-job',
    message: 'm'.repeat(2 * limits.exceptionTextMax),
  } as const;
  const failure = { at, task: `${taskName} (1/2)`, attemptId: attempt(1), taskManagerId: tm, error };
  const history = new ExceptionHistory();
  for (let n = 0; n < limits.exceptionHistory * (limits.exceptionHistory + 1); n += 1)
    history.add(failure, n % (limits.exceptionHistory + 1) !== 0);
  const past: PastAttempt = {
    attemptId: attempt(1),
    task: failure.task,
    state: 'CANCELED',
    taskManagerId: tm,
    endedAt: at,
    error: error.message.slice(0, limits.exceptionTextMax),
  };
  return {
    jobId: id1,
    name: taskName,
    status: 'RUNNING',
    submittedAt: at,
    timestamps: {},
    endedAt: null,
    restarts: count,
    checkpointsCompleted: count,
    latestCheckpointId: checkpointId(count),
    recordsIn: count,
    recordsOut: count,
    tasks: { RUNNING: 2_048 },
    exceptions: [...history.entries()],
    attempts: new Array<PastAttempt>(limits.attemptsShown).fill(past),
    vertices: vertexStatusesOf(jobGraph, executions),
    ...latenciesOf(jobGraph, [{ subtaskIndex: 30_000, metrics: { ...metrics, latencies } }]),
    error,
  };
}

const answerTo = (job: JobSummary): Uint8Array => encodeReply({ ok: true, body: { kind: 'found', job } });
const rowsOf = ({ exceptions = [], attempts = [], vertices = [], latencies = [] }: JobSummary): number[] => [
  exceptions.length,
  attempts.length,
  vertices.length,
  latencies.length,
];

test('latencies and channels alone, as many as are shown and with the longest names, fit a control message as they are', () => {
  const job = { ...largest(), exceptions: [], attempts: [] };
  assert.is(job.latencies?.length, limits.latenciesShown);
  const uses = job.vertices?.flatMap(({ subtasks }) => subtasks.flatMap(({ metrics: { channels } }) => channels ?? []));
  assert.is(uses?.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).length, limits.channelsShown);
  assert.ok(answerTo(job).length < limits.controlMessageBytesMax, `${answerTo(job).length} bytes`);
  assert.equal(fitting(job, answerBytesOf(limits.controlMessageBytesMax)), job, 'FH1');
});

for (const bytesMax of [limits.controlMessageBytesMax, limits.payloadBytesMin]) {
  test(`everything that can be shown is cut to a message of ${bytesMax} bytes, what takes most first (FH1)`, () => {
    const whole = largest();
    assert.ok(answerTo(whole).length > bytesMax);
    const job = fitting(whole, answerBytesOf(bytesMax));
    const bytes = answerTo(job);
    assert.ok(bytes.length <= bytesMax && bytes.length > bytesMax / 4, `${bytes.length} bytes`);
    assert.equal(readReply('job.describe', bytes), { ok: true, body: { kind: 'found', job } });
    assert.ok(
      rowsOf(job).every((rows) => rows > 0),
      rowsOf(job).join(),
    );
  });
}

test('what is no history is not cut, however little room there is (FH2)', () => {
  const { exceptions: _, attempts: __, vertices: ___, latencies: ____, ...plain } = largest();
  assert.equal(fitting(plain, 10), plain);
  assert.equal(rowsOf(fitting(largest(), 10)), [0, 0, 0, 0]);
});

test.run();
