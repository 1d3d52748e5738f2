/** The contract of {@link KeyedStateBackend}: folding states, versions and what a checkpoint may be restored into. */
import assert from 'node:assert/strict';
import type { KeyedStateHandle } from '../../storage/contracts.js';
import type { KeyedStateBackend, ScopedStateOptions } from '../../storage/state/contracts.js';
import type { Contract } from './contract.js';
import { all, complete, type KeyedStateFixture, names, Shelf, throwsWith, use } from './keyed-state-fixture.js';

interface Average {
  sum: number;
  count: number;
}

const average = {
  createAccumulator: (): Average => ({ sum: 0, count: 0 }),
  add: (value: number, accumulator: Average): Average => {
    accumulator.sum += value;
    accumulator.count += 1;
    return accumulator;
  },
  getResult: ({ sum, count }: Average): number => sum / count,
};

const collected = {
  createAccumulator: (): { n: number }[] => [],
  add: (value: { n: number }, accumulator: { n: number }[]): { n: number }[] => {
    accumulator.push(value);
    return accumulator;
  },
  getResult: (accumulator: { n: number }[]): { n: number }[] => accumulator,
};

type Asking = (backend: KeyedStateBackend, options?: ScopedStateOptions<never>) => unknown;
const asking: Readonly<Record<string, Asking>> = {
  value: (backend, options) => backend.valueState('state', options),
  list: (backend, options) => backend.listState('state', options),
  map: (backend, options) => backend.mapState('state', options),
  reducing: (backend, options) => backend.reducingState('state', (left) => left, options),
  aggregating: (backend, options) => backend.aggregatingState('state', average, options as never),
};

/** A checkpoint with 40 keys, each with a value of each kind, of version 2. */
async function checkpoint(make: KeyedStateFixture['make'], shelf: Shelf, hasTtl: boolean): Promise<readonly KeyedStateHandle[]> {
  const backend = make(all, { clock: { now: () => 0 } });
  const options = { version: 2, ...(hasTtl ? { ttl: { timeToLive: 1_000 } } : {}) };
  const value = backend.valueState<number>('value', options);
  const list = backend.listState<number>('list', options);
  const map = backend.mapState<string, number>('map', { ...options, isNamespaced: true });
  for (const [index, key] of names.entries()) {
    use(backend, key);
    backend.setCurrentNamespace(7);
    value.update(index);
    list.addAll([index, index + 1]);
    map.put('a', index);
    map.put('b', index + 1);
  }
  return complete(backend.snapshot(shelf.write));
}

