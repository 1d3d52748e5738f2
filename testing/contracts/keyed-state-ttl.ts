/** The contract of {@link KeyedStateBackend}: time to live (Flink's StateTtlConfig). */
import assert from 'node:assert/strict';
import type { KeyedStateBackend, StateTtl } from '../../storage/state/contracts.js';
import type { Contract } from './contract.js';
import { all, complete, type KeyedStateFixture, Shelf, throwsWith, use } from './keyed-state-fixture.js';

const timeToLive = 100;
const updateTypes = ['OnCreateAndWrite', 'OnReadAndWrite'] as const;
const visibilities = ['NeverReturnExpired', 'ReturnExpiredIfNotCleanedUp'] as const;

/** One value of a state, whatever its kind: written as `text`, read as what is there. */
interface Cell {
  write(text: string): void;
  read(): string | undefined;
}

const kinds: Readonly<Record<string, (backend: KeyedStateBackend, ttl: StateTtl) => Cell>> = {
  value(backend, ttl) {
    const state = backend.valueState<{ text: string }>('state', { ttl });
    return { write: (text) => state.update({ text }), read: () => state.value()?.text };
  },
  list(backend, ttl) {
    const state = backend.listState<{ text: string }>('state', { ttl });
    return { write: (text) => state.update([{ text }]), read: () => state.get()[0]?.text };
  },
  'map, by get'(backend, ttl) {
    const state = backend.mapState<string, { text: string }>('state', { ttl });
    return { write: (text) => state.put('field', { text }), read: () => state.get('field')?.text };
  },
  'map, by iteration'(backend, ttl) {
    const state = backend.mapState<string, { text: string }>('state', { ttl });
    return { write: (text) => state.put('field', { text }), read: () => [...state.values()][0]?.text };
  },
  reducing(backend, ttl) {
    const state = backend.reducingState<{ text: string }>('state', (_, value) => value, { ttl });
    return { write: (text) => state.add({ text }), read: () => state.get()?.text };
  },
  aggregating(backend, ttl) {
    const aggregation = {
      createAccumulator: () => ({ text: '' }),
      add: (text: string) => ({ text }),
      getResult: (accumulator: { text: string }) => accumulator.text,
    };
    const state = backend.aggregatingState<string, { text: string }, string>('state', aggregation, { ttl });
    return { write: (text) => state.add(text), read: () => state.get() };
  },
};

type Step =
  | { readonly at: number; readonly write: string }
  | { readonly at: number; readonly read: Readonly<Record<(typeof visibilities)[number], string | undefined>> };
const nothing = { NeverReturnExpired: undefined, ReturnExpiredIfNotCleanedUp: undefined };
const live = (text: string) => ({ NeverReturnExpired: text, ReturnExpiredIfNotCleanedUp: text });
const expired = (text: string) => ({ NeverReturnExpired: undefined, ReturnExpiredIfNotCleanedUp: text });

const histories: Readonly<Record<(typeof updateTypes)[number], readonly (readonly Step[])[]>> = {
  OnCreateAndWrite: [
    [
      { at: 0, write: 'a' },
      { at: 99, read: live('a') },
      { at: 100, read: expired('a') },
      { at: 100, read: nothing },
    ],
    [
      { at: 0, write: 'a' },
      { at: 60, read: live('a') },
      { at: 120, read: expired('a') },
    ],
    [
      { at: 0, write: 'a' },
      { at: 60, write: 'b' },
      { at: 159, read: live('b') },
      { at: 160, read: expired('b') },
    ],
    [
      { at: 0, write: 'a' },
      { at: 500, write: 'b' },
      { at: 599, read: live('b') },
    ],
  ],
  OnReadAndWrite: [
    [
      { at: 0, write: 'a' },
      { at: 60, read: live('a') },
      { at: 159, read: live('a') },
      { at: 258, read: live('a') },
      { at: 358, read: expired('a') },
      { at: 358, read: nothing },
    ],
    [
      { at: 0, write: 'a' },
      { at: 100, read: expired('a') },
    ],
  ],
};

const tableCases: Contract<KeyedStateFixture> = Object.entries(kinds).flatMap(([kind, open]) =>
  updateTypes.flatMap((updateType) =>
    visibilities.flatMap((visibility) =>
      histories[updateType].map((history, index) => ({
        name: `time to live, ${kind}, ${updateType}, ${visibility}: history ${index + 1}`,
        async run({ make }: KeyedStateFixture) {
          let now = 1_000;
          const backend = make(all, { clock: { now: () => now } });
          const cell = open(backend, { timeToLive, updateType, visibility });
          use(backend, 'key');
          for (const step of history) {
            now = 1_000 + step.at;
            if ('write' in step) cell.write(step.write);
            else assert.equal(cell.read(), step.read[visibility], `at ${step.at}`);
          }
        },
      })),
    ),
  ),
);

