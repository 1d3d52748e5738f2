import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hashOfFlatTuple, isFlatTuple, isSameTuple } from '../../core/flat-tuples.js';
import { canonicalKey, hashOfCanonicalKey, hashOfKey, type Key } from '../../core/keys.js';

const test = suite('flat tuples');

const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.constantFrom('', '"', '\\', '\n', '\u0000', ',', '1', 'null', '\ud800', '\ud83d\ude00'),
  fc.integer(),
  fc.integer({ min: -12, max: 12 }),
  fc.constantFrom(0, -0, 1, 10, 2_147_483_647, -2_147_483_648, 2_147_483_648, 1.5, Infinity, Number.MAX_SAFE_INTEGER),
  fc.boolean(),
  fc.bigInt({ min: -3n, max: 3n }),
);
const tuples = fc.array(part, { maxLength: 3 });

test('the hash of a flat tuple is that of its canonical form (FT1)', () => {
  fc.assert(
    fc.property(tuples, (tuple) => {
      const hash = hashOfCanonicalKey(canonicalKey(tuple));
      assert.is(hashOfKey(tuple), hash);
      assert.ok([undefined, hash].includes(hashOfFlatTuple(tuple)));
    }),
    { numRuns: 2_000, seed: 7 },
  );
  assert.type(hashOfFlatTuple([7, 'a', -12]), 'number');
});

test('two tuples are the same exactly when their canonical forms are (FT1)', () => {
  fc.assert(
    fc.property(tuples, fc.oneof(tuples, fc.array(fc.array(part), { maxLength: 2 })), fc.boolean(), (tuple, other, isTwin) => {
      const key: Key = isTwin ? tuple.slice() : other;
      assert.ok(isFlatTuple(tuple));
      assert.is(isSameTuple(tuple, key), canonicalKey(tuple) === canonicalKey(key));
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

test('null, composites and objects are no parts of a flat tuple (FT2)', () => {
  for (const key of [[null], [[1]], [{ a: 1 }], { 0: 'a' }]) assert.not.ok(isFlatTuple(key));
});

test.run();
