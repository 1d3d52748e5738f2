import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  executionCatalogueEntry,
  executionMachine,
  type ExecutionEffect,
  type ExecutionEvent,
} from '../../state-machines/execution/execution-machine.js';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';

const test = suite('execution machine');
const cause = (code: string): ErrorRecord => ({ code, domain: 'user', recovery: 'restart-job', message: code });
const at = 5;
const samples: ExecutionEvent[] = [
  { type: 'SCHEDULE', at },
  { type: 'DEPLOY', at },
  { type: 'CANCEL', at },
  { type: 'FAIL', at, error: cause('GIVEN_UP') },
  { type: 'RECONCILE', at },
  { type: 'TASK_INITIALIZING', at },
  { type: 'TASK_RUNNING', at },
  { type: 'TASK_FINISHED', at },
  { type: 'TASK_CANCELED', at },
  { type: 'TASK_FAILED', at, error: cause('USER') },
  { type: 'CANCEL_UNANSWERED', at },
  { type: 'CANCEL_UNKNOWN', at },
];

const nonTerminal = ['CREATED', 'SCHEDULED', 'DEPLOYING', 'INITIALIZING', 'RUNNING'];
/** Every row of Flink's table (flink.md §1.2). */
const flink = [
  'CREATED SCHEDULED',
  'SCHEDULED DEPLOYING',
  'DEPLOYING INITIALIZING',
  'INITIALIZING RUNNING',
  ...['DEPLOYING', 'INITIALIZING', 'RUNNING'].map((from) => `${from} FINISHED`),
  ...nonTerminal.map((from) => `${from} CANCELING`),
  'CANCELING CANCELED',
  ...['DEPLOYING', 'INITIALIZING', 'RUNNING'].map((from) => `${from} CANCELED`),
  ...nonTerminal.map((from) => `${from} FAILED`),
  'CREATED RECONCILING',
  ...['INITIALIZING', 'RUNNING', 'FINISHED', 'CANCELED', 'FAILED'].map((to) => `RECONCILING ${to}`),
];

function changes({ effects }: Pick<Step, 'effects'>): string[] {
  return (effects as readonly ExecutionEffect[]).flatMap((effect) =>
    effect.type === 'stateChanged' ? [`${effect.params.from} ${effect.params.to}`] : [],
  );
}

function start(...events: readonly ExecutionEvent['type'][]) {
  const performed: ExecutionEffect[] = [];
  const host = new MachineHost<typeof executionMachine, ExecutionEffect>({
    machine: executionMachine,
    input: { at: 1 },
    name: 'map_0_1_0',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  const send = (type: ExecutionEvent['type']): void => host.send(samples.find((event) => event.type === type) as ExecutionEvent);
  events.forEach(send);
  performed.splice(0);
  return {
    host,
    send,
    effects: () => performed.splice(0).map(({ type }) => type),
    changes: () => changes({ effects: performed.splice(0) }),
  };
}

test('every leaf says what every event does', () => assertTotal(executionMachine, executionCatalogueEntry.events));

test('by shortest paths the state changes are exactly the rows of Flink (X1, X2, X3)', () => {
  const found = new Set<string>();
  const { isTruncated } = exploreShortestPaths(executionMachine, {
    input: { at: 1 },
    events: samples,
    invariant: (step) => changes(step).forEach((change) => found.add(change)),
  });
  assert.not(isTruncated);
  assert.equal([...found].sort(), [...flink].sort());
});

test('over random walks changes join up, a task is deployed at most once, and only from SCHEDULED (X3, X5)', () => {
  let seed = 11;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let walk = 0; walk < 300; walk++) {
    let state = 'CREATED';
    let deployments = 0;
    walkRandomly(executionMachine, {
      input: { at: 1 },
      events: samples,
      walks: 1,
      steps: 25,
      next,
      invariant: (step) => {
        for (const change of changes(step)) {
          const [from, to] = change.split(' ');
          assert.is(from, state, 'X5: no state is skipped');
          state = to as string;
        }
        deployments += step.effects.filter(({ type }) => type === 'deployTask').length;
        assert.ok(deployments <= 1, 'X3');
      },
    });
  }
});

test('RUNNING that overtakes INITIALIZING enters both states in order (X5)', () => {
  const { host, send, changes: told } = start('SCHEDULE', 'DEPLOY');
  send('TASK_RUNNING');
  assert.equal(told(), ['DEPLOYING INITIALIZING', 'INITIALIZING RUNNING']);
  send('TASK_INITIALIZING');
  assert.equal(told(), []);
  assert.is(host.ignored.get('RUNNING TASK_INITIALIZING late'), 1);
});

for (const report of ['TASK_CANCELED', 'TASK_FINISHED', 'TASK_FAILED', 'FAIL', 'CANCEL_UNKNOWN'] as const) {
  test(`what is being cancelled ends CANCELED when ${report} comes (X2)`, () => {
    const { host, send } = start('SCHEDULE', 'DEPLOY', 'TASK_RUNNING', 'CANCEL');
    send(report);
    assert.is(host.state, 'CANCELED');
  });
}

test('a failure during cancelling tells its cause, though the execution ends CANCELED', () => {
  const { send, effects } = start('SCHEDULE', 'DEPLOY', 'TASK_RUNNING', 'CANCEL');
  send('TASK_FAILED');
  assert.equal(effects(), ['causeLearned', 'stateChanged']);
});

test('an unanswered cancel call is made three times, then the execution counts as CANCELED', () => {
  const { host, send, effects } = start('SCHEDULE', 'DEPLOY', 'TASK_RUNNING');
  send('CANCEL');
  assert.equal(effects(), ['cancelTask', 'stateChanged']);
  send('CANCEL_UNANSWERED');
  send('CANCEL_UNANSWERED');
  assert.equal(effects(), ['cancelTask', 'cancelTask']);
  assert.is(host.state, 'CANCELING');
  send('CANCEL_UNANSWERED');
  assert.is(host.state, 'CANCELED');
});

test('cancelling what was never deployed calls nobody', () => {
  for (const before of [[], ['SCHEDULE']] as const) {
    const { send, effects, host } = start(...before);
    send('CANCEL');
    assert.equal(effects(), ['stateChanged', 'stateChanged']);
    assert.is(host.state, 'CANCELED');
  }
});

test('progress reported by a task that was given up makes it cancel again (X4)', () => {
  const failed = start('SCHEDULE', 'DEPLOY', 'FAIL');
  failed.send('TASK_RUNNING');
  assert.equal(failed.effects(), ['cancelTask']);
  const canceling = start('SCHEDULE', 'DEPLOY', 'TASK_INITIALIZING', 'CANCEL');
  canceling.send('TASK_RUNNING');
  assert.equal(canceling.effects(), ['cancelTask']);
});

test('a report before deployment fails the execution and cancels the task (X4)', () => {
  const { host, send, effects } = start('SCHEDULE');
  send('TASK_RUNNING');
  assert.is(host.state, 'FAILED');
  assert.is(host.context.error?.code, 'UNEXPECTED_TASK_STATE');
  assert.ok(effects().includes('cancelTask'));
});

test('late reports at a terminal state are named and counted (X1)', () => {
  const { host, send } = start('SCHEDULE', 'DEPLOY', 'TASK_RUNNING', 'TASK_FINISHED');
  send('TASK_FAILED');
  send('TASK_FINISHED');
  assert.is(host.state, 'FINISHED');
  assert.equal(
    [...host.ignored],
    [
      ['FINISHED TASK_FAILED late', 1],
      ['FINISHED TASK_FINISHED late', 1],
    ],
  );
});

test.run();
