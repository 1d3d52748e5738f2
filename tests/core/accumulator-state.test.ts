/** States of accumulators become one: in any grouping, and only where they are of one type. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mergeAccumulators, misfit, shownValue, type AccumulatorState, type MergeRules } from '../../core/accumulator-state.js';
import { MillraceError } from '../../core/errors.js';

const test = suite('merging of accumulators');

const stateOf = (rules: MergeRules, state: unknown, { name = 'n', type = 'T' } = {}): AccumulatorState => ({ name, type, rules, state });
const merged = (rules: MergeRules, ...states: readonly unknown[]): unknown =>
  mergeAccumulators(states.map((state, index) => ({ where: `task ${index}`, states: [stateOf(rules, state)] })))[0]?.state;

const table: readonly { readonly rules: MergeRules; readonly states: readonly unknown[]; readonly result: unknown }[] = [
  { rules: 'sum', states: [1, 2, 3], result: 6 },
  { rules: 'sum', states: [null, 2], result: 2 },
  { rules: 'min', states: [null, 5, -1, null], result: -1 },
  { rules: 'max', states: [null, null], result: null },
  {
    rules: 'max',
    states: [
      [1, 9],
      [4, 2],
    ],
    result: [4, 9],
  },
  { rules: 'concat', states: [['a'], [], ['b', 'a']], result: ['a', 'b', 'a'] },
  { rules: 'counts', states: [{ a: 1 }, { b: 2, a: 1 }], result: { a: 2, b: 2 } },
  { rules: 'counts', states: [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}')], result: JSON.parse('{"__proto__":3}') },
  {
    rules: { total: 'sum', worst: 'max' },
    states: [
      { total: 1, worst: 7 },
      { total: 2, worst: 3 },
    ],
    result: { total: 3, worst: 7 },
  },
];

for (const { rules, states, result } of table) {
  test(`${JSON.stringify(states)} by ${JSON.stringify(rules)} is ${JSON.stringify(result)}`, () => {
    assert.equal(JSON.stringify(merged(rules, ...states)), JSON.stringify(result));
  });
}

test('merging is associative, and what has seen nothing changes nothing (AS1)', () => {
  const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(1_000), { noNullPrototype: true });
  const kinds = [
    { rules: 'sum', state: fc.option(fc.integer({ min: -1_000, max: 1_000 })), nothing: null },
    { rules: 'min', state: fc.option(fc.integer()), nothing: null },
    { rules: 'concat', state: fc.array(fc.nat(9), { maxLength: 3 }), nothing: [] },
    { rules: 'counts', state: counts, nothing: {} },
  ] as const;
  for (const { rules, state, nothing } of kinds) {
    fc.assert(
      fc.property(state, state, state, (a, b, c) => {
        const all = merged(rules, a, b, c);
        assert.equal(merged(rules, merged(rules, a, b), c), all);
        assert.equal(merged(rules, a, merged(rules, b, c)), all);
        assert.equal(merged(rules, nothing, a), a);
        assert.equal(merged(rules, a, nothing), a);
      }),
    );
  }
});

const clashes: readonly {
  readonly what: string;
  readonly left: AccumulatorState;
  readonly right: AccumulatorState;
  readonly message: RegExp;
}[] = [
  {
    what: 'two types',
    left: stateOf('sum', 1, { type: 'IntCounter' }),
    right: stateOf('counts', {}, { type: 'Histogram' }),
    message: /"n" was created with two different types: IntCounter in map \(1\/2\) and Histogram in sink \(1\/1\)\.$/,
  },
  {
    what: 'one type with two rules',
    left: stateOf('min', 1),
    right: stateOf('max', 1),
    message: /T in .* and T in .*, which merge in different ways/,
  },
  { what: 'lists of two lengths', left: stateOf('sum', [1]), right: stateOf('sum', [1, 2]), message: /which merge in different ways/ },
];

for (const { what, left, right, message } of clashes) {
  test(`${what} under one name are an error that names both (AS2)`, () => {
    try {
      mergeAccumulators([
        { where: 'map (1/2)', states: [left] },
        { where: 'sink (1/1)', states: [right] },
      ]);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, MillraceError);
      assert.is((error as MillraceError).code, 'ACCUMULATOR_TYPE_CLASH');
      assert.match((error as MillraceError).message, message);
    }
  });
}

test('a state that misfits its rules is told apart, field by field (AS3)', () => {
  assert.is(misfit('sum', 1), undefined);
  assert.match(misfit('sum', Number.NaN) ?? '', /does not fit the rule "sum": it takes a finite number/);
  assert.match(misfit('counts', { a: 'x' }) ?? '', /rule "counts"/);
  assert.match(misfit({ a: 'sum' }, 7) ?? '', /no object/);
  assert.match(misfit({ a: 'sum' }, { a: [], b: 1 }) ?? '', /the field "b" of its state has no rule/);
  assert.match(misfit({ a: 'concat' }, { a: 1 }) ?? '', /the field "a" .* "concat"/);
});

test('of an average people see the quotient', () => {
  const average = (sum: number, count: number) => stateOf({ sum: 'sum', count: 'sum' }, { sum, count }, { type: 'AverageAccumulator' });
  assert.is(shownValue(average(7, 2)), 3.5);
  assert.is(shownValue(average(0, 0)), null);
  assert.equal(shownValue(stateOf('concat', [1])), [1]);
});

test.run();
