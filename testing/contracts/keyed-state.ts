/** The contract of {@link KeyedStateBackend}. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import type { KeyGroupRange } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { keyGroupOf, keyGroupRange } from '../../graph/key-groups.js';
import type { ChunkHandle, KeyedStateHandle } from '../../storage/contracts.js';
import type { ChunkReader, ChunkWriter, Key, KeyedStateBackend, KeyedTimer, StateSnapshot } from '../../storage/state/contracts.js';
import { rejectsWith, type Contract } from './contract.js';

export interface KeyedStateFixture {
  /** An empty backend of an operator named `operator`. */
  make(keyGroups: KeyGroupRange, options?: { readonly isObjectReuse?: boolean }): KeyedStateBackend;
}

const maxParallelism = 16;
const all: KeyGroupRange = { start: 0, end: maxParallelism - 1 };
const names = Array.from({ length: 40 }, (_, index) => `key-${index}`);

/** Where snapshots go to: counts what is read and written. */
class Shelf {
  readonly sizes: number[] = [];
  reads = 0;
  private readonly chunks = new Map<string, Uint8Array>();

  readonly write: ChunkWriter = async (bytes) => {
    const name = `job/1/attempt/state/${this.chunks.size}`;
    this.chunks.set(name, bytes.slice());
    this.sizes.push(bytes.length);
    return { name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  };

  readonly read: ChunkReader = async (handle: ChunkHandle) => {
    this.reads += 1;
    return this.chunks.get(handle.name) ?? assert.fail(`no chunk ${handle.name}`);
  };
}

const use = (backend: KeyedStateBackend, key: Key): void => backend.setCurrentKey(key, keyGroupOf(key, maxParallelism));

async function complete(snapshot: StateSnapshot, entriesAtOnce = 7): Promise<readonly KeyedStateHandle[]> {
  while (snapshot.advance(entriesAtOnce));
  return snapshot.finish();
}

function throwsWith(code: string, call: () => unknown): MillraceError {
  try {
    call();
  } catch (error) {
    if (error instanceof MillraceError && error.code === code) return error;
    throw new Error(`expected ${code}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

function drain(backend: KeyedStateBackend, domain: 'event' | 'processing', time: number): KeyedTimer[] {
  const timers: KeyedTimer[] = [];
  for (let timer = backend.pollTimer(domain, time); timer !== undefined; timer = backend.pollTimer(domain, time)) timers.push(timer);
  return timers;
}

class Account {
  readonly balance = 1;
}

export const keyedStateContract: Contract<KeyedStateFixture> = [
  {
    name: 'each key has its own value, list and map; keys are compared by content',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number>('value');
      const list = backend.listState<number>('list');
      const map = backend.mapState<Key, string>('map');
      const keys: readonly Key[] = ['a', 'b', 1, '1', 1n, null, true, ['a', 1], ['a', '1'], { x: 1, y: 2 }, [], {}];
      keys.forEach((key, index) => {
        use(backend, key);
        assert.equal(value.value(), undefined);
        value.update(index);
        list.addAll([index, index]);
        map.put(['field', index], `text ${index}`);
      });
      assert.equal(backend.size(), 3 * keys.length);
      keys.forEach((key, index) => {
        use(backend, structuredClone(key));
        assert.deepEqual(backend.currentKey(), key);
        assert.equal(value.value(), index);
        assert.deepEqual(list.get(), [index, index]);
        assert.deepEqual([...map.entries()], [[['field', index], `text ${index}`]]);
      });
      use(backend, { y: 2, x: 1 });
      assert.equal(value.value(), 9);
      use(backend, -0);
      value.update(7);
      use(backend, 0);
      assert.equal(value.value(), 7);
    },
  },
  {
    name: 'a value is undefined before it is put and after it is cleared; null is a value',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number | null | undefined>('value');
      use(backend, 'a');
      value.clear();
      assert.equal(value.value(), undefined);
      value.update(null);
      assert.equal(value.value(), null);
      assert.equal(backend.size(), 1);
      value.update(undefined);
      assert.equal(value.value(), undefined);
      value.update(0);
      value.clear();
      value.clear();
      assert.equal(backend.size(), 0);
      value.update(5);
      assert.equal(value.value(), 5);
    },
  },
  {
    name: 'a list that was handed out does not change when the state does',
    async run({ make }) {
      const backend = make(all);
      const list = backend.listState<string>('list');
      use(backend, 'a');
      assert.deepEqual(list.get(), []);
      list.add('one');
      const first = list.get();
      list.add('two');
      const second = list.get();
      list.addAll(['three', 'four']);
      list.addAll([]);
      assert.deepEqual([first, second, list.get()], [['one'], ['one', 'two'], ['one', 'two', 'three', 'four']]);
      list.update(new Set(['x']));
      assert.deepEqual(list.get(), ['x']);
      list.update([]);
      assert.deepEqual(list.get(), []);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'a map is read, changed and iterated by content of its keys',
    async run({ make }) {
      const backend = make(all);
      const map = backend.mapState<Key, number>('map');
      use(backend, 'a');
      assert.equal(map.isEmpty(), true);
      assert.deepEqual([...map.entries()], []);
      map.put('x', 1);
      map.put(['x'], 2);
      map.put(['x'], 3);
      map.put({ q: 'z' }, 4);
      assert.equal(map.get(['x']), 3);
      assert.equal(map.has({ q: 'z' }), true);
      assert.equal(map.has('y'), false);
      assert.deepEqual([...map.keys()], ['x', ['x'], { q: 'z' }]);
      assert.deepEqual([...map.values()], [1, 3, 4]);
      const entries = map.entries();
      use(backend, 'b');
      assert.deepEqual([...map.entries()], []);
      assert.equal([...entries].length, 3);
      use(backend, 'a');
      map.remove('x');
      map.remove('x');
      assert.equal(backend.size(), 2);
      map.clear();
      assert.equal(map.isEmpty(), true);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'asking for a state again gives the same state; as another kind it is refused, naming operator and state',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      backend.valueState<number>('count').update(1);
      assert.equal(backend.valueState<number>('count').value(), 1);
      const error = throwsWith('STATE_KIND_CLASH', () => backend.mapState('count'));
      assert.ok(error.message.includes('count') && error.where?.includes('operator'));
    },
  },
  {
    name: 'state without a key, and keys of foreign groups, are refused, naming the operator',
    async run({ make }) {
      const backend = make({ start: 0, end: 3 });
      const value = backend.valueState<number>('value');
      const calls = [() => value.value(), () => value.update(1), () => value.clear(), () => backend.listState('l').get(), () => backend.mapState('m').get('x'), () => backend.registerTimer('event', 1), () => backend.currentKey()];
      for (const call of calls) assert.ok(throwsWith('STATE_WITHOUT_KEY', call).where?.includes('operator'));
      for (const group of [4, -1, 100]) assert.ok(throwsWith('KEY_GROUP_FOREIGN', () => backend.setCurrentKey('a', group)).where?.includes('operator'));
    },
  },
  {
    name: 'timers fire in order of time, then of registration; the same timer is one; deleted ones do not fire',
    async run({ make }) {
      const backend = make(all);
      const register = (key: Key, time: number) => {
        use(backend, key);
        backend.registerTimer('event', time);
      };
      for (const [key, time] of [['c', 30], ['a', 10], ['b', 10], ['a', 10], ['a', 20], ['d', -5]] as const) register(key, time);
      use(backend, 'b');
      backend.registerTimer('processing', 1);
      backend.deleteTimer('event', 99);
      use(backend, 'a');
      backend.deleteTimer('event', 20);
      assert.equal(backend.nextTimer('event'), -5);
      assert.equal(backend.nextTimer('processing'), 1);
      assert.deepEqual(drain(backend, 'event', -6), []);
      assert.deepEqual(drain(backend, 'event', 29).map(({ key, time }) => [key, time]), [['d', -5], ['a', 10], ['b', 10]]);
      assert.deepEqual(drain(backend, 'event', 30), [{ key: 'c', domain: 'event', time: 30 }]);
      assert.equal(backend.nextTimer('event'), undefined);
      assert.equal(drain(backend, 'processing', 1).length, 1);
    },
  },
  {
    name: 'a timer sets its key; one registered while firing, due at once, fires in the same sweep',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<string>('value');
      use(backend, 'a');
      value.update('of a');
      backend.registerTimer('event', 5);
      use(backend, 'b');
      assert.ok(backend.pollTimer('event', 5));
      assert.equal(backend.currentKey(), 'a');
      assert.equal(value.value(), 'of a');
      backend.registerTimer('event', 5);
      backend.registerTimer('event', 3);
      assert.deepEqual(drain(backend, 'event', 5).map(({ time }) => time), [3, 5]);
      use(backend, 'x');
      backend.registerTimer('event', 1);
      assert.ok(backend.pollTimer('event', 1));
      value.update('kept');
      use(backend, 'x');
      assert.equal(value.value(), 'kept');
    },
  },
  {
    name: 'many timers, registered and deleted over and over, cost what is left of them',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      for (let time = 0; time < 50_000; time += 1) {
        backend.registerTimer('event', time);
        backend.deleteTimer('event', time);
      }
      backend.registerTimer('event', 7);
      assert.equal(backend.nextTimer('event'), 7);
      for (let index = 0; index < 5_000; index += 1) {
        use(backend, index);
        backend.registerTimer('event', 100);
      }
      assert.equal(drain(backend, 'event', 100).length, 5_001);
      for (const time of [Number.NaN, Infinity]) throwsWith('TIMER_TIME_INVALID', () => backend.registerTimer('event', time));
    },
  },
  {
    name: 'what is put is copied: changing it afterwards, or putting it elsewhere too, changes nothing',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<{ n: number; inner: number[] }>('value');
      const other = backend.valueState<{ n: number; inner: number[] }>('other');
      const list = backend.listState<{ n: number }>('list');
      const map = backend.mapState<string, { n: number }>('map');
      const put = { n: 1, inner: [1] };
      use(backend, 'a');
      value.update(put);
      other.update(put);
      list.add(put);
      list.addAll([put]);
      map.put('x', put);
      put.n = 2;
      put.inner.push(2);
      assert.deepEqual(value.value(), { n: 1, inner: [1] });
      const read = value.value();
      assert.ok(read !== undefined);
      read.n = 3;
      value.update(read);
      read.n = 4;
      assert.equal(value.value()?.n, 3);
      assert.deepEqual(other.value(), { n: 1, inner: [1] });
      assert.deepEqual(list.get().map((each) => each.n), [1, 1]);
      assert.equal(map.get('x')?.n, 1);
    },
  },
  {
    name: 'one operator keeps and emits an accumulator, the next stores it: a snapshot taken in between holds what each had',
    async run({ make }) {
      const shelf = new Shelf();
      const first = make(all);
      const second = make(all);
      const accumulator = first.valueState<{ count: number; seen: string[] }>('accumulator');
      const latest = second.valueState<{ count: number; seen: string[] }>('latest');
      const record = (key: string, text: string) => {
        use(first, key);
        const kept = accumulator.value() ?? { count: 0, seen: [] };
        kept.count += 1;
        kept.seen.push(text);
        accumulator.update(kept);
        use(second, key);
        latest.update(kept);
      };
      for (const text of ['one', 'two']) for (const key of names) record(key, text);
      const snapshots = [first.snapshot(shelf.write), second.snapshot(shelf.write)] as const;
      for (const [index, key] of names.entries()) {
        if (index % 3 === 0) for (const snapshot of snapshots) snapshot.advance(2);
        record(key, 'three');
      }
      for (const [index, state] of (['accumulator', 'latest'] as const).entries()) {
        const restored = make(all);
        await restored.restore(await complete(snapshots[index] as StateSnapshot), shelf.read);
        const value = restored.valueState<{ count: number; seen: string[] }>(state);
        for (const key of names) {
          use(restored, key);
          assert.deepEqual(value.value(), { count: 2, seen: ['one', 'two'] }, `${state} of ${key}`);
        }
      }
      use(first, names[0] as string);
      assert.equal(accumulator.value()?.count, 3);
    },
  },
  {
    name: 'values that could not be restored are refused when they are put, naming operator and state',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<unknown>('account');
      use(backend, 'a');
      const cyclic: { self?: unknown } = {};
      cyclic.self = cyclic;
      const bad = [new Account(), { deep: [new Account()] }, new Map([['x', new Account()]]), () => 1, { call: () => 1 }, Symbol('x'), Promise.resolve(), new WeakMap(), /x/, cyclic];
      for (const each of bad) {
        const error = throwsWith('STATE_VALUE_UNSUPPORTED', () => value.update(each));
        assert.ok(error.where?.includes('operator') && error.where.includes('account'), error.where);
      }
      assert.ok(throwsWith('STATE_VALUE_UNSUPPORTED', () => value.update(new Account())).message.includes('Account'));
      throwsWith('STATE_VALUE_UNSUPPORTED', () => backend.listState('list').add(new Account()));
      throwsWith('STATE_VALUE_UNSUPPORTED', () => backend.mapState('map').put('x', new Account()));
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'every kind of plain value survives put, snapshot and restore',
    async run({ make }) {
      const shelf = new Shelf();
      const values: readonly unknown[] = [
        0, -1.5, Number.MAX_SAFE_INTEGER, Number.NaN, -Infinity, 12345678901234567890n, -5n, '', 'text', '😀', 'x'.repeat(5_000), true, false, null,
        [], [1, [2, [3]]], {}, { a: undefined, b: { c: [null] } }, new Map<unknown, unknown>([['k', [1]], [{ o: 1 }, 2]]), new Set([1, 'a']),
        new Date(1_700_000_000_123), new Date(-1), new Uint8Array([1, 2, 255]), new Float64Array([0.5, -3]), new Int32Array([-7]), new BigInt64Array([3n]),
      ];
      const backend = make(all);
      const value = backend.valueState<unknown>('value');
      values.forEach((each, index) => {
        use(backend, index);
        value.update(each);
        assert.deepEqual(value.value(), each);
      });
      const restored = make(all);
      await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
      const again = restored.valueState<unknown>('value');
      values.forEach((each, index) => {
        use(restored, index);
        assert.deepEqual(again.value(), each);
      });
      assert.equal(restored.size(), values.length);
    },
  },
  {
    name: 'state and timers follow their key groups from 1 to 3 to 2 subtasks',
    async run({ make }) {
      const shelf = new Shelf();
      const fill = make(all);
      for (const key of names) {
        use(fill, key);
        fill.valueState<string>('value').update(`value of ${key}`);
        fill.listState<string>('list').addAll([key, key]);
        fill.mapState<string, string>('map').put(key, key);
        fill.registerTimer('event', 10);
        fill.registerTimer('processing', 20);
      }
      let handles = await complete(fill.snapshot(shelf.write));
      for (const parallelism of [3, 2]) {
        const next: KeyedStateHandle[] = [];
        let found = 0;
        for (let subtask = 0; subtask < parallelism; subtask += 1) {
          const range = keyGroupRange(subtask, parallelism, maxParallelism);
          const backend = make(range);
          await backend.restore(handles, shelf.read);
          const owned = names.filter((key) => keyGroupOf(key, maxParallelism) >= range.start && keyGroupOf(key, maxParallelism) <= range.end);
          found += owned.length;
          assert.equal(backend.size(), 3 * owned.length);
          next.push(...(await complete(backend.snapshot(shelf.write))));
          for (const key of owned) {
            use(backend, key);
            assert.equal(backend.valueState<string>('value').value(), `value of ${key}`);
            assert.deepEqual(backend.listState<string>('list').get(), [key, key]);
            assert.equal(backend.mapState<string, string>('map').get(key), key);
          }
          assert.deepEqual(drain(backend, 'event', 10).map(({ key }) => key).sort(), [...owned].sort());
          assert.deepEqual(drain(backend, 'processing', 20).map(({ key }) => key).sort(), [...owned].sort());
        }
        assert.equal(found, names.length);
        handles = next;
      }
    },
  },
  {
    name: 'handles of other key groups are not read at all',
    async run({ make }) {
      const shelf = new Shelf();
      const low = make({ start: 0, end: 7 });
      for (const key of names.filter((name) => keyGroupOf(name, maxParallelism) <= 7)) {
        use(low, key);
        low.valueState<number>('value').update(1);
      }
      const handles = await complete(low.snapshot(shelf.write));
      assert.deepEqual(handles.map((handle) => handle.keyGroups), [{ start: 0, end: 7 }]);
      const high = make({ start: 8, end: 15 });
      await high.restore(handles, shelf.read);
      assert.equal(shelf.reads, 0);
      assert.equal(high.size(), 0);
    },
  },
  {
    name: 'an empty state has no handles; restoring nothing leaves it empty',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      backend.valueState('value');
      const handles = await complete(backend.snapshot(shelf.write));
      assert.deepEqual(handles, []);
      await backend.restore(handles, shelf.read);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'state that the program no longer asks for is kept in later snapshots',
    async run({ make }) {
      const shelf = new Shelf();
      const first = make(all);
      use(first, 'a');
      first.valueState<number>('old').update(1);
      const second = make(all);
      await second.restore(await complete(first.snapshot(shelf.write)), shelf.read);
      use(second, 'a');
      second.valueState<number>('new').update(2);
      const third = make(all);
      await third.restore(await complete(second.snapshot(shelf.write)), shelf.read);
      use(third, 'a');
      assert.equal(third.valueState<number>('old').value(), 1);
      assert.equal(third.valueState<number>('new').value(), 2);
      throwsWith('STATE_KIND_CLASH', () => third.listState('old'));
    },
  },
  {
    name: 'cutting a snapshot looks at no entry, and each advance at no more than it may',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all, { isObjectReuse: true });
      const value = backend.valueState<{ readonly n: number }>('value');
      let looks = 0;
      for (let key = 0; key < 500; key += 1) {
        use(backend, key);
        value.update(Object.defineProperty({}, 'n', { enumerable: true, get: () => (looks += 1) }) as { n: number });
      }
      looks = 0;
      const snapshot = backend.snapshot(shelf.write);
      assert.equal(looks, 0);
      let isMore = true;
      for (let rounds = 0; isMore; rounds += 1) {
        assert.ok(rounds < 500 / 10 + 50, 'the snapshot goes on');
        const before = looks;
        isMore = snapshot.advance(10);
        assert.ok(looks - before <= 10, `${looks - before} entries in one advance of 10`);
      }
      await snapshot.finish();
      assert.ok(looks >= 500);
    },
  },
  {
    name: 'a snapshot ends although entries are added faster than it looks at them',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      const map = backend.mapState<number, number>('map');
      use(backend, 'a');
      for (let field = 0; field < 50; field += 1) map.put(field, field);
      const snapshot = backend.snapshot(shelf.write);
      let added = 50;
      for (let rounds = 0; snapshot.advance(5); rounds += 1) {
        assert.ok(rounds < 1_000, 'the snapshot goes on');
        for (let count = 0; count < 20; count += 1) map.put(added++, 0);
        backend.registerTimer('event', added);
      }
      const restored = make(all);
      await restored.restore(await snapshot.finish(), shelf.read);
      use(restored, 'a');
      assert.equal([...restored.mapState<number, number>('map').keys()].length, 50);
      assert.equal(restored.nextTimer('event'), undefined);
    },
  },
  {
    name: 'one snapshot is under way at a time; a discarded one leaves the state as it was and makes room for the next',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      const value = backend.valueState<{ n: number }>('value');
      for (const key of names) {
        use(backend, key);
        value.update({ n: 1 });
      }
      const first = backend.snapshot(shelf.write);
      first.advance(3);
      throwsWith('SNAPSHOT_UNDER_WAY', () => backend.snapshot(shelf.write));
      first.discard();
      first.discard();
      use(backend, names[0] as string);
      value.update({ n: 2 });
      const restored = make(all);
      await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
      assert.equal(restored.size(), names.length);
      use(restored, names[0] as string);
      assert.equal(restored.valueState<{ n: number }>('value').value()?.n, 2);
    },
  },
  {
    name: 'a chunk that cannot be written fails finish, and nothing else',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      backend.valueState<string>('value').update('x');
      const failing: ChunkWriter = () => Promise.reject(new MillraceError('DISK_FULL', 'no room'));
      await rejectsWith('DISK_FULL', complete(backend.snapshot(failing)));
      const shelf = new Shelf();
      assert.equal((await complete(backend.snapshot(shelf.write))).length, 1);
    },
  },
  {
    name: 'chunks keep to their bounds, but for the last and for single entries beyond them',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      const value = backend.valueState<string>('value');
      for (let key = 0; key < 3_000; key += 1) {
        use(backend, key);
        value.update(String(key).repeat(200));
      }
      const handles = await complete(backend.snapshot(shelf.write), 1_000);
      assert.ok(shelf.sizes.length > 2, `${shelf.sizes.length} chunks`);
      for (const size of shelf.sizes.slice(0, -1)) assert.ok(size >= limits.stateChunkBytesMin && size <= limits.stateChunkBytesMax + 1_024, `${size} bytes`);
      const restored = make(all);
      await restored.restore(handles, shelf.read);
      assert.equal(restored.size(), 3_000);
      use(restored, 2_999);
      const big = 'y'.repeat(3 * limits.stateChunkBytesMax);
      restored.valueState<string>('value').update(big);
      const last = make(all);
      await last.restore(await complete(restored.snapshot(shelf.write), 1_000), shelf.read);
      use(last, 2_999);
      assert.equal(last.valueState<string>('value').value(), big);
    },
  },
  {
    name: 'the next snapshot holds what came after the last one too',
    async run({ make }) {
      const shelf = new Shelf();
      const backend = make(all);
      const value = backend.valueState<number>('value');
      for (let round = 1; round <= 4; round += 1) {
        for (const key of names) {
          use(backend, key);
          value.update((value.value() ?? 0) + 1);
        }
        const restored = make(all);
        await restored.restore(await complete(backend.snapshot(shelf.write)), shelf.read);
        for (const key of names) {
          use(restored, key);
          assert.equal(restored.valueState<number>('value').value(), round);
        }
      }
    },
  },
  {
    name: 'a closed backend holds nothing',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      backend.valueState<number>('value').update(1);
      backend.registerTimer('event', 1);
      backend.snapshot(new Shelf().write);
      backend.close();
      assert.equal(backend.size(), 0);
      assert.equal(backend.nextTimer('event'), undefined);
    },
  },
];
