/** The contract of {@link KeyedStateBackend}: histories of timers, in both time domains, with restarts in between. */
import assert from 'node:assert/strict';
import type { TimeDomain } from '../../storage/state/contracts.js';
import type { Contract } from './contract.js';
import { all, complete, drain, type KeyedStateFixture, Shelf, use } from './keyed-state-fixture.js';

type Step =
  | readonly ['register' | 'delete', key: string, time: number, namespace?: number]
  /** Everything is killed, and restored from a snapshot taken just before. */
  | readonly ['restart']
  /** Time is `until`: these fire, `key@time` or `key/namespace@time`, in this order. */
  | readonly ['fire', until: number, expected: readonly string[]];

const histories: Readonly<Record<string, readonly Step[]>> = {
  'earliest first, however they were registered': [
    ['register', 'a', 30],
    ['register', 'b', 10],
    ['register', 'c', 20],
    ['fire', 100, ['b@10', 'c@20', 'a@30']],
  ],
  'a timer is due at its time, not before': [
    ['register', 'a', 10],
    ['fire', 9, []],
    ['fire', 10, ['a@10']],
    ['fire', 10, []],
  ],
  'registered twice it fires once; after it fired it may be registered again': [
    ['register', 'a', 10],
    ['register', 'a', 10],
    ['fire', 10, ['a@10']],
    ['register', 'a', 10],
    ['fire', 10, ['a@10']],
  ],
  'one time of several keys is one timer each, in the order of registration': [
    ['register', 'b', 10],
    ['register', 'a', 10],
    ['register', 'b', 10],
    ['register', 'c', 10],
    ['fire', 10, ['b@10', 'a@10', 'c@10']],
  ],
  'one time in several namespaces is one timer each; those of the key come first': [
    ['register', 'a', 10, 7],
    ['register', 'a', 10, 7],
    ['register', 'a', 10, 8],
    ['register', 'a', 10],
    ['fire', 10, ['a@10', 'a/7@10', 'a/8@10']],
  ],
  'a deleted one does not fire, and deleting is of one key, time and namespace': [
    ['register', 'a', 10],
    ['register', 'a', 20],
    ['register', 'b', 10],
    ['register', 'a', 10, 7],
    ['delete', 'a', 10],
    ['delete', 'a', 99],
    ['delete', 'c', 10],
    ['fire', 100, ['b@10', 'a/7@10', 'a@20']],
  ],
  'deleted and registered again it comes last among its equals': [
    ['register', 'a', 10],
    ['register', 'b', 10],
    ['delete', 'a', 10],
    ['register', 'a', 10],
    ['fire', 10, ['b@10', 'a@10']],
  ],
  'the first of two equal ones is deleted': [
    ['register', 'a', 10],
    ['register', 'b', 10],
    ['delete', 'a', 10],
    ['fire', 10, ['b@10']],
  ],
  'the second of two equal ones is deleted': [
    ['register', 'a', 10],
    ['register', 'b', 10],
    ['delete', 'b', 10],
    ['fire', 10, ['a@10']],
  ],
  'a restart loses and repeats none; those that are overdue by then fire, in order': [
    ['register', 'a', 30],
    ['register', 'b', 10],
    ['register', 'a', 20, 7],
    ['register', 'c', 40],
    ['fire', 10, ['b@10']],
    ['restart'],
    ['fire', 35, ['a/7@20', 'a@30']],
    ['restart'],
    ['fire', 100, ['c@40']],
    ['restart'],
    ['fire', 100, []],
  ],
  'what is restored is one with what is registered afterwards': [
    ['register', 'a', 10],
    ['register', 'a', 10, 7],
    ['register', 'b', 10],
    ['restart'],
    ['register', 'a', 10],
    ['register', 'a', 10, 7],
    ['delete', 'b', 10],
    ['register', 'c', 5],
    ['fire', 10, ['c@5', 'a@10', 'a/7@10']],
  ],
  'times before 1970, beyond 32 bits, and fractions': [
    ['register', 'a', -5],
    ['register', 'a', 1_700_000_000_000],
    ['register', 'a', 0.5],
    ['restart'],
    ['fire', Number.MAX_SAFE_INTEGER, ['a@-5', 'a@0.5', 'a@1700000000000']],
  ],
};

async function play({ make }: KeyedStateFixture, domain: TimeDomain, steps: readonly Step[]): Promise<void> {
  const shelf = new Shelf();
  let backend = make(all);
  for (const step of steps) {
    if (step[0] === 'restart') {
      const restored = make(all);
      await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
      backend.close();
      backend = restored;
    } else if (step[0] === 'fire') {
      const fired = drain(backend, domain, step[1]);
      assert.deepEqual(
        fired.map(({ key, time, namespace }) => `${String(key)}${namespace === 0 ? '' : `/${namespace}`}@${time}`),
        step[2],
      );
    } else {
      const [what, key, time, namespace] = step;
      use(backend, key);
      if (what === 'register') backend.registerTimer(domain, time, namespace);
      else backend.deleteTimer(domain, time, namespace);
    }
  }
  const other = domain === 'event' ? 'processing' : 'event';
  assert.equal(backend.nextTimer(other), undefined);
}

export const keyedStateTimerCases: Contract<KeyedStateFixture> = Object.entries(histories).flatMap(([name, steps]) =>
  (['event', 'processing'] as const).map((domain) => ({
    name: `timers in ${domain} time: ${name}`,
    run: (fixture: KeyedStateFixture) => play(fixture, domain, steps),
  })),
);
