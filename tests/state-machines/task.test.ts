import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { reportedState, taskCatalogueEntry, taskMachine, type TaskEffect, type TaskEvent } from '../../state-machines/task/task-machine.js';
import { exploreShortestPaths, stateText, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';

const test = suite('task machine');
const cause = (code: string): ErrorRecord => ({ code, domain: 'user', recovery: 'restart-job', message: code });
const samples: TaskEvent[] = [
  { type: 'START' },
  { type: 'DEPLOYED' },
  { type: 'RESTORED' },
  { type: 'TASK_FINISHED' },
  { type: 'TASK_FAILED', error: cause('USER') },
  { type: 'CANCEL' },
  { type: 'FAIL_EXTERNALLY', error: cause('SLOT_FREED') },
  { type: 'CLOSED' },
  { type: 'FINAL_STATE_REPORTED' },
  { type: 'REPORT_REFUSED', error: cause('UNKNOWN_ATTEMPT') },
  { type: 'END_OF_DATA' },
  { type: 'TRIGGER_CHECKPOINT', checkpointId: 4, triggeredAt: 1, isFinal: false },
  { type: 'CONFIRM_CHECKPOINT', checkpointId: 4 },
  { type: 'ABORT_CHECKPOINT', checkpointId: 4 },
];

function start(): { host: MachineHost<typeof taskMachine, TaskEffect>; effects: () => readonly string[] } {
  const performed: TaskEffect[] = [];
  const host = new MachineHost<typeof taskMachine, TaskEffect>({
    machine: taskMachine,
    input: undefined,
    name: 'map (1/2)',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, effects: () => performed.splice(0).map(({ type, params }) => `${type} ${JSON.stringify(params)}`) };
}

/** Flink's table for the TaskManager side (flink.md §1.3), with the way out spelled: RELEASED is the end of reporting. */
const flink = new Set([
  'CREATED DEPLOYING',
  'CREATED CANCELING',
  'CREATED FAILED',
  'DEPLOYING INITIALIZING',
  'DEPLOYING CANCELING',
  'DEPLOYING FAILED',
  'INITIALIZING RUNNING',
  'INITIALIZING CANCELING',
  'INITIALIZING FAILED',
  'RUNNING FINISHED',
  'RUNNING CANCELING',
  'RUNNING FAILED',
  'CANCELING CANCELED',
  'FINISHED RELEASED',
  'CANCELED RELEASED',
  'FAILED RELEASED',
]);

test('every leaf says what every event does', () => assertTotal(taskMachine, taskCatalogueEntry.events));

test("by shortest paths exactly Flink's transitions are possible (T1)", () => {
  const seen = new Set<string>();
  const { isTruncated } = exploreShortestPaths(taskMachine, {
    events: samples,
    invariant: ({ from, to }) => {
      const [before, after] = [reportedState(stateText(from.value)), reportedState(stateText(to.value))];
      if (before !== after) seen.add(`${before} ${after}`);
    },
  });
  assert.not(isTruncated);
  assert.equal([...seen].sort(), [...flink].sort());
});

test('over random walks one final state is reported, after everything was closed, and then the task is released (T2, T6)', () => {
  let seed = 11;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let released = 0;
  for (let walk = 0; walk < 400; walk++) {
    let isClosed = true;
    const finals: string[] = [];
    const invariant = ({ event, effects, to }: Step): void => {
      if (event.type === 'CLOSED') isClosed = true;
      for (const { type, params } of effects) {
        const { state } = params as { state?: string };
        if (type === 'close') isClosed = false;
        if (type === 'report' && state !== 'INITIALIZING' && state !== 'RUNNING') {
          assert.ok(isClosed, `${state} reported before the task was closed`);
          finals.push(String(state));
        }
      }
      if (to.value === 'RELEASED') {
        released++;
        assert.is(finals.length, 1);
      }
    };
    walkRandomly(taskMachine, { events: samples, walks: 1, steps: 60, next, invariant });
  }
  assert.ok(released > 100);
});

test('a trigger is declined before RUNNING as not ready and after it as closing (T3)', () => {
  const { host, effects } = start();
  const trigger = { type: 'TRIGGER_CHECKPOINT', checkpointId: 9, triggeredAt: 5, isFinal: false } as const;
  host.send(trigger);
  assert.equal(effects(), ['declineCheckpoint {"checkpointId":9,"reason":"CHECKPOINT_DECLINED_TASK_NOT_READY"}']);
  host.send({ type: 'START' });
  host.send({ type: 'DEPLOYED' });
  host.send({ type: 'RESTORED' });
  effects();
  host.send(trigger);
  assert.equal(effects(), ['triggerCheckpoint {"checkpointId":9,"triggeredAt":5,"isFinal":false}']);
  host.send({ type: 'CANCEL' });
  effects();
  host.send(trigger);
  assert.equal(effects(), ['declineCheckpoint {"checkpointId":9,"reason":"CHECKPOINT_DECLINED_TASK_CLOSING"}']);
});

test('the first cause stands, and later failures are counted (T4)', () => {
  const { host } = start();
  host.send({ type: 'START' });
  host.send({ type: 'TASK_FAILED', error: cause('FIRST') });
  host.send({ type: 'TASK_FAILED', error: cause('SECOND') });
  host.send({ type: 'FAIL_EXTERNALLY', error: cause('THIRD') });
  assert.is(host.context.error?.code, 'FIRST');
  assert.is(host.ignored.get('FAILED.closing TASK_FAILED late'), 1);
  assert.is(host.ignored.get('FAILED.closing FAIL_EXTERNALLY moot'), 1);
});

test('a failure while CANCELING ends in CANCELED (T4)', () => {
  const { host, effects } = start();
  host.send({ type: 'START' });
  host.send({ type: 'CANCEL' });
  host.send({ type: 'TASK_FAILED', error: cause('LATE') });
  effects();
  host.send({ type: 'CLOSED' });
  assert.is(host.state, 'CANCELED.reporting');
  assert.equal(effects(), ['report {"state":"CANCELED","error":null}']);
});

test('a task that the scheduler does not know fails itself, and is released without being asked again (T5)', () => {
  const { host } = start();
  for (const type of ['START', 'DEPLOYED'] as const) host.send({ type });
  host.send({ type: 'REPORT_REFUSED', error: cause('UNKNOWN_ATTEMPT') });
  assert.is(host.state, 'FAILED.closing');
  host.send({ type: 'CLOSED' });
  host.send({ type: 'REPORT_REFUSED', error: cause('UNKNOWN_ATTEMPT') });
  assert.is(host.state, 'RELEASED');
});

test('what comes late for a released task is counted', () => {
  const { host, effects } = start();
  host.send({ type: 'CANCEL' });
  host.send({ type: 'CLOSED' });
  host.send({ type: 'FINAL_STATE_REPORTED' });
  effects();
  host.send({ type: 'CONFIRM_CHECKPOINT', checkpointId: 1 });
  assert.equal(effects(), []);
  assert.is(host.ignored.get('RELEASED CONFIRM_CHECKPOINT late'), 1);
});

test.run();
