/** What went wrong in a job can be read on a terminal. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { FailureNote, JobSummary } from '../../bus/protocol/messages/jobs.js';
import { coloursFor } from '../../cluster/cli/colours.js';
import { historyLines, vertexLines } from '../../cluster/cli/job-display.js';
import { latencyLines } from '../../cluster/cli/latency-display.js';
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
