/** What went wrong in a job can be read on a terminal. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { FailureNote, JobSummary, VertexStatus } from '../../bus/protocol/messages/jobs.js';
import { bottleneckOf } from '../../cluster/cli/bottleneck.js';
import { coloursFor } from '../../cluster/cli/colours.js';
import { checkpointLines, historyLines, ProgressDisplay } from '../../cluster/cli/job-display.js';
import { latencyLines } from '../../cluster/cli/latency-display.js';
import { UnsettledNotes } from '../../cluster/cli/unsettled-display.js';
import { vertexLines } from '../../cluster/cli/vertex-display.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { taskManagerId } from '../../core/ids.js';

const test = suite('job display');
const plain = coloursFor({ isTTY: false } as unknown as NodeJS.WriteStream, {});
const note = (task: string | null, message: string): FailureNote => ({
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  task,
  attemptId: null,
  taskManagerId: task === null ? null : taskManagerId('tm-1'),
  error: toErrorRecord(new MillraceError('USER_FUNCTION', message, task === null ? {} : { where: task })),
});

test('each failure says when, which task, where and what; what came with it is indented, what is left out is counted', () => {
  const exceptions = [
    { ...note('count (1/2)', 'boom'), concurrent: [note('count (2/2)', 'bang')], concurrentCount: 3 },
    { ...note(null, 'no slots'), concurrent: [], concurrentCount: 0 },
  ];
  assert.equal(historyLines({ exceptions } as unknown as JobSummary, plain), [
    'failures, latest first:',
    '  2026-01-02T03:04:05.006Z  count (1/2) on tm-1: boom [USER_FUNCTION]',
    '      with it  2026-01-02T03:04:05.006Z  count (2/2) on tm-1: bang [USER_FUNCTION]',
    '      and 2 more',
    '  2026-01-02T03:04:05.006Z  the job: no slots [USER_FUNCTION]',
  ]);
});

test('a line a vertex says how its tasks fare: states, records, and how they spent the latest second', () => {
  const subtask = (subtaskIndex: number, state: string, load: object | null): object => ({
    subtaskIndex,
    state,
    metrics: { ...noTaskMetrics, recordsIn: 1_000, recordsOut: 400, recordsWritten: 0 },
    load,
  });
  const vertices = [
    {
      name: 'numbers',
      parallelism: 2,
      subtasks: [
        subtask(0, 'RUNNING', { busy: 100, backPressured: 900, idle: 0 }),
        subtask(1, 'RUNNING', { busy: 300, backPressured: 300, idle: 400 }),
      ],
    },
    { name: 'sink', parallelism: 2, subtasks: [subtask(0, 'RUNNING', null), subtask(1, 'FINISHED', null)] },
  ];
  assert.equal(vertexLines({ vertices } as unknown as JobSummary, plain), [
    '  numbers (2)  RUNNING  2,000 in  800 out  busy 20 %  back-pressured 60 % (90 %)  idle 20 %',
    '  sink (2)  1 RUNNING 1 FINISHED  2,000 in  800 out',
  ]);
});

test('a call of user code that does not settle is named, with its slowest subtask, as long as its task lives', () => {
  const subtask = (state: string, forMs: number): object => ({
    state,
    metrics: { ...noTaskMetrics, unsettled: { operator: 'lookup', call: 'open', forMs } },
    load: null,
  });
  const lineOf = (subtasks: object[]): string | undefined =>
    vertexLines({ vertices: [{ name: 'chain', parallelism: 2, subtasks }] } as unknown as JobSummary, plain)[0];
  assert.is(
    lineOf([subtask('INITIALIZING', 12_000), subtask('INITIALIZING', 31_400)]),
    '  chain (2)  INITIALIZING  0 in  0 out  waits for open of "lookup" for 31 s',
  );
  assert.is(lineOf([subtask('FAILED', 12_000), subtask('FAILED', 12_000)]), '  chain (2)  FAILED  0 in  0 out');
});

test('who waits for a job is told once of each call that does not settle, and again when it comes back', () => {
  const call = (operator: string, forMs: number) => ({ task: `${operator} (1/2)`, operator, call: 'open', forMs });
  const notes = new UnsettledNotes();
  assert.equal(notes.news({}), []);
  assert.equal(notes.news({ unsettled: [call('lookup', 10_100)] }), ['lookup: open has not settled for 10 s; lookup (1/2) waits for it']);
  assert.equal(notes.news({ unsettled: [call('lookup', 11_000), call('other', 10_000)] }), [
    'other: open has not settled for 10 s; other (1/2) waits for it',
  ]);
  assert.equal(notes.news({}), []);
  assert.is(notes.news({ unsettled: [call('lookup', 10_000)] }).length, 1, 'another attempt');
});

test('progress names what a job waits for, on a line of its own', () => {
  let written = '';
  const out = { isTTY: false, write: (text: string) => void (written += text) } as unknown as NodeJS.WriteStream;
  const display = new ProgressDisplay(out);
  const job = {
    status: 'RUNNING',
    submittedAt: 0,
    endedAt: null,
    recordsIn: 0,
    checkpointsCompleted: 0,
    restarts: 0,
    unsettled: [{ task: 'topic (1/1)', operator: 'topic', call: 'enumerate', forMs: 10_000 }],
  } as unknown as JobSummary;
  display.show(job, 10_000);
  display.show(job, 20_000);
  assert.is(written.match(/waiting: topic: enumerate has not settled for 10 s/g)?.length, 1);
});

test('the latest checkpoint is shown as run --from takes it, as long as it may be there', () => {
  const linesOf = (status: string, latestCheckpointId: number | null) =>
    checkpointLines({ jobId: 'ab'.repeat(16), status, latestCheckpointId } as unknown as JobSummary);
  const line = `latest checkpoint: 7; to start a job from it: --from ${'ab'.repeat(16)}/7`;
  assert.equal(linesOf('RUNNING', 7), [line]);
  assert.equal(linesOf('FAILED', 7), [line]);
  assert.match(linesOf('CANCELED', 7)[0] ?? '', /7, if checkpoints are retained on cancellation; .*--from abab/);
  assert.equal(linesOf('FINISHED', 7), []);
  assert.equal(linesOf('RUNNING', null), []);
});

/** A vertex that reads from `from`, with one subtask. */
const vertexOf = (name: string, from: readonly string[], load: object, channels: object = {}): VertexStatus =>
  ({
    vertexId: name,
    name,
    parallelism: 1,
    subtasks: [
      {
        subtaskIndex: 0,
        state: 'RUNNING',
        metrics: { ...noTaskMetrics, channels: { inputUse: 0, outputUse: 0, inputs: [], outputs: [], ...channels } },
        load: { busy: 0, backPressured: 0, idle: 0, ...load },
      },
    ],
    inputs: from.map((vertexId) => ({ edgeId: `${vertexId}-${name}`, vertexId })),
  }) as unknown as VertexStatus;
