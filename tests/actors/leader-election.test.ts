/** The lease is renewed as often as was asked for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeaderElection } from '../../actors/job-manager/leader-election.js';
import { MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { silentLogger } from '../support/silent-logger.js';

const test = suite('LeaderElection');

/** When a leader asked its store for more time, in the first `forMs`. */
async function renewals(renewMs: number, forMs: number): Promise<readonly number[]> {
  const clock = new ManualClock();
  const store = new MemoryHaStore({ clock });
  const at: number[] = [];
  const renew = store.renew.bind(store);
  store.renew = (token, leaseMs) => {
    at.push(clock.monotonic());
    return renew(token, leaseMs);
  };
  const nothing = (): void => undefined;
  const election = new LeaderElection({
    store,
    clock,
    logger: silentLogger,
    holder: 'jm-1',
    leaseMs: 3_000,
    renewMs,
    onGranted: nothing,
    onRevoked: nothing,
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await turn();
  assert.ok(election.isLeading);
  for (let ms = 0; ms < forMs; ms += 100) {
    clock.advance(100);
    await turn();
  }
  await election.stop();
  return at;
}

test('a leader renews its lease at the interval it was given, not at a share of the lease', async () => {
  assert.equal(await renewals(700, 3_000), [700, 1_400, 2_100, 2_800]);
  assert.equal(await renewals(1_500, 3_000), [1_500, 3_000]);
});

test('a life that died before it led does not make its successor wait for the lease of the one before it', async () => {
  const clock = new ManualClock();
  const store = new MemoryHaStore({ clock });
  await store.acquire('jm-1', 3_000);
  const nothing = (): void => undefined;
  const common = { store, clock, logger: silentLogger, leaseMs: 3_000, renewMs: 1_000, onGranted: nothing, onRevoked: nothing };
  const next = new LeaderElection({ ...common, holder: 'jm-3', supersedes: ['jm-2', 'jm-1'] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(next.isLeading, 'no time has passed');
  const stranger = new LeaderElection({ ...common, holder: 'jm-5', supersedes: ['jm-4', 'jm-2'] });
  await new Promise((resolve) => setImmediate(resolve));
  assert.not(stranger.isLeading, 'the lease of a living leader is waited for');
  await Promise.all([next.stop(), stranger.stop()]);
});

test.run();
