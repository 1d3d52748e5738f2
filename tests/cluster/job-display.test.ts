/** What went wrong in a job can be read on a terminal. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FailureNote, JobSummary } from '../../bus/protocol/messages/jobs.js';
import { coloursFor } from '../../cluster/cli/colours.js';
import { historyLines } from '../../cluster/cli/job-display.js';
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

test('a job without failures has nothing to say', () => {
  assert.equal(historyLines({ exceptions: [] } as unknown as JobSummary, plain), []);
  assert.equal(historyLines({} as JobSummary, plain), []);
});

test.run();
