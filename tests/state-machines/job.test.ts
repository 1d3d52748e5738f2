import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jobCatalogueEntry, jobMachine, type JobEffect, type JobEvent } from '../../state-machines/job/job-machine.js';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';

const test = suite('job machine');
const cause = (code: string): ErrorRecord => ({ code, domain: 'user', recovery: 'restart-job', message: code });
const at = 5;
const samples: JobEvent[] = [
  { type: 'INITIALIZED', at },
  { type: 'INITIALIZATION_FAILED', at, error: cause('INIT') },
  { type: 'START', at },
  { type: 'RECONCILE', at },
  { type: 'RECONCILED', at },
  { type: 'RESTART', at, error: cause('RESTART') },
  { type: 'RESTARTED', at },
  { type: 'ALL_FINISHED', at },
  { type: 'CANCEL', at },
  { type: 'ALL_TERMINAL', at },
  { type: 'CANCEL_FAILED', at, error: cause('CANCEL') },
  { type: 'FAIL', at, error: cause('FAIL') },
  { type: 'SUSPEND', at },
];

/** Every row of Flink's table (flink.md §1.1). `any non-terminal` is spelled out. */
const flink = [
  'INITIALIZING CREATED',
  'INITIALIZING FAILED',
  'INITIALIZING CANCELLING',
  'CREATED RUNNING',
  'CREATED RECONCILING',
  'RECONCILING RUNNING',
  'RUNNING FINISHED',
  'RUNNING RESTARTING',
  'RESTARTING RUNNING',
  'CREATED CANCELLING',
  'RUNNING CANCELLING',
  'RESTARTING CANCELLING',
  'FAILING CANCELLING',
  'CANCELLING CANCELED',
  'CANCELLING FAILED',
  'FAILING FAILED',
  ...['INITIALIZING', 'CREATED', 'RECONCILING', 'RUNNING', 'RESTARTING', 'CANCELLING'].map((from) => `${from} FAILING`),
  ...['INITIALIZING', 'CREATED', 'RECONCILING', 'RUNNING', 'RESTARTING', 'CANCELLING', 'FAILING'].map((from) => `${from} SUSPENDED`),
];

function changes({ effects }: Step): string[] {
  return (effects as readonly JobEffect[]).flatMap((effect) =>
    effect.type === 'statusChanged' ? [`${effect.params.from} ${effect.params.to}`] : [],
  );
}

function start(): MachineHost<typeof jobMachine, JobEffect> {
  return new MachineHost<typeof jobMachine, JobEffect>({
    machine: jobMachine,
    input: { at: 1 },
    name: 'job',
    perform: () => undefined,
    onEffectFailed: (error) => {
      throw error;
    },
  });
}

test('every leaf says what every event does', () => assertTotal(jobMachine, jobCatalogueEntry.events));

test('by shortest paths the status changes are exactly the rows of Flink (J1, J3)', () => {
  const found = new Set<string>();
  exploreShortestPaths(jobMachine, {
    input: { at: 1 },
    events: samples,
    identify: (snapshot) => JSON.stringify(snapshot.value),
    invariant: (step) => changes(step).forEach((change) => found.add(change)),
  });
  assert.equal([...found].sort(), [...flink].sort());
});

test('over random walks a status change starts where the last one ended, and the context agrees with the state (J2)', () => {
  let seed = 3;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const { steps } = walkRandomly(jobMachine, {
    input: { at: 1 },
    events: samples,
    walks: 300,
    steps: 20,
    next,
    invariant: (step) => {
      const [change] = changes(step);
      assert.is(step.to.context.status, step.to.value);
      if (change === undefined) return;
      assert.is(change, `${String(step.from.value)} ${String(step.to.value)}`);
      assert.is(step.to.context.timestamps[step.to.value as string], at);
    },
  });
  assert.ok(steps > 600);
});

test('a terminal status is never left, and what still comes is counted (J1)', () => {
  const host = start();
  for (const type of ['INITIALIZED', 'START', 'ALL_FINISHED'] as const) host.send({ type, at });
  for (const event of samples) host.send(event);
  assert.is(host.state, 'FINISHED');
  assert.is(host.ignored.get('FINISHED CANCEL late'), 1);
  assert.ok(['FAILED', 'CANCELED', 'FINISHED', 'SUSPENDED'].includes(host.context.status));
});

test('a job that is cancelled while failing ends CANCELED and keeps its error (J4)', () => {
  const host = start();
  host.send({ type: 'INITIALIZED', at });
  host.send({ type: 'START', at });
  host.send({ type: 'FAIL', at, error: cause('FAIL') });
  host.send({ type: 'CANCEL', at });
  host.send({ type: 'ALL_TERMINAL', at });
  assert.is(host.state, 'CANCELED');
  assert.is(host.context.error?.code, 'FAIL');
});

test.run();
