import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leaderCatalogueEntry, leaderMachine, type LeaderEffect, type LeaderEvent } from '../../state-machines/leader/leader-machine.js';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';

const test = suite('leader machine');
const input = { retryMs: 300, renewMs: 1_000 };
const samples: LeaderEvent[] = [
  { type: 'BEAT' },
  { type: 'LEASE_GRANTED', epoch: 7, deadline: 3_000 },
  { type: 'LEASE_GRANTED', epoch: 8, deadline: 4_000 },
  { type: 'LEASE_HELD', holder: 'jm-2', epoch: 9, remainingMs: 100 },
  { type: 'STORE_FAILED', error: 'down' },
  { type: 'DEADLINE_REACHED', deadline: 3_000 },
  { type: 'STOP' },
  { type: 'RELEASED' },
];

/** What a random walk may be told in any order, so also old news. */
const laterGrants: LeaderEvent[] = [9, 10, 11, 12, 13].map((epoch) => ({ type: 'LEASE_GRANTED', epoch, deadline: epoch * 1_000 }));

/** Grants less revocations, after a sequence of steps: 0 or 1 (L3). */
function leadershipIsBalanced() {
  let held: unknown = null;
  let highest = 0;
  return ({ effects, event }: Step): void => {
    for (const effect of effects) {
      if (effect.type === 'grantLeadership') {
        assert.is(event.type, 'LEASE_GRANTED', 'L1: only an answer of the store grants leadership');
        assert.is(held, null, 'L3: granted twice');
        const { epoch } = effect.params as { epoch: number };
        assert.ok(epoch > highest, `L1: epoch ${epoch} was granted after ${highest}`);
        highest = epoch;
        held = epoch;
      } else if (effect.type === 'revokeLeadership') {
        assert.is((effect.params as { epoch: number }).epoch, held, 'L3: what is revoked is what was granted');
        held = null;
      }
    }
  };
}

/** A machine on its host, and what it did. */
function leader(): { readonly host: MachineHost<typeof leaderMachine, LeaderEffect>; readonly performed: readonly LeaderEffect[] } {
  const performed: LeaderEffect[] = [];
  const host = new MachineHost<typeof leaderMachine, LeaderEffect>({
    machine: leaderMachine,
    input,
    name: 'jm-1',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, performed };
}

test('every leaf says what every event does', () => assertTotal(leaderMachine, leaderCatalogueEntry.events));

test('by shortest paths all states are reached, and waiting never grants leadership (L1)', () => {
  const { states, transitions } = exploreShortestPaths(leaderMachine, { input, events: samples });
  assert.equal(states, ['acquiring', 'leading', 'releasing', 'renewing', 'stopped', 'waiting']);
  const intoLeading = transitions.filter((text) => text.endsWith('--> leading'));
  assert.equal(intoLeading, [
    'acquiring --LEASE_GRANTED--> leading',
    'renewing --LEASE_GRANTED--> leading',
    'renewing --STORE_FAILED--> leading',
  ]);
});

test('over random walks each grant has a higher epoch than all before (L1) and is followed by exactly one revocation (L3)', () => {
  let seed = 1;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let walk = 0; walk < 200; walk++) {
    walkRandomly(leaderMachine, {
      input,
      events: [...samples, ...laterGrants],
      walks: 1,
      steps: 60,
      next,
      invariant: leadershipIsBalanced(),
    });
  }
});

test('a leader whose deadline passes while the renewal is under way is revoked and a late answer does not restore it (L2)', () => {
  const { host, performed } = leader();
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 10 });
  host.send({ type: 'BEAT' });
  host.send({ type: 'DEADLINE_REACHED', deadline: 10 });
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 20 });
  assert.is(host.state, 'waiting');
  assert.is(host.context.epoch, 0);
  assert.equal(
    performed.filter(({ type }) => type === 'revokeLeadership'),
    [{ type: 'revokeLeadership', params: { epoch: 3, reason: 'the lease could not be renewed in time' } }],
  );
  assert.is(host.ignored.get('waiting LEASE_GRANTED late'), 1);
});

test('after a renewal that failed the next comes sooner, after one that succeeded at the usual interval (L5)', () => {
  const { host, performed } = leader();
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 3_000 });
  host.send({ type: 'BEAT' });
  host.send({ type: 'STORE_FAILED', error: 'down' });
  host.send({ type: 'BEAT' });
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 6_000 });
  assert.equal(
    performed.flatMap((effect) => (effect.type === 'scheduleBeat' ? effect.params.delayMs : [])),
    [input.renewMs, input.retryMs, input.renewMs],
  );
});

test('the late answer to a renewal does not bring back a revoked leadership while the store is asked anew (L1)', () => {
  const { host, performed } = leader();
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 10 });
  host.send({ type: 'BEAT' });
  host.send({ type: 'DEADLINE_REACHED', deadline: 10 });
  host.send({ type: 'BEAT' });
  assert.is(host.state, 'acquiring');
  host.send({ type: 'LEASE_GRANTED', epoch: 3, deadline: 20 });
  assert.is(host.state, 'waiting');
  host.send({ type: 'BEAT' });
  host.send({ type: 'LEASE_GRANTED', epoch: 5, deadline: 30 });
  assert.equal(
    performed.filter(({ type }) => type === 'grantLeadership').map(({ params }) => params),
    [{ epoch: 3 }, { epoch: 5 }],
  );
});

test.run();
