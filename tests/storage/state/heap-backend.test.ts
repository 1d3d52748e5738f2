import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../../core/errors.js';
import { keyHashOf, type Key } from '../../../core/keys.js';
import { HeapKeyedStateBackend } from '../../../storage/state/heap/heap-keyed-state-backend.js';
import { decodeChunk } from '../../../storage/state/heap/snapshot-format.js';
import type { StateTable } from '../../../storage/state/heap/state-table.js';
import { detachString } from '../../../storage/state/heap/value-copier.js';
import { maxParallelism, use } from '../../../testing/contracts/keyed-state-fixture.js';
import { keyedStateContract } from '../../../testing/contracts/keyed-state.js';
import { ChunkShelf } from '../../support/chunk-shelf.js';
import { runContract } from '../../support/run-contract.js';

for (const isStrict of [false, true]) {
  runContract(`keyed state on the heap${isStrict ? ', strict' : ''}`, keyedStateContract, async () => ({
    fixture: {
      make: (keyGroups, options = {}) =>
        // Values that count how often they are read cannot be strict: stamping them reads them.
        new HeapKeyedStateBackend({
          keyGroups,
          maxParallelism,
          operatorName: 'operator',
          isStrict: isStrict && options.isObjectReuse !== true,
          ...options,
        }),
    },
  }));
}

const test = suite('strict mode');
const backend = () =>
  new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'sum per airport', isStrict: true });

function failsNaming(what: readonly string[], call: () => unknown): void {
  assert.throws(call, (error: unknown) => {
    const { code, where, message } = error as MillraceError;
    assert.is(code, 'STATE_CHANGED_WITHOUT_PUT');
    for (const each of what) assert.ok(`${where} ${message}`.includes(each), `${where} ${message} names ${each}`);
    return true;
  });
}

test('a value changed in its callback and not put fails at the end of the callback, naming operator, state and key (SG1)', () => {
  const state = backend();
  const value = state.valueState<{ n: number[] }>('accumulator');
  use(state, 'ORD');
  value.update({ n: [1] });
  use(state, 'ORD');
  value.value()?.n.push(2);
  failsNaming(['sum per airport', 'accumulator', 'ORD'], () => use(state, 'LAX'));
});

test('a value changed and put in the same callback is fine, read as often as one likes (SG1)', () => {
  const state = backend();
  const value = state.valueState<{ n: number }>('accumulator');
  for (let round = 0; round < 3; round += 1) {
    use(state, 'a');
    const read = value.value() ?? { n: 0 };
    read.n += 1;
    assert.is(value.value()?.n, round === 0 ? undefined : read.n);
    value.update(read);
    read.n = -1;
  }
  use(state, 'a');
  assert.is(value.value()?.n, 3);
});

test('a change that is not put fails when a snapshot is cut, too (SG1)', () => {
  const state = backend();
  const map = state.mapState<string, { n: number }>('per day');
  use(state, 'a');
  map.put('monday', { n: 1 });
  use(state, 'a');
  for (const cell of map.values()) cell.n = 2;
  failsNaming(['sum per airport', 'per day'], () => state.snapshot(new ChunkShelf().write));
});

test('a value kept from an earlier callback and changed later fails when it is serialised or read (SG2)', () => {
  for (const look of ['snapshot', 'read'] as const) {
    const state = backend();
    const list = state.listState<{ n: number }>('events');
    use(state, 'a');
    list.add({ n: 1 });
    use(state, 'a');
    const kept = list.get()[0];
    use(state, 'b');
    assert.ok(kept);
    kept.n = 2;
    failsNaming(['sum per airport', 'events'], () => {
      if (look === 'snapshot') state.snapshot(new ChunkShelf().write).advance(10);
      use(state, 'a');
      list.get();
    });
  }
});

