/** The contract of {@link KeyedStateBackend}: state and timers of a key and a namespace. */
import assert from 'node:assert/strict';
import { keyGroupOf, keyGroupRange } from '../../graph/key-groups.js';
import type { KeyedStateHandle } from '../../storage/contracts.js';
import type { Key, KeyedStateBackend } from '../../storage/state/contracts.js';
import type { Contract } from './contract.js';
import { all, complete, drain, type KeyedStateFixture, maxParallelism, names, Shelf, throwsWith, use } from './keyed-state-fixture.js';

const namespaced = { isNamespaced: true } as const;

function useIn(backend: KeyedStateBackend, key: Key, namespace: number): void {
  use(backend, key);
  backend.setCurrentNamespace(namespace);
}

export const keyedStateNamespaceCases: Contract<KeyedStateFixture> = [
  {
    name: 'each key and namespace has its own value, list and map, beside those of the key alone',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<string>('value', namespaced);
      const list = backend.listState<string>('list', namespaced);
      const map = backend.mapState<string, string>('map', namespaced);
      const ofKey = backend.valueState<number>('of the key');
      const keys: readonly Key[] = ['a', 1, '1', ['a', 1], { x: 1 }];
      const namespaces = [0, 1, -1, 60_000, 1_700_000_000_000, 1_700_000_000_000 + 2 ** 32, 0.5, Number.MAX_SAFE_INTEGER, -Infinity];
      for (const key of keys) {
        for (const namespace of namespaces) {
          useIn(backend, key, namespace);
          assert.equal(value.value(), undefined);
          value.update(`${namespace}`);
          list.addAll(['x', `${namespace}`]);
          map.put('field', `${namespace}`);
          ofKey.update((ofKey.value() ?? 0) + 1);
        }
      }
      assert.equal(backend.size(), keys.length * (3 * namespaces.length + 1));
      for (const key of keys) {
        use(backend, structuredClone(key));
        for (const namespace of namespaces) {
          backend.setCurrentNamespace(namespace);
          assert.deepEqual(backend.currentKey(), key);
          assert.equal(value.value(), `${namespace}`);
          assert.deepEqual(list.get(), ['x', `${namespace}`]);
          assert.equal(map.get('field'), `${namespace}`);
        }
        assert.equal(ofKey.value(), namespaces.length);
      }
      useIn(backend, 'a', -0);
      assert.equal(value.value(), '0');
      value.clear();
      list.clear();
      map.clear();
      useIn(backend, 'a', 1);
      assert.equal(value.value(), '1');
      useIn(backend, 'b', 1);
      assert.equal(value.value(), undefined);
      assert.equal(ofKey.value(), undefined);
    },
  },
  {
    name: 'a namespace belongs to the key it was set for: with another key none is current, and using its state is refused',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number>('value', namespaced);
      throwsWith('STATE_WITHOUT_KEY', () => backend.setCurrentNamespace(1));
      useIn(backend, 'a', 1);
      value.update(1);
      use(backend, 'b');
      for (const call of [() => value.value(), () => value.update(2), () => value.clear()]) {
        assert.ok(throwsWith('STATE_WITHOUT_NAMESPACE', call).where?.includes('operator'));
      }
      use(backend, 'a');
      throwsWith('STATE_WITHOUT_NAMESPACE', () => value.value());
      backend.setCurrentNamespace(1);
      assert.equal(value.value(), 1);
      backend.setCurrentNamespace(Number.NaN);
      throwsWith('NAMESPACE_INVALID', () => value.update(1));
    },
  },
  {
    name: 'one state is of keys or of namespaces, not both; the error names operator and state',
    async run({ make }) {
      const backend = make(all);
      backend.valueState('per window', namespaced);
      backend.valueState('per key');
      for (const call of [() => backend.valueState('per window'), () => backend.valueState('per key', namespaced)]) {
        const error = throwsWith('STATE_KIND_CLASH', call);
        assert.ok(error.where?.includes('operator') && error.message.includes('of a window'));
      }
    },
  },
  {
    name: 'values of one key read in several namespaces may change until its callback ends',
    async run({ make }) {
      const backend = make(all);
      const sum = backend.valueState<{ n: number }>('sum', namespaced);
      for (let record = 1; record <= 3; record += 1) {
        use(backend, 'a');
        const read: { n: number }[] = [];
        for (const namespace of [10, 20]) {
          backend.setCurrentNamespace(namespace);
          const value = sum.value() ?? { n: 0 };
          value.n += 1;
          read.push(value);
        }
        for (const [index, namespace] of [10, 20].entries()) {
          backend.setCurrentNamespace(namespace);
          sum.update(read[index] as { n: number });
        }
      }
      for (const namespace of [10, 20]) {
        useIn(backend, 'a', namespace);
        assert.equal(sum.value()?.n, 3);
      }
    },
  },
  {
    name: 'a timer belongs to its namespace: one each, deleted by it, and it makes key and namespace current when it fires',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<string>('value', namespaced);
      for (const key of ['a', 'b']) {
        for (const namespace of [100, 200]) {
          useIn(backend, key, namespace);
          value.update(`${key} in ${namespace}`);
          for (let again = 0; again < 2; again += 1) backend.registerTimer('event', namespace - 1, namespace);
        }
        // Of a namespace that is not the current one, and holds nothing else.
        backend.registerTimer('event', 150, 300);
        backend.registerTimer('event', 99);
      }
      use(backend, 'b');
      backend.deleteTimer('event', 199, 200);
      backend.deleteTimer('event', 199, 100);
      backend.deleteTimer('event', 99, 5);
      backend.deleteTimer('processing', 99, 100);
      assert.equal(backend.nextTimer('event'), 99);
      assert.deepEqual(drain(backend, 'event', 98), []);
      const fired: unknown[] = [];
      for (let timer = backend.pollTimer('event', 1_000); timer !== undefined; timer = backend.pollTimer('event', 1_000)) {
        fired.push([timer.time, timer.namespace, timer.key, backend.currentKey(), value.value()]);
      }
      assert.deepEqual(fired, [
        [99, 0, 'a', 'a', undefined],
        [99, 0, 'b', 'b', undefined],
        [99, 100, 'a', 'a', 'a in 100'],
        [99, 100, 'b', 'b', 'b in 100'],
        [150, 300, 'a', 'a', undefined],
        [150, 300, 'b', 'b', undefined],
        [199, 200, 'a', 'a', 'a in 200'],
      ]);
      assert.equal(backend.nextTimer('event'), undefined);
    },
  },
  {
    name: 'namespaces and their timers follow their key groups from 1 to 3 to 2 subtasks',
    async run({ make }) {
      const shelf = new Shelf();
      const fill = make(all);
      const windows = [1_700_000_000_000, 1_700_000_060_000];
      for (const key of names) {
        use(fill, key);
        fill.valueState<string>('of the key').update(key);
        fill.registerTimer('event', 5);
        for (const window of windows) {
          fill.setCurrentNamespace(window);
          fill.valueState<string>('value', namespaced).update(`${key} in ${window}`);
          fill.listState<number>('list', namespaced).addAll([window, 1]);
          fill.mapState<string, number>('map', namespaced).put(key, window);
          fill.registerTimer('event', window, window);
        }
      }
      let handles = await complete(fill.snapshot(shelf.write));
      for (const parallelism of [3, 2]) {
        const next: KeyedStateHandle[] = [];
        let found = 0;
        for (let subtask = 0; subtask < parallelism; subtask += 1) {
          const range = keyGroupRange(subtask, parallelism, maxParallelism);
          const backend = make(range);
          await backend.restore(handles, shelf.read);
          const owned = names.filter((key) => {
            const group = keyGroupOf(key, maxParallelism);
            return group >= range.start && group <= range.end;
          });
          found += owned.length;
          assert.equal(backend.size(), 7 * owned.length);
          next.push(...(await complete(backend.snapshot(shelf.write))));
          for (const key of owned) {
            use(backend, key);
            assert.equal(backend.valueState<string>('of the key').value(), key);
            for (const window of windows) {
              backend.setCurrentNamespace(window);
              assert.equal(backend.valueState<string>('value', namespaced).value(), `${key} in ${window}`);
              assert.deepEqual(backend.listState<number>('list', namespaced).get(), [window, 1]);
              assert.deepEqual([...backend.mapState<string, number>('map', namespaced).entries()], [[key, window]]);
            }
          }
          const timers = drain(backend, 'event', Number.MAX_SAFE_INTEGER);
          assert.deepEqual(
            timers.map(({ key, time, namespace }) => `${String(key)} ${time} ${namespace}`).sort(),
            owned.flatMap((key) => [`${key} 5 0`, ...windows.map((window) => `${key} ${window} ${window}`)]).sort(),
          );
        }
        assert.equal(found, names.length);
        handles = next;
      }
    },
  },
  {
    name: 'a snapshot holds the namespaces of its cut, while windows open and close',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      const value = backend.valueState<{ n: number }>('value', namespaced);
      const add = (key: string, namespace: number) => {
        useIn(backend, key, namespace);
        const sum = value.value() ?? { n: 0 };
        sum.n += 1;
        value.update(sum);
        backend.registerTimer('event', namespace, namespace);
      };
      for (const key of names) for (const namespace of [1, 2]) add(key, namespace);
      const snapshot = backend.snapshot(shelf.write);
      snapshot.advance(20);
      for (let timer = backend.pollTimer('event', 1); timer !== undefined; timer = backend.pollTimer('event', 1)) value.clear();
      for (const key of names) for (const namespace of [2, 3]) add(key, namespace);
      const restored = make(all);
      await restored.restore(await complete(snapshot, 3), shelf.read);
      assert.equal(restored.size(), 2 * names.length);
      for (const key of names) {
        for (const namespace of [1, 2]) {
          useIn(restored, key, namespace);
          assert.deepEqual(restored.valueState<{ n: number }>('value', namespaced).value(), { n: 1 });
        }
      }
      assert.equal(drain(restored, 'event', 10).length, 2 * names.length);
      assert.equal(backend.size(), 2 * names.length);
    },
  },
];
