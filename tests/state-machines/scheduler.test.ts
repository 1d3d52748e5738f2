import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnyMachineSnapshot, EventObject } from 'xstate';
import { schedulerCatalogueEntry, schedulerMachine } from '../../state-machines/scheduler/scheduler-machine.js';
import type { SchedulerContext, SchedulerEffect, SchedulerEvent } from '../../state-machines/scheduler/scheduler-model.js';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { RestartStrategySettings } from '../../graph/types.js';

const test = suite('scheduler machine');
const error = (code: string, recovery: ErrorRecord['recovery'] = 'restart-job'): ErrorRecord => ({
  code,
  domain: 'user',
  recovery,
  message: code,
});
const moment = { at: 5, random: 0.5 };
const regions: readonly (readonly ExecutionVertexId[])[] = [['a_0', 'b_0'], ['a_1']];
const input = (restartStrategy: RestartStrategySettings = { kind: 'fixed-delay', attempts: 2, delayMs: 10 }) => ({
  regions,
  failover: 'region' as const,
  restartStrategy,
  slotRequestTimeoutMs: 1_000,
});

/** The events that an actor could send in a situation: of this round and the one before, for live and dead subtasks. */
function events(snapshot: AnyMachineSnapshot): readonly EventObject[] {
  const { round, live } = snapshot.context as SchedulerContext;
  const subtask = live[0] ?? 'a_0';
  const all: SchedulerEvent[] = [
    { type: 'START' },
    { type: 'SLOTS_ASSIGNED', round },
    { type: 'SLOTS_ASSIGNED', round: round - 1 },
    { type: 'SLOT_LOST' },
    { type: 'SLOT_TIMEOUT', round, error: error('NO_RESOURCES', 'fail-job') },
    { type: 'SLOT_TIMEOUT', round: round - 1, error: error('NO_RESOURCES', 'fail-job') },
    { type: 'RESTORE_POINT_FOUND', round },
    { type: 'RESTORE_POINT_FOUND', round: round - 1 },
    { type: 'RESTORE_POINT_FAILED', round, error: error('STORE'), ...moment },
    { type: 'RESTORE_POINT_FAILED', round: round - 1, error: error('STORE'), ...moment },
    { type: 'BACKOFF_OVER', round },
    { type: 'BACKOFF_OVER', round: round - 1 },
    { type: 'SUBTASK_ENDED', subtask },
    { type: 'SUBTASKS_FAILED', subtasks: [subtask], error: error('USER'), ...moment },
    { type: 'JOB_FAILED', error: error('COORDINATOR'), ...moment },
    { type: 'JOB_FAILED', error: error('FATAL', 'fail-job'), ...moment },
    { type: 'CAUSE_LEARNED', error: error('CAUSE') },
    { type: 'CHECKPOINT_COMPLETED' },
    { type: 'CANCEL' },
    { type: 'SUSPEND' },
  ];
  return all;
}

const contextOf = (snapshot: AnyMachineSnapshot): SchedulerContext => snapshot.context as SchedulerContext;
const effectsOf = ({ effects }: Step): readonly SchedulerEffect[] => effects as readonly SchedulerEffect[];

/** Slots and restore point of the round were there when tasks were deployed (S1); nothing follows the end (S3). */
function rules() {
  const deployable = new Set<string>();
  return (step: Step): void => {
    const before = contextOf(step.from);
    for (const effect of effectsOf(step)) {
      if (effect.type === 'schedule') effect.params.subtasks.forEach((subtask) => deployable.add(subtask));
      if (effect.type === 'deploy') {
        assert.is(step.event.type, 'RESTORE_POINT_FOUND', 'S1: only the restore point leads to deployment');
        assert.is((step.event as unknown as { round: number }).round, before.round, 'S4: of this round');
        for (const subtask of effect.params.subtasks)
          assert.ok(deployable.delete(subtask), 'S1: deployed once for each time it is scheduled');
      }
      if (effect.type === 'end' && effect.params.outcome !== 'SUSPENDED') {
        assert.equal(contextOf(step.to).live, [], 'S3: nothing is live at the end');
      }
    }
    if (step.to.value === 'executing') assert.equal(contextOf(step.to).affected, [], 'nobody waits while the job executes');
  };
}