test('an array handed out and pushed to by a cast is caught (SG1)', () => {
  const state = backend();
  const list = state.listState<number>('numbers');
  use(state, 'a');
  list.add(1);
  use(state, 'a');
  (list.get() as number[]).push(2);
  failsNaming(['numbers'], () => use(state, 'a'));
});

test.run();

const reuse = suite('objects reused');

reuse('with object reuse values are stored as they are, and the snapshot holds what they were when it looked', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op', isObjectReuse: true });
  const value = state.valueState<{ n: number }>('value');
  const put = { n: 1 };
  use(state, 'a');
  value.update(put);
  assert.is(value.value(), put);
});

reuse('a value that cannot be encoded fails the snapshot, naming operator and state', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op', isObjectReuse: true });
  use(state, 'a');
  state.valueState<unknown>('fine').update(1);
  state.valueState<unknown>('handler').update({ call: () => 1 });
  assert.throws(
    () => state.snapshot(new ChunkShelf().write).advance(10),
    (error: unknown) => {
      const { code, where } = error as MillraceError;
      return code === 'STATE_VALUE_UNSUPPORTED' && where === 'op, state "handler"';
    },
  );
});

reuse.run();

const many = suite('many keys');

/** Every third key is a tuple. */
const keyOf = (index: number): Key => (index % 3 === 0 ? ['tuple', index] : `key-${index}`);

many('a snapshot is exact although entries leave, and their numbers are given to other keys, while it is written (HS1, ES2)', async () => {
  const options = { keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'op' };
  const state = new HeapKeyedStateBackend(options);
  const value = state.valueState<number>('value');
  const map = state.mapState<string, number>('map');
  const keys = 9_000;
  for (let index = 0; index < keys; index += 1) {
    use(state, keyOf(index));
    value.update(index);
    map.put('n', index);
    if (index % 2 === 0) state.registerTimer('event', index);
  }
  const shelf = new ChunkShelf();
  const snapshot = state.snapshot(shelf.write);
  let next = keys;
  for (let index = 0; snapshot.advance(3); index = (index + 7) % keys) {
    use(state, keyOf(index));
    value.clear();
    map.clear();
    state.deleteTimer('event', index);
    use(state, keyOf(next));
    value.update(-next);
    map.put('n', -next);
    next += 1;
  }
  assert.ok(next > keys + 2_000, `${next - keys} keys came meanwhile`);
  const restored = new HeapKeyedStateBackend(options);
  await restored.restore(await snapshot.finish(), shelf.read);
  const restoredValue = restored.valueState<number>('value');
  const restoredMap = restored.mapState<string, number>('map');
  for (let index = 0; index < next; index += 1) {
    use(restored, keyOf(index));
    const expected = index < keys ? index : undefined;
    assert.is(restoredValue.value(), expected, `value of ${index}`);
    assert.is(restoredMap.get('n'), expected, `cell of ${index}`);
  }
  assert.is(restored.size(), 2 * keys);
  let timers = 0;
  for (let timer = restored.pollTimer('event', keys); timer !== undefined; timer = restored.pollTimer('event', keys)) {
    assert.equal(timer.key, keyOf(timer.time));
    timers += 1;
  }
  assert.is(timers, keys / 2);
});

/** How many numbers of entries were ever given since the table was empty. */
const numbersGiven = (state: HeapKeyedStateBackend): number => (state as unknown as { readonly table: StateTable }).table.entries.end;

