/** A call of user code that never settles is told, and fails its task where it holds up its start; one that settles in time is not noticed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { CheckpointedFunction } from '../../dataflow/functions.js';
import { checkpointHooksOf } from '../../dataflow/operators/rich-function.js';
import type { Operator, Source } from '../../dataflow/contracts.js';
import { UserCalls, type CallingOperator, type UserCall } from '../../dataflow/task/user-calls.js';
import { defineJob } from '../../index.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { recordingLogger } from '../support/silent-logger.js';
import { nothing } from '../support/sinks.js';
import { checkpointed, rangeSource, streamGraph } from '../support/stream-jobs.js';

const test = suite('user calls');

const never = (): Promise<never> => new Promise(() => undefined);
const lookup: CallingOperator = { name: 'lookup', kind: 'operator' };

function subject(timeoutMs = 60_000) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  return { clock, lines, calls: new UserCalls({ task: 'lookup (1/1)', clock, logger, timeoutMs }) };
}

const errorOf = (settled: Promise<unknown>): Promise<MillraceError | undefined> =>
  settled.then(
    () => undefined,
    (error: unknown) => error as MillraceError,
  );

test('a call that has not settled is said once, with its operator, and shown as long as it lasts (UC1)', async () => {
  const { clock, lines, calls } = subject();
  let settle = (): void => undefined;
  const opened = calls.wait(lookup, 'open', new Promise<void>((resolve) => (settle = resolve)));
  clock.advance(limits.userCallSlowMs - 1);
  assert.is(calls.slow, undefined);
  assert.is(lines.length, 0);
  clock.advance(1);
  assert.equal(calls.slow, { operator: 'lookup', call: 'open', forMs: limits.userCallSlowMs });
  clock.advance(5_000);
  assert.is(calls.slow?.forMs, limits.userCallSlowMs + 5_000);
  assert.equal(
    lines.map(({ level, fields }) => [level, fields['operator'], fields['task']]),
    [['warn', 'lookup', 'lookup (1/1)']],
  );
  settle();
  await opened;
  assert.is(calls.slow, undefined);
  assert.is(clock.pendingTimers(), 0);
});

test('what holds up the start of a task fails after the bound, naming the operator and what to do (UC2)', async () => {
  const bounded: readonly (readonly [UserCall, string])[] = [
    ['open', 'OPEN_TIMEOUT'],
    ['enumerate', 'ENUMERATE_TIMEOUT'],
    ['start', 'START_TIMEOUT'],
  ];
  for (const [call, code] of bounded) {
    const { clock, calls } = subject(60_000);
    const failed = errorOf(calls.wait(lookup, call, never()));
    clock.advance(60_000);
    const error = await failed;
    assert.equal([error?.code, error?.where], [code, 'lookup']);
    assert.match(`${error?.message} ${error?.hint}`, new RegExp(`^${call} has not settled within 60000 ms.*task\\.open\\.timeout`));
    assert.is(clock.pendingTimers(), 0);
  }
});

test('snapshots, commits and the end of an operator are said and waited for; a bound of 0 is none (UC3)', () => {
  const unbounded: readonly (readonly [UserCall, number])[] = [
    ['prepareSnapshot', 60_000],
    ['snapshot', 60_000],
    ['checkpointCompleted', 60_000],
    ['checkpointAborted', 60_000],
    ['close', 60_000],
    ['open', 0],
  ];
  for (const [call, timeoutMs] of unbounded) {
    const { clock, lines, calls } = subject(timeoutMs);
    let isOver = false;
    void calls.wait(lookup, call, never()).finally(() => (isOver = true));
    clock.advance(86_400_000);
    assert.is(isOver, false, call);
    assert.is(lines.length, 1, call);
  }
});

test('a call is named as its author knows it: in a function, in the writer of a sink, and what it is about', () => {
  const { clock, calls, lines } = subject();
  void calls.wait(lookup, 'prepareSnapshot', never());
  void calls.wait({ name: 'files', kind: 'sink' }, 'prepareSnapshot', never());
  void calls.wait({ name: 'topic', kind: 'source' }, 'start', never(), 'partition-3');
  clock.advance(limits.userCallSlowMs);
  assert.equal(
    lines.map(({ fields }) => [fields['operator'], fields['call']]),
    [
      ['lookup', 'snapshotState'],
      ['files', 'prepareSnapshot'],
      ['topic', 'start of partition-3'],
    ],
  );
  assert.is(calls.slow?.operator, 'lookup', 'the oldest');
  calls.forgetAll();
  assert.is(calls.slow, undefined);
  assert.is(clock.pendingTimers(), 0);
});

test('what a call rejects with names the operator', async () => {
  const { clock, calls } = subject();
  assert.is(await errorOf(calls.wait(lookup, 'open', Promise.resolve())), undefined);
  assert.is((await errorOf(calls.wait(lookup, 'open', Promise.reject(new Error('boom')))))?.where, 'lookup');
  assert.is(clock.pendingTimers(), 0);
});

const records: Source<unknown> = rangeSource({ splits: 1, recordsPerSplit: 10, value: (_, index) => index });
const passOn: Operator = { bind: (out) => out };

/** A job of one task whose parts are replaced. */
function taskOf({ source = {}, operator = {} }: { readonly source?: Partial<Source<unknown>>; readonly operator?: Partial<Operator> }) {
  const graph = streamGraph({
    settings: { ...checkpointed, openTimeoutMs: 60_000 },
    nodes: [
      { name: 'source', source: { ...records, ...source } },
      { name: 'lookup', create: () => ({ ...passOn, ...operator }) },
      { name: 'sink', isSink: true, create: () => ({ bind: () => () => undefined }) },
    ],
    edges: [
      { from: 'source', to: 'lookup' },
      { from: 'lookup', to: 'sink' },
    ],
  });
  return new TaskHarness({ graph });
}

