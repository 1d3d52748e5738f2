import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import {
  pendingCheckpointCatalogueEntry,
  pendingCheckpointMachine,
  type PendingCheckpointContext,
  type PendingCheckpointEvent,
} from '../../state-machines/pending-checkpoint/pending-checkpoint-machine.js';

const test = suite('pending-checkpoint machine');
const input = { checkpointId: 7, awaited: ['a', 'b'] };
const events: PendingCheckpointEvent[] = [
  { type: 'ACKNOWLEDGED', attemptId: 'a' },
  { type: 'ACKNOWLEDGED', attemptId: 'b' },
  { type: 'ACKNOWLEDGED', attemptId: 'of an old attempt' },
  { type: 'DECLINED', attemptId: 'a', reason: 'CHECKPOINT_DECLINED' },
  { type: 'DECLINED', attemptId: 'of an old attempt', reason: 'CHECKPOINT_DECLINED' },
  { type: 'TRIGGER_FAILED', attemptId: 'b' },
  { type: 'EXPIRED' },
  { type: 'ABORT', reason: 'JOB_FAILOVER_REGION' },
  { type: 'FINALIZED' },
  { type: 'FINALIZE_FAILED' },
];

function rules({ from, to, effects, event }: Step): void {
  const before = from.context as PendingCheckpointContext;
  const after = to.context as PendingCheckpointContext;
  const names = effects.map(({ type }) => type);
  if (names.includes('finalize')) assert.equal(after.awaited, [], 'PC1: finalizes only when nobody is awaited');
  if (to.value === 'completed') assert.is(event.type, 'FINALIZED', "PC1: completes only by the store's answer");
  if (from.value === 'finalizing' && to.value !== 'finalizing') {
    assert.ok(event.type === 'FINALIZED' || event.type === 'FINALIZE_FAILED', `PC2: ${event.type} ended finalizing`);
  }
  if (names.includes('keepSnapshot')) {
    assert.is(before.awaited.length - after.awaited.length, 1, 'PC3: an acknowledgement counts once');
  }
  assert.is(new Set([...after.awaited, ...after.acknowledged]).size, 2, 'PC3: nobody joins or leaves');
  assert.ok(names.filter((name) => name === 'reportCompleted' || name === 'reportAborted').length <= 1, 'PC4');
}

test('every leaf says what every event does', () => assertTotal(pendingCheckpointMachine, pendingCheckpointCatalogueEntry.events));

test('over all shortest paths PC1 to PC4 hold, and these are all the transitions', () => {
  const { transitions, isTruncated } = exploreShortestPaths(pendingCheckpointMachine, { input, events, invariant: rules });
  assert.is(isTruncated, false);
  assert.equal(transitions, [
    'collecting --ABORT--> aborted',
    'collecting --ACKNOWLEDGED--> finalizing',
    'collecting --DECLINED--> aborted',
    'collecting --EXPIRED--> aborted',
    'collecting --TRIGGER_FAILED--> aborted',
    'finalizing --FINALIZED--> completed',
    'finalizing --FINALIZE_FAILED--> aborted',
  ]);
});

test('over random walks PC1 to PC4 hold', () => {
  let seed = 42;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const { steps } = walkRandomly(pendingCheckpointMachine, { input, events, invariant: rules, walks: 500, steps: 30, next });
  assert.ok(steps > 1_000);
});

test.run();