many('a number given to a key of another group between chaining and visiting costs neither key anything (HS1, HS4, ES2)', async () => {
  const options = { keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'op' };
  const groupOf = (key: string): number => keyHashOf(key) % options.maxParallelism;
  const names = Array.from({ length: 200 }, (_, n) => `key-${n}`).sort((left, right) => groupOf(left) - groupOf(right));
  const [lowest, highest] = [names[0] as string, names.at(-1) as string];
  assert.ok(groupOf(lowest) < groupOf(highest));
  // Visited later than the key that left would have been, and earlier.
  for (const [leaving, coming] of [
    [lowest, highest],
    [highest, lowest],
  ] as const) {
    const state = new HeapKeyedStateBackend(options);
    const value = state.valueState<string>('value');
    const map = state.mapState<string, string>('map');
    const fill = (key: string, from: string): void => {
      use(state, key);
      value.update(from);
      map.put('one', from);
      map.put(from, from);
      state.registerTimer('event', 5);
      state.registerTimer('processing', from.length);
    };
    const empty = (key: string, from: string): void => {
      use(state, key);
      state.deleteTimer('event', 5);
      map.clear();
      value.clear();
      state.deleteTimer('processing', from.length);
    };
    const kept = names.slice(90, 110);
    const [gone, early] = [names[50] as string, names[150] as string];
    for (const key of [gone, ...kept, leaving]) fill(key, 'at the cut');
    empty(gone, 'at the cut');
    const given = numbersGiven(state);
    const shelf = new ChunkShelf();
    const snapshot = state.snapshot(shelf.write);
    fill(early, 'later');
    // All 22 entries are chained in one step.
    assert.ok(snapshot.advance(1));
    empty(leaving, 'at the cut');
    fill(coming, 'later');
    assert.is(numbersGiven(state), given, 'the keys that came have the numbers of those that left');
    while (snapshot.advance(1));
    const restored = new HeapKeyedStateBackend(options);
    await restored.restore(await snapshot.finish(), shelf.read);
    for (const key of [...kept, leaving]) {
      use(restored, key);
      assert.is(restored.valueState('value').value(), 'at the cut', key);
      assert.equal([...restored.mapState('map').entries()].sort(), [
        ['at the cut', 'at the cut'],
        ['one', 'at the cut'],
      ]);
    }
    for (const key of [coming, early, gone]) {
      use(restored, key);
      assert.is(restored.valueState('value').value(), undefined, key);
      assert.ok(restored.mapState('map').isEmpty(), key);
    }
    for (const [domain, time] of [
      ['event', 5],
      ['processing', 'at the cut'.length],
    ] as const) {
      const timers: (readonly [Key, number])[] = [];
      for (let timer = restored.pollTimer(domain, 100); timer !== undefined; timer = restored.pollTimer(domain, 100)) {
        timers.push([timer.key, timer.time]);
      }
      assert.equal(timers.sort(), [...kept, leaving].map((key) => [key, time]).sort(), domain);
    }
  }
});

many('rows of a snapshot come key group by key group (HS4)', async () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'op' });
  for (let index = 0; index < 3_000; index += 1) {
    use(state, keyOf(index));
    state.valueState<number>('value').update(index);
  }
  const groups: number[] = [];
  const snapshot = state.snapshot(async (bytes) => {
    for (const batch of decodeChunk(bytes, 'a test').batches) for (const row of batch) groups.push(row[1]);
    return { name: 'chunk', bytes: bytes.length, sha256: '' };
  });
  let steps = 1;
  while (snapshot.advance(1)) steps += 1;
  await snapshot.finish();
  assert.is(groups.length, 3_000);
  assert.ok(steps > 3_000 + 3_000 / 50, `${steps} steps: chaining the entries takes some, too (HS2)`);
  assert.equal(
    groups,
    groups.toSorted((left, right) => left - right),
  );
});

many('a map that is iterated while its key leaves is saved under its own key (HS1, ES2)', async () => {
  const options = { keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'op' };
  const state = new HeapKeyedStateBackend(options);
  const map = state.mapState<string, { n: number }>('map');
  use(state, 'leaves');
  map.put('x', { n: 1 });
  map.put('y', { n: 2 });
  const shelf = new ChunkShelf();
  const snapshot = state.snapshot(shelf.write);
  const values = map.values()[Symbol.iterator]();
  map.clear();
  use(state, 'comes');
  map.put('z', { n: 3 });
  for (let step = values.next(); step.done !== true; step = values.next()) step.value.n += 10;
  while (snapshot.advance(1));
  const restored = new HeapKeyedStateBackend(options);
  await restored.restore(await snapshot.finish(), shelf.read);
  use(restored, 'leaves');
  assert.equal([...restored.mapState<string, { n: number }>('map').values()], [{ n: 1 }, { n: 2 }]);
  use(restored, 'comes');
  assert.ok(restored.mapState('map').isEmpty());
});