const hanging = (hooks: CheckpointedFunction): Partial<Operator> => checkpointHooksOf(() => hooks);
const unsettledOf = (harness: TaskHarness) => harness.tasks()[0]?.runtime.metrics().unsettled;

test('a task shows each call that does not settle: of a source, of a function at a checkpoint, and at its end', async () => {
  const reader = records.createReader;
  const cases: readonly (readonly [string, string, Parameters<typeof taskOf>[0]])[] = [
    ['open', 'lookup', { operator: { open: never } }],
    ['enumerate', 'source', { source: { enumerate: never } }],
    ['start of split-0', 'source', { source: { createReader: (context) => Object.assign(reader(context), { start: never }) } }],
    ['snapshotState', 'lookup', { operator: hanging({ snapshotState: never }) }],
    ['snapshot', 'lookup', { operator: { snapshot: never } }],
    ['notifyCheckpointComplete', 'lookup', { operator: hanging({ notifyCheckpointComplete: never }) }],
    ['close', 'lookup', { operator: { close: never } }],
  ];
  for (const [call, operator, parts] of cases) {
    const harness = taskOf(parts);
    harness.deploy();
    await harness.runUntil(() => {
      if (harness.isRunning && harness.completed.length === 0) harness.triggerCheckpoint();
      return unsettledOf(harness) !== undefined;
    }, 40_000);
    const { forMs, ...told } = unsettledOf(harness) ?? { forMs: 0 };
    assert.equal(told, { operator, call });
    assert.ok(forMs >= limits.userCallSlowMs);
    assert.equal(harness.failures, []);
    harness.kill();
  }
});

test('a source whose splits are not found, or not started, within the bound fails its task (UC2)', async () => {
  const reader = records.createReader;
  const cases: readonly (readonly [string, Partial<Source<unknown>>])[] = [
    ['ENUMERATE_TIMEOUT', { enumerate: never }],
    ['START_TIMEOUT', { createReader: (context) => Object.assign(reader(context), { start: never }) }],
  ];
  for (const [code, source] of cases) {
    const harness = taskOf({ source });
    harness.deploy();
    await harness.runUntil(() => harness.failures.length > 0, 70_000);
    const error = harness.failures[0]?.error as MillraceError;
    assert.equal([error.code, error.where], [code, 'source']);
    await harness.cancel();
  }
});

test('a job has the bound of task.open.timeout, ten minutes unless configured', () => {
  const { settings } = defineJob('x', (env) => void env.fromData(1).sinkTo(nothing())).build({});
  assert.is(settings.openTimeoutMs, 600_000);
});

test.run();