function start(strategy?: RestartStrategySettings) {
  const performed: SchedulerEffect[] = [];
  const host = new MachineHost<typeof schedulerMachine, SchedulerEffect>({
    machine: schedulerMachine,
    input: input(strategy),
    name: 'job',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (failure) => {
      throw failure;
    },
  });
  const send = (event: SchedulerEvent): void => host.send(event);
  const effects = (): string[] =>
    performed
      .splice(0)
      .map(({ type, params }) =>
        'subtasks' in params ? `${type} ${params.subtasks.join(' ')}` : type === 'moveJob' ? `${type} ${params.event}` : type,
      );
  const round = (): number => host.context.round;
  const proceed = (): void => {
    send({ type: 'SLOTS_ASSIGNED', round: round() });
    send({ type: 'RESTORE_POINT_FOUND', round: round() });
  };
  const running = (): void => {
    send({ type: 'START' });
    proceed();
    performed.splice(0);
  };
  const fail = (subtask: ExecutionVertexId, cause = error('USER'), at = 5): void =>
    send({ type: 'SUBTASKS_FAILED', subtasks: [subtask], error: cause, at, random: 0.5 });
  const end = (subtask: ExecutionVertexId): void => send({ type: 'SUBTASK_ENDED', subtask });
  return { host, send, effects, round, proceed, running, fail, end };
}

test('every leaf says what every event does', () => assertTotal(schedulerMachine, schedulerCatalogueEntry.events));

test('by shortest paths every state is reached and no rule is broken (S1, S3, S4)', () => {
  const { states, snapshots } = exploreShortestPaths(schedulerMachine, {
    input: input(),
    events,
    snapshotsMax: 600,
    identify: ({ value, context }) => {
      const { round: _, memory, ...rest } = context as SchedulerContext;
      return JSON.stringify([value, rest, memory.attempts]);
    },
    invariant: (step) => {
      for (const effect of effectsOf(step)) {
        if (effect.type === 'end' && effect.params.outcome !== 'SUSPENDED') assert.equal(contextOf(step.to).live, []);
        if (effect.type === 'deploy') assert.is(step.from.value, 'restoring');
      }
    },
  });
  assert.equal(states, [
    'cancelling',
    'created',
    'executing',
    'failing',
    'finished',
    'restarting',
    'restoring',
    'suspended',
    'waitingForSlots',
  ]);
  assert.ok(snapshots > 100);
});

test('over random walks tasks are deployed only when they may be, and a job ends with nothing live (S1, S3, S4)', () => {
  let seed = 5;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  // CANCEL, SUSPEND and fatal errors end a walk soon: they come seldom.
  const seldom = (snapshot: AnyMachineSnapshot): readonly EventObject[] =>
    events(snapshot).filter(({ type }) => next() < 0.05 || !['CANCEL', 'SUSPEND', 'JOB_FAILED', 'SLOT_TIMEOUT'].includes(type));
  for (let walk = 0; walk < 60; walk++) {
    walkRandomly(schedulerMachine, {
      input: input({ kind: 'fixed-delay', attempts: 100, delayMs: 10 }),
      events: seldom,
      walks: 1,
      steps: 60,
      next,
      invariant: rules(),
    });
  }
});

test('a job is scheduled, gets its slots, finds its restore point, is deployed (S1)', () => {
  const { send, effects, round } = start();
  send({ type: 'START' });
  assert.equal(effects(), ['moveJob START', 'schedule a_0 b_0 a_1', 'startSlotTimer', 'assignSlots a_0 b_0 a_1']);
  send({ type: 'SLOTS_ASSIGNED', round: round() });
  assert.equal(effects(), ['stopSlotTimer', 'findRestorePoint']);
  send({ type: 'RESTORE_POINT_FOUND', round: round() });
  assert.equal(effects(), ['deploy a_0 b_0 a_1']);
});

test('a failure restarts its region only when its tasks have ended and the back-off is over, whichever comes first (S1)', () => {
  for (const order of ['ended first', 'back-off first']) {
    const { host, send, effects, round, running, fail, end, proceed } = start();
    running();
    fail('b_0');
    assert.equal(effects(), ['abortCheckpoints', 'moveJob RESTART', 'startBackoff', 'cancelSubtasks a_0']);
    const steps = [() => end('a_0'), () => send({ type: 'BACKOFF_OVER', round: round() })];
    if (order === 'back-off first') steps.reverse();
    steps[0]?.();
    assert.is(host.state, 'restarting', order);
    steps[1]?.();
    assert.equal(effects(), ['stopBackoff', 'schedule a_0 b_0', 'startSlotTimer', 'assignSlots a_0 b_0'], order);
    proceed();
    assert.equal(effects(), ['stopSlotTimer', 'findRestorePoint', 'moveJob RESTARTED', 'deploy a_0 b_0'], order);
    assert.is(host.context.restarts, 1);
  }
});

