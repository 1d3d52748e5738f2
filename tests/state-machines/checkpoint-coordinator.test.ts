import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { initialTransition, transition } from 'xstate';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import {
  checkpointCoordinatorCatalogueEntry,
  checkpointCoordinatorMachine,
  type CheckpointCoordinatorContext,
  type CheckpointCoordinatorEvent,
  type CheckpointCoordinatorInput,
} from '../../state-machines/checkpoint-coordinator/checkpoint-coordinator-machine.js';

const test = suite('checkpoint-coordinator machine');
const input: CheckpointCoordinatorInput = { intervalMs: 1_000, minPauseMs: 0, maxConcurrent: 1, tolerableFailures: 0 };

/** Sends events one by one; returns the effects of each, as `type(param values)`. */
function run(settings: Partial<CheckpointCoordinatorInput>, events: readonly CheckpointCoordinatorEvent[]): string[][] {
  let [snapshot] = initialTransition(checkpointCoordinatorMachine, { ...input, ...settings });
  return events.map((event) => {
    const [next, actions] = transition(checkpointCoordinatorMachine, snapshot, event);
    snapshot = next;
    return actions.map(({ type, params }) => `${type}(${Object.values((params ?? {}) as object).join(', ')})`);
  });
}

const samples: CheckpointCoordinatorEvent[] = [
  { type: 'JOB_RUNNING', at: 5_000, random: 1 },
  { type: 'JOB_NOT_RUNNING', reason: 'JOB_FAILOVER_REGION' },
  { type: 'TICK', at: 6_000 },
  { type: 'END_OF_DATA', at: 6_000 },
  { type: 'ID_ALLOCATED', checkpointId: 1 },
  { type: 'ID_ALLOCATED', checkpointId: 2 },
  { type: 'ID_FAILED', error: 'down' },
  { type: 'CHECKPOINT_COMPLETED', checkpointId: 1, at: 6_100 },
  { type: 'CHECKPOINT_ABORTED', checkpointId: 2, reason: 'CHECKPOINT_EXPIRED' },
  { type: 'CHECKPOINT_ABORTED', checkpointId: 1, reason: 'CHECKPOINT_DECLINED_TASK_NOT_READY' },
  { type: 'STOP' },
];

function rules({ from, to, effects, event }: Step): void {
  const before = from.context as CheckpointCoordinatorContext;
  const after = to.context as CheckpointCoordinatorContext;
  const names = effects.map(({ type }) => type);
  assert.ok(after.pending.length <= after.maxConcurrent, 'CC1');
  if (names.includes('allocateId') && from.value !== to.value) assert.ok(before.pending.length < before.maxConcurrent, 'CC1');
  if (names.includes('startCheckpoint')) assert.is((from.value as { active?: string }).active, 'allocating', 'CC3');
  if (event.type === 'JOB_NOT_RUNNING' && typeof from.value === 'object') assert.ok(names.includes('abortPending'), 'CC3');
  const failed = effects.find(({ type }) => type === 'failJob');
  if (failed !== undefined) {
    assert.ok((failed.params as { failures: number }).failures > after.tolerableFailures, 'CC4');
    assert.ok('checkpointId' in event && before.pending.includes(event.checkpointId as number), 'CC4: only what was pending counts');
    assert.is(after.failures, 0, 'CC4: counted anew');
  }
}

test('every leaf says what every event does', () => assertTotal(checkpointCoordinatorMachine, checkpointCoordinatorCatalogueEntry.events));

test('over shortest paths and random walks CC1, CC3 and CC4 hold', () => {
  for (const maxConcurrent of [1, 2]) {
    const settings = { ...input, maxConcurrent };
    // Failures and repeated ids make the state space unbounded: the bound keeps the search short, the walks go deeper.
    const { states } = exploreShortestPaths(checkpointCoordinatorMachine, {
      input: settings,
      events: samples,
      invariant: rules,
      snapshotsMax: 400,
    });
    assert.equal(states, ['active.allocating', 'active.retrying', 'active.waiting', 'inactive', 'stopped']);
    let seed = 7;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    walkRandomly(checkpointCoordinatorMachine, {
      input: settings,
      events: samples.slice(0, -1),
      invariant: rules,
      walks: 50,
      steps: 80,
      next,
    });
  }
});

test('a periodic checkpoint that is due while another is pending starts when that one ends (CC1)', () => {
  const effects = run({}, [
    { type: 'JOB_RUNNING', at: 0, random: 1 },
    { type: 'TICK', at: 1_000 },
    { type: 'ID_ALLOCATED', checkpointId: 1 },
    { type: 'TICK', at: 2_000 },
    { type: 'CHECKPOINT_COMPLETED', checkpointId: 1, at: 2_500 },
    { type: 'TICK', at: 2_500 },
  ]);
  assert.equal(effects, [
    ['scheduleTick(1000)'],
    ['allocateId()'],
    ['startCheckpoint(1, false)', 'scheduleTick(1000)'],
    [],
    ['scheduleTick(0)'],
    ['allocateId()'],
  ]);
});

