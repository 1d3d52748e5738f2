/** Keys of two inputs that can never be equal. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import { limits } from '../../core/limits.js';
import { KeyKinds } from '../../dataflow/operators/key-kinds.js';

const test = suite('kinds of keys of two inputs');

/** What is said of these keys when both inputs have ended, or nothing. */
function verdictOn(first: readonly Key[], second: readonly Key[]): string | undefined {
  const kinds = new KeyKinds();
  const see = (input: 0 | 1, keys: readonly Key[]): void => {
    for (const key of keys) if (kinds.isOpen) kinds.see(input, key);
  };
  try {
    see(0, first);
    see(1, second);
    kinds.end();
    return undefined;
  } catch (error) {
    const { code, message } = error as MillraceError;
    assert.is(code, 'KEY_TYPES_DIFFER');
    return message;
  }
}

const cases: readonly {
  readonly name: string;
  readonly keys: readonly [first: readonly Key[], second: readonly Key[]];
  readonly clash: boolean;
}[] = [
  { name: 'texts and numbers', keys: [['a'], [1]], clash: true },
  { name: 'numbers and bigints', keys: [[1], [1n]], clash: true },
  { name: 'texts and texts', keys: [['a'], ['b']], clash: false },
  { name: 'one text among numbers', keys: [['a', 1], [2]], clash: false },
  { name: 'null and numbers (KK3)', keys: [[null], [1]], clash: false },
  { name: 'null as a part, and a number there (KK3)', keys: [[['a', null]], [['a', 1]]], clash: false },
  { name: 'null as a part, where another part differs (KK3)', keys: [[['a', null]], [[1, 1]]], clash: true },
  { name: 'pairs in another order', keys: [[['a', 1]], [[1, 'a']]], clash: true },
  { name: 'pairs and triples', keys: [[['a', 1]], [['a', 1, 1]]], clash: true },
  { name: 'the same fields in another order', keys: [[{ a: 1, b: 'x' }], [{ b: 'y', a: 2 }]], clash: false },
  { name: 'a field of another type', keys: [[{ a: 1 }], [{ a: '1' }]], clash: true },
  { name: 'a field that only one has', keys: [[{ a: 1 }], [{ a: 1, b: 1 }]], clash: true },
  { name: 'an input that brought nothing', keys: [['a'], []], clash: false },
];

for (const { name, keys, clash } of cases) {
  test(`${name}: ${clash ? 'a mistake' : 'none'} (KK2)`, () => {
    assert.is(verdictOn(...keys) !== undefined, clash);
    assert.is(verdictOn(keys[1], keys[0]) !== undefined, clash, 'the other way round');
  });
}

test('both inputs are judged once they brought enough, before they end (KK2)', () => {
  const kinds = new KeyKinds();
  for (let n = 0; n < limits.keysComparedMax; n += 1) kinds.see(0, `key ${n}`);
  for (let n = 1; n < limits.keysComparedMax; n += 1) kinds.see(1, n);
  assert.throws(
    () => kinds.see(1, 0),
    (error: MillraceError) => error.code === 'KEY_TYPES_DIFFER',
  );
});

test('of keys only types are told (KK4)', () => {
  const message = verdictOn(['secret', 'word'], [{ secret: 'word' }]) ?? '';
  assert.match(message, 'string');
  assert.not.match(message, 'word');
});

test.run();