test('a failure while slots are awaited or the checkpoint is looked up joins the restart (S2)', () => {
  for (const until of ['waitingForSlots', 'restoring']) {
    const { host, send, effects, round, running, fail, end, proceed } = start();
    running();
    fail('b_0');
    end('a_0');
    send({ type: 'BACKOFF_OVER', round: round() });
    if (until === 'restoring') send({ type: 'SLOTS_ASSIGNED', round: round() });
    assert.is(host.state, until);
    effects();
    fail('a_1', error('SECOND'));
    assert.is(host.state, 'restarting');
    assert.ok(effects().includes('cancelSubtasks a_0 b_0'), 'those that were scheduled are cancelled and get another attempt');
    end('a_0');
    end('b_0');
    send({ type: 'BACKOFF_OVER', round: round() });
    proceed();
    assert.ok(effects().includes('deploy a_0 b_0 a_1'));
    assert.is(host.context.restarts, 1, 'one restart');
    assert.is(host.context.error?.code, 'USER', 'S5: the first cause stays');
  }
});

test('timers and answers of an earlier round change nothing (S4)', () => {
  const { host, send, round, running, fail, end } = start();
  running();
  fail('b_0');
  const old = round();
  fail('a_1');
  end('a_0');
  send({ type: 'BACKOFF_OVER', round: old });
  assert.is(host.state, 'restarting');
  assert.is(host.ignored.get('restarting BACKOFF_OVER stale'), 1);
});

test('a slot that is lost before deployment is waited for again', () => {
  const { host, send, effects, round } = start();
  send({ type: 'START' });
  send({ type: 'SLOTS_ASSIGNED', round: round() });
  effects();
  send({ type: 'SLOT_LOST' });
  assert.is(host.state, 'waitingForSlots');
  assert.equal(effects(), ['schedule a_0 b_0 a_1', 'startSlotTimer', 'assignSlots a_0 b_0 a_1']);
});

test('a slot timeout fails the job and keeps what made it need slots as the cause', () => {
  const { host, send, round, running, fail, end } = start();
  running();
  fail('a_1', error('TASK_MANAGER_LOST'));
  send({ type: 'BACKOFF_OVER', round: round() });
  send({ type: 'SLOT_TIMEOUT', round: round(), error: error('NO_RESOURCES', 'fail-job') });
  assert.is(host.state, 'failing');
  for (const subtask of ['a_0', 'b_0', 'a_1'] as const) end(subtask);
  assert.is(host.state, 'finished');
  assert.is(host.context.error?.code, 'NO_RESOURCES');
  assert.is(host.context.error?.cause?.code, 'TASK_MANAGER_LOST');
});

test('an error learned later replaces one that only tells of a lost neighbour; a fatal one fails the job (S5)', () => {
  const consequence = start();
  consequence.running();
  consequence.fail('b_0', error('CHANNEL_LOSS'));
  consequence.send({ type: 'CAUSE_LEARNED', error: error('USER') });
  assert.is(consequence.host.context.error?.code, 'USER');
  consequence.send({ type: 'CAUSE_LEARNED', error: error('ANOTHER') });
  assert.is(consequence.host.context.error?.code, 'USER');
  consequence.send({ type: 'CAUSE_LEARNED', error: error('FATAL', 'fail-job') });
  assert.is(consequence.host.state, 'failing');
  assert.is(consequence.host.context.error?.code, 'FATAL');
});

test('failing is overtaken by CANCEL: the job ends CANCELED', () => {
  const { host, send, effects, running, end } = start();
  running();
  send({ type: 'JOB_FAILED', error: error('FATAL', 'fail-job'), ...moment });
  assert.is(host.state, 'failing');
  send({ type: 'CANCEL' });
  effects();
  for (const subtask of ['a_0', 'b_0', 'a_1'] as const) end(subtask);
  assert.equal(effects(), ['moveJob ALL_TERMINAL', 'end']);
});

test('SUSPEND ends at once, whatever is live (S3)', () => {
  const { host, send, effects, running } = start();
  running();
  send({ type: 'SUSPEND' });
  assert.is(host.state, 'suspended');
  assert.equal(effects(), ['moveJob SUSPEND', 'end']);
});

test('completed checkpoints start an exponential back-off over', () => {
  const strategy: RestartStrategySettings = {
    kind: 'exponential-delay',
    initialBackoffMs: 100,
    maxBackoffMs: 1_000,
    multiplier: 2,
    resetThresholdMs: 30_000,
    resetAfterCheckpoints: 3,
    jitter: 0,
  };
  const { host, send, round, running, fail, proceed } = start(strategy);
  const restart = (at: number): number => {
    fail('a_1', error('USER'), at);
    const { backoffMs } = host.context;
    send({ type: 'BACKOFF_OVER', round: round() });
    proceed();
    return backoffMs;
  };
  running();
  assert.equal([restart(0), restart(1_000)], [100, 200]);
  for (let n = 0; n < 3; n++) send({ type: 'CHECKPOINT_COMPLETED' });
  assert.is(restart(2_000), 100);
});

test.run();
