/** The contract of {@link KeyedStateBackend}: snapshots and restore. */
import assert from 'node:assert/strict';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { keyGroupOf, keyGroupRange } from '../../graph/key-groups.js';
import type { KeyedStateHandle } from '../../storage/contracts.js';
import type { ChunkWriter, StateSnapshot } from '../../storage/state/contracts.js';
import { rejectsWith, type Contract } from './contract.js';
import { all, complete, drain, type KeyedStateFixture, maxParallelism, names, Shelf, throwsWith, use } from './keyed-state-fixture.js';

export const keyedStateSnapshotCases: Contract<KeyedStateFixture> = [
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
    name: 'every kind of plain value survives put, snapshot and restore',
    async run({ make }) {
      const shelf = new Shelf();
      const values: readonly unknown[] = [
        0,
        -1.5,
        Number.MAX_SAFE_INTEGER,
        Number.NaN,
        -Infinity,
        12345678901234567890n,
        -5n,
        '',
        'text',
        '😀',
        'x'.repeat(5_000),
        true,
        false,
        null,
        [],
        [1, [2, [3]]],
        {},
        { a: undefined, b: { c: [null] } },
        new Map<unknown, unknown>([
          ['k', [1]],
          [{ o: 1 }, 2],
        ]),
        new Set([1, 'a']),
        new Date(1_700_000_000_123),
        new Date(-1),
        new Uint8Array([1, 2, 255]),
        new Float64Array([0.5, -3]),
        new Int32Array([-7]),
        new BigInt64Array([3n]),
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
          const owned = names.filter(
            (key) => keyGroupOf(key, maxParallelism) >= range.start && keyGroupOf(key, maxParallelism) <= range.end,
          );
          found += owned.length;
          assert.equal(backend.size(), 3 * owned.length);
          next.push(...(await complete(backend.snapshot(shelf.write))));
          for (const key of owned) {
            use(backend, key);
            assert.equal(backend.valueState<string>('value').value(), `value of ${key}`);
            assert.deepEqual(backend.listState<string>('list').get(), [key, key]);
            assert.equal(backend.mapState<string, string>('map').get(key), key);
          }
          assert.deepEqual(
            drain(backend, 'event', 10)
              .map(({ key }) => key)
              .sort(),
            [...owned].sort(),
          );
          assert.deepEqual(
            drain(backend, 'processing', 20)
              .map(({ key }) => key)
              .sort(),
            [...owned].sort(),
          );
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
      assert.deepEqual(
        handles.map((handle) => handle.keyGroups),
        [{ start: 0, end: 7 }],
      );
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
      await rejectsWith('SNAPSHOT_DISCARDED', first.finish());
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
      for (const size of shelf.sizes.slice(0, -1))
        assert.ok(size >= limits.stateChunkBytesMin && size <= limits.stateChunkBytesMax + 1_024, `${size} bytes`);
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