test('a checkpoint waits for the pause after the last completion (CC2)', () => {
  const effects = run({ minPauseMs: 800 }, [
    { type: 'JOB_RUNNING', at: 10_000, random: 1 },
    { type: 'TICK', at: 11_000 },
    { type: 'ID_ALLOCATED', checkpointId: 1 },
    { type: 'CHECKPOINT_COMPLETED', checkpointId: 1, at: 11_900 },
    { type: 'TICK', at: 12_000 },
  ]);
  assert.equal(effects.at(-1), ['scheduleTick(700)']);
});

test('the final checkpoint starts at once after the end of data, waits for a pending one, and is repeated until it completes (CC5)', () => {
  const effects = run({ tolerableFailures: 5 }, [
    { type: 'JOB_RUNNING', at: 0, random: 1 },
    { type: 'TICK', at: 1_000 },
    { type: 'ID_ALLOCATED', checkpointId: 1 },
    { type: 'END_OF_DATA', at: 1_100 },
    { type: 'TICK', at: 1_100 },
    { type: 'CHECKPOINT_COMPLETED', checkpointId: 1, at: 1_200 },
    { type: 'TICK', at: 1_200 },
    { type: 'ID_ALLOCATED', checkpointId: 2 },
    { type: 'CHECKPOINT_ABORTED', checkpointId: 2, reason: 'CHECKPOINT_EXPIRED' },
    { type: 'TICK', at: 1_400 },
    { type: 'ID_ALLOCATED', checkpointId: 3 },
    { type: 'CHECKPOINT_COMPLETED', checkpointId: 3, at: 1_500 },
  ]);
  assert.equal(effects.slice(3), [
    ['scheduleTick(0)'],
    [],
    ['scheduleTick(0)'],
    ['allocateId()'],
    ['startCheckpoint(2, true)', 'scheduleTick(1000)'],
    ['scheduleTick(100)'],
    ['allocateId()'],
    ['startCheckpoint(3, true)', 'scheduleTick(1000)'],
    [],
  ]);
});

test('only reasons that count, in a row, fail the job beyond the tolerable number (CC4)', () => {
  const failed = (id: number, reason: 'CHECKPOINT_EXPIRED' | 'CHECKPOINT_DECLINED_TASK_NOT_READY'): CheckpointCoordinatorEvent[] => [
    { type: 'TICK', at: 1_000 },
    { type: 'ID_ALLOCATED', checkpointId: id },
    { type: 'CHECKPOINT_ABORTED', checkpointId: id, reason },
  ];
  const effects = run({ tolerableFailures: 1 }, [
    { type: 'JOB_RUNNING', at: 0, random: 1 },
    ...failed(1, 'CHECKPOINT_EXPIRED'),
    ...failed(2, 'CHECKPOINT_DECLINED_TASK_NOT_READY'),
    ...failed(3, 'CHECKPOINT_EXPIRED'),
  ]);
  assert.equal(
    effects.flat().filter((effect) => effect.startsWith('failJob')),
    ['failJob(2, CHECKPOINT_EXPIRED)'],
  );
});

test('after the failures have failed the job, the restarted job has its whole tolerance again (CC4)', () => {
  const failed = (id: number): CheckpointCoordinatorEvent[] => [
    { type: 'TICK', at: 1_000 },
    { type: 'ID_ALLOCATED', checkpointId: id },
    { type: 'CHECKPOINT_ABORTED', checkpointId: id, reason: 'CHECKPOINT_EXPIRED' },
  ];
  const effects = run({ tolerableFailures: 1 }, [
    { type: 'JOB_RUNNING', at: 0, random: 0 },
    ...failed(1),
    ...failed(2),
    { type: 'JOB_NOT_RUNNING', reason: 'JOB_FAILOVER_REGION' },
    { type: 'JOB_RUNNING', at: 0, random: 0 },
    ...failed(3),
    ...failed(4),
  ]);
  const failing = effects.map((list) => list.filter((effect) => effect.startsWith('failJob')));
  assert.equal(failing.flat(), ['failJob(2, CHECKPOINT_EXPIRED)', 'failJob(2, CHECKPOINT_EXPIRED)']);
  assert.is(failing[10]?.length, 0, 'the first failure after the restart is tolerated');
});

test('the abort of a checkpoint that is not pending any more fails no job (CC4)', () => {
  const effects = run({}, [
    { type: 'JOB_RUNNING', at: 0, random: 0 },
    { type: 'CHECKPOINT_ABORTED', checkpointId: 7, reason: 'CHECKPOINT_EXPIRED' },
  ]);
  assert.equal(effects.at(-1), ['ignored(stale)']);
});

test('the first checkpoint comes between the pause and the interval, at random, after each start (CC9)', () => {
  const first = (settings: Partial<CheckpointCoordinatorInput>, random: number) =>
    run(settings, [{ type: 'JOB_RUNNING', at: 0, random }]).at(-1);
  assert.equal(first({ minPauseMs: 200 }, 0), ['scheduleTick(200)']);
  assert.equal(first({ minPauseMs: 200 }, 0.5), ['scheduleTick(600)']);
  assert.equal(first({ minPauseMs: 3_000 }, 0.9), ['scheduleTick(3000)']);
});

test.run();