export const keyedStateTtlCases: Contract<KeyedStateFixture> = [
  ...tableCases,
  {
    name: 'elements of a list and entries of a map expire one by one; a reading that removes the last leaves nothing behind',
    async run({ make }) {
      let now = 0;
      const backend = make(all, { clock: { now: () => now } });
      const ttl: StateTtl = { timeToLive: '1 s' };
      const list = backend.listState<string>('list', { ttl });
      const map = backend.mapState<string, number>('map', { ttl });
      use(backend, 'key');
      for (const text of ['a', 'b', 'c']) {
        list.add(text);
        map.put(text, now);
        now += 400;
      }
      assert.equal(backend.size(), 1 + 3);
      assert.deepEqual(list.get(), ['b', 'c']);
      assert.equal(map.has('a'), false);
      assert.deepEqual(
        [...map.entries()],
        [
          ['b', 400],
          ['c', 800],
        ],
      );
      map.put('b', now);
      now = 1_800;
      assert.deepEqual(list.get(), []);
      assert.deepEqual([...map.keys()], ['b']);
      now = 10_000;
      assert.equal(map.isEmpty(), true);
      assert.deepEqual([...map.entries()], []);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'an expired accumulator is not reduced into: the next value starts anew',
    async run({ make }) {
      let now = 0;
      const backend = make(all, { clock: { now: () => now } });
      const sum = backend.reducingState<number>('sum', (left, right) => left + right, { ttl: { timeToLive } });
      use(backend, 'key');
      sum.add(1);
      now = 99;
      sum.add(2);
      assert.equal(sum.get(), 3);
      now = 199;
      sum.add(5);
      assert.equal(sum.get(), 5);
    },
  },
  {
    name: 'a snapshot leaves out what has expired, and the restored state keeps the age of the rest',
    async run({ make }) {
      let now = 0;
      const clock = { now: () => now };
      const shelf = new Shelf();
      const ttl: StateTtl = { timeToLive };
      const states = (backend: KeyedStateBackend) => ({
        value: backend.valueState<string>('value', { ttl }),
        list: backend.listState<string>('list', { ttl }),
        map: backend.mapState<string, string>('map', { ttl }),
        plain: backend.valueState<string>('plain'),
      });
      const backend = make(all, { clock });
      const held = states(backend);
      for (const [key, at] of [
        ['old', 0],
        ['young', 60],
      ] as const) {
        now = at;
        use(backend, key);
        held.value.update(key);
        held.list.add(key);
        held.map.put(key, key);
        held.plain.update(key);
      }
      use(backend, 'young');
      now = 0;
      held.list.add('old, too');
      held.map.put('old, too', 'x');
      now = 120;
      const restored = make(all, { clock });
      await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
      assert.equal(restored.size(), 1 + 4);
      const again = states(restored);
      use(restored, 'old');
      assert.deepEqual([again.value.value(), again.list.get(), again.map.isEmpty(), again.plain.value()], [undefined, [], true, 'old']);
      use(restored, 'young');
      now = 159;
      assert.deepEqual([again.value.value(), again.list.get(), [...again.map.keys()]], ['young', ['young'], ['young']]);
      now = 160;
      assert.deepEqual([again.value.value(), again.list.get(), again.map.isEmpty()], [undefined, [], true]);
    },
  },
  {
    name: 'each access removes what has expired of a few other keys, also while a snapshot is under way',
    async run({ make }) {
      for (const isSnapshotUnderWay of [false, true]) {
        let now = 0;
        const backend = make(all, { clock: { now: () => now } });
        const ttl: StateTtl = { timeToLive };
        const value = backend.valueState<{ n: number }>('value', { ttl });
        const list = backend.listState<number>('list', { ttl });
        const map = backend.mapState<string, number>('map', { ttl });
        const keys = 1_000;
        for (let key = 0; key < keys; key += 1) {
          use(backend, key);
          value.update({ n: key });
          list.add(key);
          map.put('a', key);
          map.put('b', key);
          backend.registerTimer('event', key);
        }
        now = 50;
        use(backend, 0);
        list.add(-1);
        now = 120;
        const shelf = new Shelf();
        const snapshot = isSnapshotUnderWay ? backend.snapshot(shelf.write) : undefined;
        assert.equal(backend.size(), 4 * keys);
        use(backend, 'another key');
        for (let access = 1; access <= 400; access += 1) {
          value.value();
          list.get();
          map.get('a');
          const left = backend.size();
          assert.ok(left >= 4 * (keys - 5 * access), `${left} left after ${access} accesses`);
          snapshot?.advance(1);
        }
        assert.equal(backend.size(), 1);
        use(backend, 0);
        assert.deepEqual(list.get(), [-1]);
        now = 150;
        for (let access = 0; access < 400; access += 1) list.get();
        assert.equal(backend.size(), 0);
        assert.equal(backend.nextTimer('event'), 0);
        if (snapshot === undefined) continue;
        const restored = make(all);
        await restored.restore(await complete(snapshot), shelf.read);
        assert.ok(restored.size() <= 1);
      }
    },
  },
  {
    name: 'Disabled is no time to live; one that is no duration is refused, naming operator and state',
    async run({ make }) {
      let now = 0;
      const backend = make(all, { clock: { now: () => now } });
      const value = backend.valueState<number>('value', { ttl: { timeToLive: 1, updateType: 'Disabled' } });
      use(backend, 'key');
      value.update(1);
      now = 1_000;
      assert.equal(value.value(), 1);
      assert.deepEqual(
        backend.states().map(({ name, hasTtl }) => [name, hasTtl]),
        [['value', false]],
      );
      for (const bad of [0, -1, Number.NaN, 'soon' as never]) {
        const error = throwsWith('STATE_TTL_INVALID', () => backend.valueState('bad', { ttl: { timeToLive: bad } }));
        assert.ok(error.where?.includes('operator') && error.where.includes('bad'));
      }
    },
  },
];
