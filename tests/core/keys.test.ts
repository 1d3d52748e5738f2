import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalKey, hashOfKey, hashOfString, keyHashOf, type Key } from '../../core/keys.js';

const test = suite('keys');

const keys = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\u0000', '\u0000"a"', '[1]', 'null', '1'),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('key'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 2 }), tie('key'), { maxKeys: 3 }),
  ),
})).key;

/** Another definition of sameness, to compare with: structural, field order ignored. */
function isSame(left: Key, right: Key): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return left === right || (Number.isNaN(left) && Number.isNaN(right));
  }
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const a = Object.entries(left) as [string, Key][];
  const b = new Map(Object.entries(right) as [string, Key][]);
  return a.length === b.size && a.every(([field, value]) => b.has(field) && isSame(value, b.get(field) as Key));
}

test('keys are the same exactly when their canonical forms are (K1)', () => {
  fc.assert(
    fc.property(keys, keys, (left, right) => {
      const same = new Set([canonicalKey(left), canonicalKey(right)]).size === 1;
      assert.is(same, isSame(left, right));
    }),
    { numRuns: 200, seed: 7 },
  );
  fc.assert(
    fc.property(keys, (key) => {
      assert.is(new Set([canonicalKey(key), canonicalKey(structuredClone(key))]).size, 1);
      assert.is(hashOfKey(key), hashOfKey(structuredClone(key)));
    }),
    { numRuns: 200, seed: 7 },
  );
});

test('1, 1n, "1", true and [1] are five keys, -0 is 0 and NaN, of a map, is one key (K1)', () => {
  assert.is(new Set(([1, 1n, '1', true, [1]] as Key[]).map(canonicalKey)).size, 5);
  assert.ok(Object.is(canonicalKey(-0), 0));
  assert.is(canonicalKey([-0]), canonicalKey([0]));
  assert.is(new Set([canonicalKey(NaN), canonicalKey(0 / 0)]).size, 1);
  assert.is(canonicalKey({ a: 1, b: 2 }), canonicalKey({ b: 2, a: 1 }));
});

test('text that looks like the canonical form of a composite is another key (K1)', () => {
  const composite = canonicalKey(['a', 1]) as string;
  assert.is.not(canonicalKey(composite), composite);
  assert.is.not(canonicalKey(['a,b']), canonicalKey(['a', 'b']));
  assert.is.not(canonicalKey(['1']), canonicalKey([1]));
});

test('hashes equal those of Java (K2)', () => {
  assert.is(hashOfString('hello'), 99_162_322);
  assert.is(hashOfKey('flink'), hashOfString('flink'));
  assert.is(hashOfString('polygenelubricants'), -2_147_483_648);
  assert.is(hashOfKey(-7), -7);
  assert.is(hashOfKey(1.5), 1_073_217_536);
  assert.is(hashOfKey(true), 1231);
  assert.is(hashOfKey(false), 1237);
  assert.is(hashOfKey(null), 0);
});

test('hashes of composites and bigints never change (K2)', () => {
  assert.is(hashOfKey(['a', 1]), hashOfString('\u0000["a",1]'));
  assert.is(hashOfKey({ b: 1n, a: null }), hashOfString('\u0000{"a":null,"b":1n}'));
  assert.is(hashOfKey(12n), hashOfString('\u000012n'));
});

test('what cannot be a key is refused (K3)', () => {
  class Point {
    x = 1;
  }
  const wrong: unknown[] = [undefined, Symbol('s'), () => 1, new Date(0), new Map(), new Point(), [undefined], { a: new Date(0) }];
  for (const key of wrong)
    assert.throws(
      () => canonicalKey(key as Key),
      (error: { code: string }) => error.code === 'KEY_UNSUPPORTED',
    );
  for (const key of [NaN, [1, NaN], { a: NaN }])
    assert.throws(
      () => keyHashOf(key),
      (error: { code: string; message: string }) => error.code === 'KEY_UNSUPPORTED' && /is NaN/.test(error.message),
    );
  for (const key of [null, Infinity, -Infinity, '', 0, -0, false, 0n, [], {}]) assert.type(keyHashOf(key), 'number');
});

test.run();