export const keyedStateVersionCases: Contract<KeyedStateFixture> = [
  {
    name: 'reducing and aggregating state fold what is added for each key, and survive a restart',
    async run({ make }) {
      const shelf = new Shelf();
      let backend = make(all);
      const ask = () => ({
        most: backend.reducingState<number>('most', (left, right) => Math.max(left, right)),
        average: backend.aggregatingState('average', average),
        all: backend.aggregatingState('all', collected, { isNamespaced: true }),
      });
      let states = ask();
      const record = { n: 0 };
      for (const value of [3, 9, 6]) {
        for (const key of names) {
          use(backend, key);
          backend.setCurrentNamespace(value % 2);
          states.most.add(value);
          states.average.add(value);
          record.n = value;
          states.all.add(record);
        }
        const restored = make(all);
        await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
        backend = restored;
        states = ask();
      }
      for (const key of names) {
        use(backend, key);
        assert.equal(states.most.get(), 9);
        assert.equal(states.average.get(), 6);
        backend.setCurrentNamespace(1);
        assert.deepEqual(states.all.get(), [{ n: 3 }, { n: 9 }]);
      }
      states.most.clear();
      states.average.clear();
      states.all.clear();
      assert.deepEqual([states.most.get(), states.average.get(), states.all.get()], [undefined, undefined, undefined]);
    },
  },
  {
    name: 'what was added to an aggregating state, and what it gave, may change without changing it',
    async run({ make }) {
      const backend = make(all);
      const state = backend.aggregatingState('all', collected);
      use(backend, 'key');
      const put = { n: 1 };
      state.add(put);
      put.n = 2;
      const result = state.get();
      assert.deepEqual(result, [{ n: 1 }]);
      result?.push({ n: 3 });
      state.add(put);
      put.n = 4;
      assert.deepEqual(state.get(), [{ n: 1 }, { n: 2 }]);
    },
  },
  {
    name: 'values of an earlier version are migrated once, before they are read, and are of the new version from then on',
    async run({ make }) {
      for (const hasTtl of [false, true]) {
        const shelf = new Shelf();
        const calls: number[] = [];
        const migrate = (old: unknown, fromVersion: number): { n: number } => {
          calls.push(fromVersion);
          return { n: old as number };
        };
        const clock = { now: () => 10 };
        const options = { version: 5, migrate, ...(hasTtl ? { ttl: { timeToLive: 1_000 } } : {}) };
        let backend = make(all, { clock });
        await backend.restore(await checkpoint(make, shelf, hasTtl), shelf.read);
        for (let restarts = 0; restarts < 3; restarts += 1) {
          const value = backend.valueState<{ n: number }>('value', options);
          const list = backend.listState<{ n: number }>('list', options);
          const map = backend.mapState<string, { n: number }>('map', { ...options, isNamespaced: true });
          for (const [index, key] of names.entries()) {
            use(backend, key);
            backend.setCurrentNamespace(7);
            assert.deepEqual(value.value(), { n: index });
            assert.deepEqual(list.get(), [{ n: index }, { n: index + 1 }]);
            assert.deepEqual([...map.values()], [{ n: index }, { n: index + 1 }]);
          }
          const next = make(all, { clock });
          await next.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
          backend = next;
        }
        assert.deepEqual(calls, Array<number>(5 * names.length).fill(2));
      }
    },
  },
  {
    name: 'values migrated while a snapshot is under way are of the earlier version in it',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      await backend.restore(await checkpoint(make, shelf, false), shelf.read);
      const snapshot = backend.snapshot(shelf.write);
      snapshot.advance(10);
      const migrate = (old: unknown) => 1_000 + (old as number);
      const options = { version: 3, migrate };
      backend.valueState<number>('value', options);
      backend.listState<number>('list', options);
      backend.mapState<string, number>('map', { ...options, isNamespaced: true });
      const restored = make(all);
      await restored.restore(await complete(snapshot), shelf.read);
      const ask = (of: KeyedStateBackend, version: number) => ({
        value: of.valueState<number>('value', { version }),
        list: of.listState<number>('list', { version }),
        map: of.mapState<string, number>('map', { version, isNamespaced: true }),
      });
      for (const [of, version, more] of [
        [restored, 2, 0],
        [backend, 3, 1_000],
      ] as const) {
        const states = ask(of, version);
        for (const [index, key] of names.entries()) {
          use(of, key);
          of.setCurrentNamespace(7);
          assert.equal(states.value.value(), more + index);
          assert.deepEqual(states.list.get(), [more + index, more + index + 1]);
          assert.deepEqual([...states.map.values()], [more + index, more + index + 1]);
        }
      }
    },
  },
  {
    name: 'state that does not fit what is asked for is refused, naming operator and state, and saying what to do',
    async run({ make }) {
      const shelf = new Shelf();
      const ttl = { timeToLive: 1_000 };
      const cases: readonly [string, boolean, ScopedStateOptions<number>][] = [
        ['an earlier version', false, { version: 1, migrate: () => 0 }],
        ['a later version without migrate', false, { version: 3 }],
        ['a time to live where there was none', false, { version: 2, ttl }],
        ['a time to live where there was none, migrated', false, { version: 3, ttl, migrate: () => 0 }],
        ['none where there was a time to live', true, { version: 2 }],
        ['Disabled where there was a time to live', true, { version: 2, ttl: { ...ttl, updateType: 'Disabled' } }],
      ];
      for (const [name, hasTtl, options] of cases) {
        const backend = make(all, { clock: { now: () => 0 } });
        await backend.restore(await checkpoint(make, shelf, hasTtl), shelf.read);
        const error = throwsWith('STATE_INCOMPATIBLE', () => backend.valueState('value', options));
        assert.ok(error.where?.includes('operator') && error.message.includes('value') && error.hint !== undefined, name);
      }
      const failing = make(all);
      await failing.restore(await checkpoint(make, shelf, false), shelf.read);
      const fail = () => {
        throw new Error('what is this?');
      };
      const error = throwsWith('STATE_MIGRATION_FAILED', () => failing.valueState('value', { version: 3, migrate: fail }));
      assert.ok(error.where?.includes('operator') && error.where.includes('value') && error.message.includes('what is this?'));
      throwsWith('STATE_MIGRATION_FAILED', () => failing.listState('list', { version: 3, migrate: () => undefined }));
      for (const version of [0, 1.5, -1, Number.NaN]) throwsWith('STATE_VERSION_INVALID', () => make(all).valueState('value', { version }));
    },
  },
  {
    name: 'one name is one state: asked for as another kind, version or with a time to live, it is refused, naming the operator',
    async run({ make }) {
      for (const [first, ask] of Object.entries(asking)) {
        const backend = make(all, { clock: { now: () => 0 } });
        ask(backend);
        ask(backend);
        for (const [second, askAgain] of Object.entries(asking)) {
          if (second === first) continue;
          const error = throwsWith('STATE_KIND_CLASH', () => askAgain(backend));
          assert.ok(error.where?.includes('operator') && error.message.includes(first) && error.message.includes(second));
        }
        throwsWith('STATE_KIND_CLASH', () => ask(backend, { version: 2 }));
        throwsWith('STATE_KIND_CLASH', () => ask(backend, { isNamespaced: true }));
        throwsWith('STATE_KIND_CLASH', () => ask(backend, { ttl: { timeToLive: 1 } }));
      }
    },
  },
  {
    name: 'the states that were asked for or restored are described',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all, { clock: { now: () => 0 } });
      await backend.restore(await checkpoint(make, shelf, false), shelf.read);
      backend.reducingState('sum', (left: number) => left, { ttl: { timeToLive: 5 } });
      backend.valueState('value', { version: 4, migrate: () => 1 });
      assert.deepEqual(
        backend.states().toSorted((left, right) => (left.name < right.name ? -1 : 1)),
        [
          { name: 'list', kind: 'list', isNamespaced: false, version: 2, hasTtl: false },
          { name: 'map', kind: 'map', isNamespaced: true, version: 2, hasTtl: false },
          { name: 'sum', kind: 'reducing', isNamespaced: false, version: 1, hasTtl: true },
          { name: 'value', kind: 'value', isNamespaced: false, version: 4, hasTtl: false },
        ],
      );
    },
  },
];
