import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  taskManagerRegistrationCatalogueEntry,
  taskManagerRegistrationMachine,
  type RegistrationContext,
  type RegistrationEffect,
  type RegistrationEvent,
} from '../../state-machines/task-manager-registration/task-manager-registration-machine.js';
import { exploreShortestPaths, stateText, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';

const test = suite('task-manager registration machine');
const input = {
  initialTimeoutMs: 100,
  maxTimeoutMs: 300,
  initialPauseMs: 50,
  maxPauseMs: 150,
  refusedPauseMs: 900,
  registrationTimeoutMs: 300_000,
};

const samples = (snapshot: { readonly context: unknown }): readonly RegistrationEvent[] => {
  const { attempt, timer } = snapshot.context as RegistrationContext;
  return [
    ...[attempt, attempt - 1].flatMap((n): RegistrationEvent[] => [
      { type: 'REGISTERED', attempt: n },
      { type: 'REJECTED', attempt: n, reason: 'version' },
      { type: 'ATTEMPT_FAILED', attempt: n, kind: 'timeout' },
      { type: 'ATTEMPT_FAILED', attempt: n, kind: 'no-responders' },
      { type: 'ATTEMPT_FAILED', attempt: n, kind: 'failure' },
      { type: 'RETRY_DUE', attempt: n },
    ]),
    { type: 'LEADER_CHANGED' },
    { type: 'CONNECTION_LOST' },
    { type: 'REGISTRATION_TIMED_OUT', timer },
    { type: 'REGISTRATION_TIMED_OUT', timer: timer - 1 },
    { type: 'STOP' },
  ];
};

const identify = (snapshot: { readonly value: unknown; readonly context: unknown }): string => {
  const { timeoutMs, pauseMs } = snapshot.context as RegistrationContext;
  return JSON.stringify([snapshot.value, timeoutMs, pauseMs]);
};

function start(): { host: MachineHost<typeof taskManagerRegistrationMachine, RegistrationEffect>; effects: () => readonly string[] } {
  const performed: RegistrationEffect[] = [];
  const host = new MachineHost<typeof taskManagerRegistrationMachine, RegistrationEffect>({
    machine: taskManagerRegistrationMachine,
    input,
    name: 'tm-1',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, effects: () => performed.splice(0).map(({ type, params }) => `${type} ${JSON.stringify(params)}`) };
}

test('every leaf says what every event does', () =>
  assertTotal(taskManagerRegistrationMachine, taskManagerRegistrationCatalogueEntry.events));

test('by shortest paths every state is reached, and registration comes only from an answer', () => {
  const { states, transitions } = exploreShortestPaths(taskManagerRegistrationMachine, { input, events: samples, identify });
  assert.equal(states, ['expired', 'registered', 'rejected', 'stopped', 'unregistered.pausing', 'unregistered.registering']);
  assert.equal(
    transitions.filter((text) => text.endsWith('--> registered')),
    ['unregistered.registering --REGISTERED--> registered'],
  );
});

test('over random walks each connect is followed by exactly one disconnect, and stale answers never connect (TR1)', () => {
  let seed = 17;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let connects = 0;
  for (let walk = 0; walk < 600; walk++) {
    let open = 0;
    const invariant = ({ event, effects, from, to }: Step): void => {
      for (const { type } of effects) {
        if (type === 'connect') {
          open++;
          connects++;
          assert.is((event as unknown as { attempt: number }).attempt, (from.context as RegistrationContext).attempt);
        }
        if (type === 'disconnect') open--;
      }
      assert.is(open, stateText(to.value) === 'registered' ? 1 : 0);
    };
    walkRandomly(taskManagerRegistrationMachine, { input, events: samples, walks: 1, steps: 60, next, invariant });
  }
  assert.ok(connects > 50);
});

test('the wait for an answer doubles up to its maximum (TR2)', () => {
  const { host, effects } = start();
  const waits: string[] = [...effects()];
  for (let attempt = 1; attempt <= 3; attempt++) host.send({ type: 'ATTEMPT_FAILED', attempt, kind: 'timeout' });
  waits.push(...effects());
  assert.equal(
    waits.filter((text) => text.startsWith('register ')),
    [100, 200, 300, 300].map((timeoutMs, n) => `register {"attempt":${n + 1},"timeoutMs":${timeoutMs}}`),
  );
});

test('the pause after no-responders doubles up to its maximum, and a refusal waits its own time (TR2)', () => {
  const { host, effects } = start();
  const pauses: string[] = [];
  for (let attempt = 1; attempt <= 4; attempt++) {
    host.send({ type: 'ATTEMPT_FAILED', attempt, kind: attempt < 4 ? 'no-responders' : 'failure' });
    pauses.push(...effects().filter((text) => text.startsWith('scheduleRetry')));
    host.send({ type: 'RETRY_DUE', attempt });
  }
  assert.equal(
    pauses,
    [50, 100, 150, 900].map((delayMs, n) => `scheduleRetry {"attempt":${n + 1},"delayMs":${delayMs}}`),
  );
});

test('a new leader ends the wait for an answer and the pause, and starts from the shortest times (TR3)', () => {
  const { host, effects } = start();
  host.send({ type: 'ATTEMPT_FAILED', attempt: 1, kind: 'timeout' });
  effects();
  host.send({ type: 'LEADER_CHANGED' });
  assert.equal(effects(), ['register {"attempt":3,"timeoutMs":100}']);
  host.send({ type: 'REGISTERED', attempt: 2 });
  assert.is(host.ignored.get('unregistered.registering REGISTERED stale'), 1);
  host.send({ type: 'ATTEMPT_FAILED', attempt: 3, kind: 'no-responders' });
  effects();
  host.send({ type: 'LEADER_CHANGED' });
  assert.equal(effects(), ['register {"attempt":4,"timeoutMs":100}']);
});

test('a new leader while registered disconnects and registers at once (TR3)', () => {
  const { host, effects } = start();
  host.send({ type: 'REGISTERED', attempt: 1 });
  assert.equal(effects().slice(-2), ['cancelTimers {}', 'connect {}']);
  host.send({ type: 'LEADER_CHANGED' });
  assert.equal(effects(), ['disconnect {}', 'watchRegistration {"timer":2,"delayMs":300000}', 'register {"attempt":2,"timeoutMs":100}']);
});

test('a rejection and the registration timeout give up; a timeout that was set before the last connection does not (TR4)', () => {
  const rejected = start();
  rejected.host.send({ type: 'REJECTED', attempt: 1, reason: 'other version' });
  assert.is(rejected.host.state, 'rejected');
  assert.ok(rejected.effects().includes('giveUp {"reason":"the ResourceManager rejected it: other version"}'));

  const expired = start();
  expired.host.send({ type: 'REGISTERED', attempt: 1 });
  expired.host.send({ type: 'CONNECTION_LOST' });
  expired.host.send({ type: 'REGISTRATION_TIMED_OUT', timer: 1 });
  assert.is(expired.host.state, 'unregistered.registering');
  expired.host.send({ type: 'REGISTRATION_TIMED_OUT', timer: 2 });
  assert.is(expired.host.state, 'expired');
});

test.run();
