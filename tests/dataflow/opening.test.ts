/** An `open` that never settles is told, and fails its task; one that settles in time is not noticed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { Opening } from '../../dataflow/task/opening.js';
import { defineJob } from '../../index.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { recordingLogger } from '../support/silent-logger.js';
import { nothing } from '../support/sinks.js';

const test = suite('opening');

const never = (): Promise<void> => new Promise(() => undefined);

function subject(timeoutMs = 60_000) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  return { clock, lines, opening: new Opening({ clock, logger, timeoutMs }) };
}

test('an open that has not settled is said once, with its operator, and shown as long as it lasts (OP1)', async () => {
  const { clock, lines, opening } = subject();
  let settle = (): void => undefined;
  const opened = opening.open('lookup', () => new Promise<void>((resolve) => (settle = resolve)));
  clock.advance(limits.openSlowMs - 1);
  assert.is(opening.slow, undefined);
  assert.is(lines.length, 0);
  clock.advance(1);
  assert.equal(opening.slow, { operator: 'lookup', forMs: limits.openSlowMs });
  clock.advance(5_000);
  assert.is(opening.slow?.forMs, limits.openSlowMs + 5_000);
  assert.equal(
    lines.map(({ level, fields }) => [level, fields['operator']]),
    [['warn', 'lookup']],
  );
  settle();
  await opened;
  assert.is(opening.slow, undefined);
  assert.is(clock.pendingTimers(), 0);
});

test('one that never settles fails after the bound, naming the operator and what to do (OP2)', async () => {
  const { clock, opening } = subject(60_000);
  const opened = opening.open('lookup', never).then(
    () => undefined,
    (error: unknown) => error as MillraceError,
  );
  clock.advance(60_000);
  const error = await opened;
  assert.equal([error?.code, error?.where], ['OPEN_TIMEOUT', 'lookup']);
  assert.match(`${error?.message} ${error?.hint}`, /60000 ms.*task\.open\.timeout/);
  assert.is(clock.pendingTimers(), 0);
});

test('without a bound it is said and waited for', () => {
  const { clock, lines, opening } = subject(0);
  let isOver = false;
  void opening.open('lookup', never).finally(() => (isOver = true));
  clock.advance(86_400_000);
  assert.is(isOver, false);
  assert.is(lines.length, 1);
});

test('what open throws or rejects with names the operator; a synchronous open needs no timer', async () => {
  const { clock, opening } = subject();
  const rejected = async (open: () => void | Promise<void>): Promise<string | undefined> =>
    opening.open('lookup', open).then(
      () => undefined,
      (error: unknown) => (error as MillraceError).where,
    );
  assert.is(await rejected(() => undefined), undefined);
  assert.is(
    await rejected(() => {
      throw new Error('boom');
    }),
    'lookup',
  );
  assert.is(await rejected(() => Promise.reject(new Error('boom'))), 'lookup');
  assert.is(clock.pendingTimers(), 0);
});

test('a job has the bound of task.open.timeout, ten minutes unless configured', () => {
  const { settings } = defineJob('x', (env) => void env.fromData(1).sinkTo(nothing())).build({});
  assert.is(settings.openTimeoutMs, 600_000);
});

test.run();