many('a text that looks like the canonical form of a tuple is a key of its own, before and after tuples come (K1)', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op' });
  const value = state.valueState<string>('value');
  const text = '\u0000["a"]';
  const expect = (key: Key, expected: string | undefined): void => {
    // Even if their hashes were the same, they would not be one key.
    state.setCurrentKey(key, 7);
    assert.is(value.value(), expected);
  };
  state.setCurrentKey('plain', 7);
  value.update('plain');
  expect(text, undefined);
  state.setCurrentKey(['a'], 7);
  value.update('tuple');
  expect(text, undefined);
  expect('plain', 'plain');
  state.setCurrentKey(text, 7);
  value.update('text');
  expect(['a'], 'tuple');
  expect(text, 'text');
  assert.equal(state.currentKey(), text);
});

many('a state that is asked for once there are keys has room for all of them', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op' });
  const first = state.valueState<number>('first');
  for (let index = 0; index < 10_000; index += 1) {
    use(state, index);
    first.update(index);
  }
  const second = state.valueState<number>('second');
  for (const index of [0, 4_095, 4_096, 9_999]) {
    use(state, index);
    assert.is(second.value(), undefined);
    second.update(-index);
    assert.is(first.value(), index);
    assert.is(second.value(), -index);
  }
});

many('when the last key leaves, everything starts over', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op' });
  const value = state.valueState<number>('value');
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 10_000; index += 1) {
      use(state, index);
      assert.is(value.value(), undefined);
      value.update(index + round);
    }
    for (let index = 0; index < 10_000; index += 1) {
      use(state, index);
      assert.is(value.value(), index + round);
      value.clear();
    }
    assert.is(state.size(), 0);
  }
});

many('memory is given back when the last key leaves, after the snapshot that was under way then (ES4)', async () => {
  for (const end of ['complete', 'discard'] as const) {
    const options = { keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op' };
    const state = new HeapKeyedStateBackend(options);
    const value = state.valueState<number>('value');
    const keys = 5_000;
    const forAll = (work: (index: number) => void): void => {
      for (let index = 0; index < keys; index += 1) {
        use(state, index);
        work(index);
      }
    };
    forAll((index) => value.update(index));
    const shelf = new ChunkShelf();
    const snapshot = state.snapshot(shelf.write);
    forAll(() => value.clear());
    assert.is(numbersGiven(state), keys, 'the snapshot needs the numbers');
    if (end === 'discard') snapshot.discard();
    else while (snapshot.advance(100));
    assert.is(numbersGiven(state), 0);
    forAll((index) => value.update(-index));
    if (end === 'complete') {
      const restored = new HeapKeyedStateBackend(options);
      await restored.restore(await snapshot.finish(), shelf.read);
      assert.is(restored.size(), keys);
    }
    assert.is(state.size(), keys);
  }
});

many.run();

const strings = suite('strings kept in state');

strings('a string cut out of a large text does not keep the text alive (VC2)', () => {
  const kept: string[] = [];
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, maxParallelism: 1, operatorName: 'op' });
  const value = state.valueState<{ field: string }>('value');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 300; index += 1) {
    const text = Buffer.alloc(200_000, 97 + (index % 26)).toString('latin1');
    const cut = `${text.slice(50, 80)}`;
    use(state, text.slice(index, index + 20) + index);
    value.update({ field: cut });
    kept.push(detachString(text.slice(100, 130)));
  }
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 5_000_000, `${grown} bytes kept for 300 fields cut out of 60 MB`);
  assert.is(kept.length, 300);
});

strings.run();
