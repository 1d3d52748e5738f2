import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExceptionHistory } from '../../actors/scheduler/exception-history.js';
import type { FailureNote } from '../../bus/protocol/messages/jobs.js';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';

const test = suite('exception history');
const failure = (message: string, code = 'USER_FUNCTION'): FailureNote => ({
  at: 1,
  task: message,
  attemptId: null,
  taskManagerId: null,
  error: toErrorRecord(new MillraceError(code, message, { cause: new Error('why', { cause: new Error('deeper') }) })),
});

test('it keeps the latest entries, and of each the first concurrent failures; the rest are counted (EH1)', () => {
  const history = new ExceptionHistory();
  for (let n = 0; n < limits.exceptionHistory + 5; n += 1) history.add(failure(`failure ${n}`), false);
  assert.is(history.entries().length, limits.exceptionHistory);
  assert.is(history.entries()[0]?.task, `failure ${limits.exceptionHistory + 4}`);
  for (let n = 0; n < limits.exceptionHistory + 5; n += 1) history.add(failure(`other ${n}`), true);
  assert.is(history.entries().length, limits.exceptionHistory);
  assert.is(history.entries()[0]?.concurrent.length, limits.exceptionHistory);
  assert.is(history.entries()[0]?.concurrentCount, limits.exceptionHistory + 5);
  assert.is(new ExceptionHistory({ entriesMax: 0 }).entries().length, 0);
});

test('a full history of the longest failures fits a message (EH1)', () => {
  const history = new ExceptionHistory();
  for (let n = 0; n < limits.exceptionHistory; n += 1) {
    for (let m = 0; m <= limits.exceptionHistory; m += 1) history.add({ ...failure('x'.repeat(100_000)), task: `${n} ${m}` }, m > 0);
  }
  const bytes = JSON.stringify(history.entries()).length;
  assert.ok(bytes < limits.controlMessageBytesMax, `${bytes} bytes`);
});

test('a first cause keeps its stack and causes, what came with it only says what it was (EH1)', () => {
  const history = new ExceptionHistory();
  history.add(failure('first'), false);
  history.add(failure('second'), true);
  const [entry] = history.entries();
  assert.ok(entry?.error.stack !== undefined && entry.error.cause?.cause?.message === 'Error: deeper');
  assert.is(entry?.concurrent[0]?.error.stack, undefined);
  assert.is(entry?.concurrent[0]?.error.cause, undefined);
});

test('the neighbour that really failed takes the place of one that only lost it (EH2)', () => {
  const history = new ExceptionHistory();
  history.add(failure('victim', 'CHANNEL_CLOSED'), false);
  history.add(failure('guilty'), true);
  const [entry] = history.entries();
  assert.is(entry?.task, 'guilty');
  assert.equal(
    entry?.concurrent.map(({ task }) => task),
    ['victim'],
  );
});

test.run();
