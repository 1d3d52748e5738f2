/** What becomes of the states of a checkpoint, as a table. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../../core/errors.js';
import { operatorId } from '../../../core/ids.js';
import type { StateDescriptor, TaskSnapshot } from '../../../storage/contracts.js';
import {
  assertStatesFit,
  compareStates,
  heldStatesOf,
  type AskingOperator,
  type ComparedState,
  type StateVerdict,
} from '../../../storage/state/state-comparison.js';

const test = suite('states of a checkpoint against those of a job');
const count = operatorId('c'.repeat(32));
const gone = operatorId('d'.repeat(32));

const state = (more: Partial<StateDescriptor> = {}): StateDescriptor => ({
  name: 'sum',
  kind: 'value',
  isNamespaced: false,
  version: 1,
  hasTtl: false,
  ...more,
});
const asks = (states: readonly StateDescriptor[], isMigrated = false, problem?: string): AskingOperator => ({
  operatorId: count,
  name: 'count',
  states: states.map((descriptor) => ({ descriptor, isMigrated })),
  ...(problem === undefined ? {} : { problem }),
});

const cases: readonly {
  readonly name: string;
  readonly held: readonly StateDescriptor[];
  readonly asked: AskingOperator;
  readonly verdict: StateVerdict;
  readonly reason?: RegExp;
}[] = [
  { name: 'held by nobody', held: [], asked: asks([state()]), verdict: 'new' },
  { name: 'the same', held: [state()], asked: asks([state()]), verdict: 'kept' },
  { name: 'the same, which says how to migrate', held: [state()], asked: asks([state()], true), verdict: 'kept' },
  {
    name: 'the same, of an operator that may ask for more',
    held: [state()],
    asked: asks([state()], false, 'no database'),
    verdict: 'kept',
  },
  { name: 'a later version that migrates', held: [state()], asked: asks([state({ version: 3 })], true), verdict: 'migrated' },
  {
    name: 'a later version that migrates, of two that subtasks hold',
    held: [state(), state({ version: 3 })],
    asked: asks([state({ version: 3 })], true),
    verdict: 'migrated',
  },
  { name: 'a later version', held: [state()], asked: asks([state({ version: 2 })]), verdict: 'incompatible', reason: /migrate/ },
  {
    name: 'an earlier version',
    held: [state({ version: 2 })],
    asked: asks([state()], true),
    verdict: 'incompatible',
    reason: /version 2 in the checkpoint/,
  },
  { name: 'another kind', held: [state()], asked: asks([state({ kind: 'list' })]), verdict: 'incompatible', reason: /value.*list/ },
  { name: 'of namespaces now', held: [state()], asked: asks([state({ isNamespaced: true })]), verdict: 'incompatible' },
  {
    name: 'with a time to live now',
    held: [state()],
    asked: asks([state({ hasTtl: true })], true),
    verdict: 'incompatible',
    reason: /live/,
  },
  { name: 'without a time to live now', held: [state({ hasTtl: true })], asked: asks([state()]), verdict: 'incompatible', reason: /live/ },
  { name: 'asked for by nobody', held: [state()], asked: asks([]), verdict: 'dropped' },
  {
    name: 'asked for by nobody yet',
    held: [state()],
    asked: asks([], false, 'no database'),
    verdict: 'unknown',
    reason: /no database/,
  },
  {
    name: 'asked for while the job runs',
    held: [state({ name: 'sum' })],
    asked: { ...asks([]), later: ['su'] },
    verdict: 'unknown',
    reason: /while the job runs/,
  },
];
for (const { name, held, asked, verdict, reason } of cases) {
  test(`${name}: ${verdict}`, () => {
    const compared = compareStates([{ operatorId: count, states: held }], [asked]);
    assert.is(compared.length, 1);
    const [{ reason: told, ...found }] = compared as [ComparedState];
    assert.equal(found, { operator: 'count', state: 'sum', verdict });
    assert.match(told ?? '', reason ?? /.*/);
    const refuses = (isDroppingAllowed: boolean): string | undefined => {
      try {
        assertStatesFit(compared, isDroppingAllowed);
        return undefined;
      } catch (error) {
        const { code, message, hint } = error as MillraceError;
        assert.ok(message.includes('count') && message.includes('sum') && hint !== undefined);
        return code;
      }
    };
    const isIncompatible = verdict === 'incompatible';
    assert.is(refuses(true), isIncompatible ? 'STATE_INCOMPATIBLE' : undefined);
    assert.is(refuses(false), isIncompatible ? 'STATE_INCOMPATIBLE' : verdict === 'dropped' ? 'STATE_DROPPED' : undefined);
  });
}

test('states of all subtasks count, each once, and those of operators that the job does not have', () => {
  const task = (subtaskIndex: number, operators: TaskSnapshot['operators']): TaskSnapshot => ({
    vertexId: count as never,
    subtaskIndex,
    operators,
    isFinished: false,
    stateBytes: 0,
  });
  const of = (id: typeof count, descriptors?: readonly StateDescriptor[]) => ({
    operatorId: id,
    keyed: [],
    operatorState: null,
    ...(descriptors === undefined ? {} : { descriptors }),
  });
  const held = heldStatesOf([
    task(0, [of(count, [state()]), of(gone)]),
    task(1, [of(count, [state(), state({ name: 'late', kind: 'list' })]), of(gone, [state({ name: 'x' })])]),
  ]);
  assert.equal(compareStates(held, [asks([state()])]), [
    { operator: 'count', state: 'late', verdict: 'dropped' },
    { operator: 'count', state: 'sum', verdict: 'kept' },
    { operator: gone, state: 'x', verdict: 'dropped' },
  ]);
});

test.run();
