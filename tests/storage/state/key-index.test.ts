import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyHashOf, type CanonicalKey } from '../../../core/keys.js';
import { hashIn, KeyIndex } from '../../../storage/state/heap/key-index.js';
import { NumberColumn, ValueColumn } from '../../../storage/state/heap/paged-column.js';

const test = suite('index of keys');

/** An index, the column of its keys, and what both should hold. */
class Subject {
  readonly keys = new ValueColumn();
  readonly index = new KeyIndex(this.keys);
  readonly held = new Map<CanonicalKey, { readonly hash: number; readonly entry: number }>();
  #next = 0;

  add(key: CanonicalKey, hash: number): void {
    if (this.held.has(key)) return;
    const entry = this.#next++;
    this.keys.reach(entry);
    this.keys.set(entry, key);
    this.index.insert(hash, entry);
    this.held.set(key, { hash, entry });
  }

  remove(key: CanonicalKey): void {
    const known = this.held.get(key);
    if (known === undefined) return;
    this.index.remove(known.hash, known.entry);
    this.keys.set(known.entry, undefined);
    this.held.delete(key);
  }

  expectAll(): void {
    for (const [key, { hash, entry }] of this.held) assert.is(this.index.find(hash, key), entry, `entry of ${String(key)}`);
  }
}

test('a tuple is found part by part among others of its hash, while the table grows and shrinks (KI6)', () => {
  const subject = new Subject();
  const given = new ValueColumn();
  const tupleOf = (key: number): [number, string] => [key % 40, `part ${Math.floor(key / 40)}`];
  const hashOf = (key: number): number => key % 5;
  const count = 400;
  const expect = (key: number): void => {
    const entry = subject.held.get(key)?.entry ?? -1;
    assert.is(subject.index.findTuple(hashOf(key), tupleOf(key), given), entry, `entry of ${key}`);
  };
  for (let key = 0; key < count; key += 1) {
    given.reach(key);
    given.set(key, tupleOf(key));
    subject.add(key, hashOf(key));
    for (const other of [key, key + 1, Math.floor(key / 2)]) expect(other);
  }
  for (let key = 0; key < count; key += 1) {
    given.set(key, undefined);
    subject.remove(key);
    for (const other of [key, key + 1, Math.floor((key + count) / 2)]) expect(other);
  }
});

test('it holds what was added and not removed, whatever hashes keys share, while it grows and shrinks (KI1, KI3, KI4)', () => {
  const step = fc.record({ isAdded: fc.boolean(), key: fc.nat({ max: 60 }) });
  const hashes = fc.constantFrom<((key: number) => number)[]>(
    () => 7,
    (key) => key % 3,
    (key) => key << 24,
    (key) => keyHashOf(key),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), hashes, (steps, hashOf) => {
      const subject = new Subject();
      for (const { isAdded, key } of steps) {
        if (isAdded) subject.add(key, hashOf(key));
        else subject.remove(key);
        const other = (key * 7) % 60;
        assert.is(subject.index.find(hashOf(other), other), subject.held.get(other)?.entry ?? -1);
      }
      subject.expectAll();
    }),
    { numRuns: 300, seed: 11 },
  );
});

test('every key is found after each of many changes of size, up and down (KI4)', () => {
  const subject = new Subject();
  const keys = Array.from({ length: 30_000 }, (_, index) => `key-${index}`);
  for (const [index, key] of keys.entries()) {
    subject.add(key, keyHashOf(key));
    if (index % 2_500 === 0) subject.expectAll();
  }
  subject.expectAll();
  for (const [index, key] of keys.entries()) {
    if (index % 100 === 0) continue;
    subject.remove(key);
    if (index % 2_500 === 1) subject.expectAll();
    assert.is(subject.index.find(keyHashOf(key), key), -1);
  }
  subject.expectAll();
  assert.is(subject.held.size, 300);
  assert.ok(subject.index.mask + 1 <= 8 * 300 * 2, `${subject.index.mask + 1} slots for 300 keys`);
});

test('keys of a few groups only do not crowd together: a look-up compares few slots (KI2)', () => {
  const subject = new Subject();
  for (let index = 0, added = 0; added < 20_000; index += 1) {
    const key = `key-${index}`;
    const hash = keyHashOf(key);
    if (hash % 128 >= 4) continue;
    subject.add(key, hash);
    added += 1;
  }
  const { pairs, mask } = subject.index;
  const runs: number[] = [];
  for (let slot = 0, run = 0; slot <= mask; slot += 1) {
    run = pairs[2 * slot + 1] === 0 ? 0 : run + 1;
    if (run > 0) runs.push(run);
  }
  const typical = runs.reduce((sum, run) => sum + run, 0) / runs.length;
  assert.ok(typical < 20, `a typical key has ${typical} taken slots before it`);
});

test('NaN is found, and 0 is -0 (K1)', () => {
  const subject = new Subject();
  subject.add(NaN, 7);
  subject.add(0, keyHashOf(0));
  assert.is(subject.index.find(7, NaN), 0);
  assert.is(subject.index.find(keyHashOf(-0), -0), 1);
});

test('entries of one key and one hash are told apart by their namespaces, in the former table too (KI5)', () => {
  const keys = new ValueColumn();
  const namespaces = new NumberColumn();
  const index = new KeyIndex(keys, namespaces);
  for (let entry = 0; entry < 2_000; entry += 1) {
    keys.reach(entry);
    namespaces.reach(entry);
    keys.set(entry, entry % 2 === 0 ? 'a' : NaN);
    namespaces.set(entry, entry >> 1);
    index.insert(7, entry);
    for (const [key, known] of [
      ['a', entry & -2],
      [NaN, 1],
    ] as const) {
      if (known <= entry) assert.is(index.findIn(7, key, known >> 1), known);
      assert.is(index.findIn(7, key, -1), -1);
    }
  }
});

test('hashes of a few keys in many windows are spread as well as those of as many keys (KI5)', () => {
  const slots = 2 ** 16;
  const taken = (hashes: readonly number[]) => new Set(hashes.map((hash) => Math.imul(hash, 0x9e37_79b1) >>> 16)).size;
  const random = taken(Array.from({ length: slots }, (_, index) => keyHashOf(`key-${index}`)));
  for (const size of [1, 1_000, 60_000, 86_400_000, 2 ** 32]) {
    const windows = Array.from({ length: slots }, (_, index) =>
      hashIn(keyHashOf(`key-${index % 4}`), 1_700_000_000_000 + size * (index >> 2)),
    );
    assert.ok(taken(windows) > 0.9 * random, `${taken(windows)} slots for windows of ${size} ms, ${random} for keys`);
  }
});

test.run();
