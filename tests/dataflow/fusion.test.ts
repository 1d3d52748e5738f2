/** Chains compiled into one function do what their operators do one by one. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import type { Emit, Operator, OperatorContext } from '../../dataflow/contracts.js';
import { compile, literal } from '../../dataflow/fusion/dynamic-code.js';
import { fuse } from '../../dataflow/fusion/fuse.js';
import type { NamedStage } from '../../dataflow/fusion/record-stage.js';
import { filterOperator } from '../../dataflow/operators/filter.js';
import { mapOperator } from '../../dataflow/operators/map.js';
import { onFields, processOnFields, withOnFields } from '../../dataflow/operators/on-fields.js';

const test = suite('fusion');

const contextOf = (operatorName: string): OperatorContext => ({ operatorName }) as OperatorContext;

function stageOf(operator: Operator<number, number>, operatorName: string): NamedStage {
  const stage = operator.stage?.(contextOf(operatorName));
  assert.ok(stage !== undefined);
  return { ...stage, operatorName };
}

const steps: readonly ((parameter: number) => Operator<number, number>)[] = [
  (parameter) => mapOperator((value: number) => value * 3 + parameter),
  (parameter) => filterOperator((value: number) => value % (parameter + 2) !== 0),
  (parameter) => mapOperator((value: number) => value - parameter),
];

test('a fused run gives what its operators give when bound to each other, with the same timestamps', () => {
  const chains = fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(5)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(chains, fc.array(fc.integer({ min: -1_000, max: 1_000 })), (plan, values) => {
      const operators = plan.map(([index, parameter]) => (steps[index] as (typeof steps)[number])(parameter));
      const run = (input: Emit<unknown>): void => values.forEach((value, index) => input(value, index));
      const bound: unknown[] = [];
      run(
        operators.reduceRight<Emit<unknown>>(
          (out, operator) => operator.bind(out as Emit<number>, contextOf('bound')) as Emit<unknown>,
          (...record) => void bound.push(record),
        ),
      );
      const fused: unknown[] = [];
      const input = fuse({
        stages: operators.map((operator, index) => stageOf(operator, `op-${index}`)),
        out: (...record) => void fused.push(record),
      });
      assert.ok(input !== undefined);
      run(input);
      assert.equal(fused, bound);
    }),
  );
});

test('what a function throws names its operator, and what is thrown behind the run passes as it is (FU1)', () => {
  const stages = [
    stageOf(
      mapOperator((value) => value),
      'first',
    ),
    stageOf(
      mapOperator((value) => {
        if (value === 7) throw new TypeError('no sevens');
        return value;
      }),
      'second',
    ),
  ];
  const behind = new Error('behind');
  const input = fuse({
    stages,
    out: () => {
      throw behind;
    },
  });
  assert.throws(
    () => input?.(7, 0),
    (error: unknown) => error instanceof MillraceError && error.where === 'second' && error.message.includes('no sevens'),
  );
  assert.throws(
    () => input?.(1, 0),
    (error: unknown) => error === behind,
  );
});

test('functions that share their code keep what they were made with (DC2)', () => {
  const made = Array.from({ length: 600 }, (_, n) => compile<(value: number) => number>('sum', { n }, 'return (value) => value + n;'));
  assert.equal(
    made.map((add) => add?.(1)),
    Array.from({ length: 600 }, (_, n) => n + 1),
  );
});

test('what hands records to declared functions is made for each use of them (DC2)', () => {
  const stack = (): string => new Error('where').stack ?? '';
  const process = processOnFields(['a'], { processElement: () => [stack()] as never })(undefined);
  const calls: readonly (() => unknown)[] = [
    () => onFields(['a'], stack)({ a: 1 }),
    () => withOnFields(['a'], stack)({ a: 1 }, 2),
    () => process.processElement({ a: 1 }, undefined, undefined as never),
  ];
  for (const call of calls) assert.match(String(call()), /at (?:Object\.)?(?:onFields|processElement) \(eval at makeFactory/);
});

test('a literal is a string of JavaScript whatever its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.is(compile('literal', {}, `return ${literal(text)};`), text);
    }),
  );
  for (const text of ['"; process.exit(1); "', '\u2028', '</script>', '`${1}`', "'", '\\', '\ud800']) {
    assert.is(compile('literal', {}, `return ${literal(text)};`), text);
  }
});

test('the result of a stage is looked at once; a stage that never has one does not keep others back for ever (FU3)', () => {
  let looked = 0;
  const answer = (): object =>
    // oxlint-disable-next-line unicorn/no-thenable -- it counts who looks for a promise
    Object.defineProperty({}, 'then', {
      get: () => {
        looked += 1;
        return undefined;
      },
    });
  const plain = fuse({ stages: [stageOf(mapOperator(answer as never), 'map')], out: () => undefined });
  for (let record = 0; record < 3; record += 1) plain?.(record, 0);
  assert.is(looked, 1);
  looked = 0;
  const stages = [
    stageOf(mapOperator(answer as never), 'map'),
    stageOf(
      filterOperator(() => false),
      'filter',
    ),
    stageOf(
      mapOperator((value: number) => value),
      'never reached',
    ),
  ];
  let steady: Emit<unknown> | undefined;
  const kept = fuse({ stages, out: () => undefined, onProven: (proven) => (steady = proven) });
  for (let record = 0; record < 5_000; record += 1) kept?.(record, 0);
  assert.ok(looked <= 1_000, `${looked} looks`);
  assert.ok(steady !== undefined, 'the steady function is offered');
  steady(1, 0);
  assert.ok(looked <= 1_000, `${looked} looks`);
});

test.run();