const nameOfBottleneck = (name: string, vertices: readonly VertexStatus[]): string | undefined =>
  bottleneckOf(vertices.find((vertex) => vertex.name === name) as VertexStatus, vertices)?.name;

test('what holds a vertex back is the first one downstream that is not held back itself, by way of the fullest inputs (BN1, BN2)', () => {
  const vertices = [
    vertexOf('numbers', [], { busy: 50, backPressured: 950 }),
    vertexOf('map', ['numbers'], { busy: 300, backPressured: 700 }, { inputUse: 1 }),
    vertexOf('side', ['numbers'], { busy: 990, idle: 10 }, { inputUse: 0.1 }),
    vertexOf('slow', ['map'], { busy: 900, idle: 100 }, { inputUse: 0.9 }),
    vertexOf('after', ['slow'], { idle: 1_000 }),
  ];
  assert.equal(
    ['numbers', 'map', 'side', 'slow', 'after'].map((name) => nameOfBottleneck(name, vertices)),
    ['slow', 'slow', undefined, undefined, undefined],
  );
});

test('what the data does not show is not said (BN2)', () => {
  const idle = vertexOf('sink', ['numbers'], { idle: 1_000 });
  const held = vertexOf('numbers', [], { backPressured: 1_000 });
  assert.is(nameOfBottleneck('numbers', [held, idle]), undefined, 'nobody is busy');
  assert.is(nameOfBottleneck('numbers', [held]), undefined, 'nobody reads from it');
  const circle = [vertexOf('a', ['b'], { backPressured: 1_000 }), vertexOf('b', ['a'], { backPressured: 1_000 })];
  assert.is(nameOfBottleneck('a', circle), undefined);
});

test('the fullest input and output of a vertex stand below it, and the line of what is held back names why', () => {
  const inputs = [
    { edgeId: 'numbers-slow', peerSubtask: 3, held: 2, granted: 8 },
    { edgeId: 'numbers-slow', peerSubtask: 1, held: 7, granted: 8 },
  ];
  const outputs = [{ edgeId: 'numbers-slow', peerSubtask: 0, waiting: 1 }];
  const vertices = [
    vertexOf('numbers', [], { busy: 50, backPressured: 950 }, { outputs, outputUse: 1 }),
    vertexOf('slow', ['numbers'], { busy: 1_000 }, { inputs, inputUse: 0.8 }),
  ];
  assert.equal(vertexLines({ vertices } as unknown as JobSummary, plain), [
    '  numbers (1)  RUNNING  0 in  0 out  busy 5 %  back-pressured 95 %  idle 0 %  held back by slow',
    '      fullest output: 1 frame for slow (1) at subtask 1',
    '  slow (1)  RUNNING  0 in  0 out  busy 100 %  back-pressured 0 %  idle 0 %',
    '      fullest input: 7 of 8 frames from numbers (2) at subtask 1',
  ]);
});

test('a line a source and operator says how long records take', () => {
  const quantiles = { count: 1_200, p50: 3, p90: 8, p99: 21, max: 1_031 };
  const latencies = [
    { source: 'Source: numbers', sourceSubtask: null, operator: 'count', subtask: null, ...quantiles },
    { source: 'Source: numbers', sourceSubtask: 0, operator: 'count', subtask: 3, ...quantiles },
    { source: null, sourceSubtask: null, operator: 'count', subtask: null, ...quantiles },
  ];
  assert.equal(latencyLines({ latencies } as unknown as JobSummary), [
    'latency markers of the latest minute or two:',
    '  Source: numbers → count  p50 3 ms  p90 8 ms  p99 21 ms  max 1,031 ms  of 1,200',
    '  Source: numbers (1) → count (4)  p50 3 ms  p90 8 ms  p99 21 ms  max 1,031 ms  of 1,200',
    '  all sources → count  p50 3 ms  p90 8 ms  p99 21 ms  max 1,031 ms  of 1,200',
  ]);
  assert.equal(latencyLines({} as JobSummary), []);
});

test('a job without failures has nothing to say', () => {
  assert.equal(historyLines({ exceptions: [] } as unknown as JobSummary, plain), []);
  assert.equal(historyLines({} as JobSummary, plain), []);
});

test.run();
