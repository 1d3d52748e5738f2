/**
 * What accumulators say, as plain data, and how the JobManager makes one of many: it never loads the code of a job, so the
 * rule travels with the value.
 *
 * AS1  Merging is associative, and commutative but for the order of `concat`; merging with what has seen nothing changes
 *      nothing.
 * AS2  A name has one type in a job: two types are an error that names both, and where each was created.
 * AS3  What does not fit its rule is refused where it is made, with its operator.
 */
import { MillraceError } from './errors.js';

/**
 * `sum`, `min`, `max`: of numbers, or of lists of numbers of one length, position by position; null is nothing yet.
 * `concat`: lists, one after the other. `counts`: numbers by name, added up.
 */
export type MergeRule = 'sum' | 'min' | 'max' | 'concat' | 'counts';
/** One rule, or one for each field of an object. */
export type MergeRules = MergeRule | Readonly<Record<string, MergeRule>>;

/** What an accumulator says, where it is. */
export interface AccumulatorState {
  readonly name: string;
  /** Names the kind: `IntCounter`. */
  readonly type: string;
  readonly rules: MergeRules;
  readonly state: unknown;
}

/** The states of one task, or of a task and its former attempts; `where` names it in errors. */
export interface AccumulatorStates {
  readonly where: string;
  readonly states: readonly AccumulatorState[];
}

/** One state a name, in the order of their first appearance (AS1). Throws `ACCUMULATOR_TYPE_CLASH` (AS2). */
export function mergeAccumulators(parts: readonly AccumulatorStates[]): readonly AccumulatorState[] {
  const merged = new Map<string, { readonly where: string; readonly state: AccumulatorState }>();
  for (const { where, states } of parts) {
    for (const state of states) {
      const known = merged.get(state.name);
      if (known === undefined) merged.set(state.name, { where, state });
      else merged.set(state.name, { where: known.where, state: mergeTwo(known, { where, state }) });
    }
  }
  return [...merged.values()].map(({ state }) => state);
}

interface Located {
  readonly where: string;
  readonly state: AccumulatorState;
}

function mergeTwo(left: Located, right: Located): AccumulatorState {
  const { name, type, rules } = left.state;
  if (type !== right.state.type || !areSameRules(rules, right.state.rules)) throw clash(left, right);
  const state = mergedBy(rules, left.state.state, right.state.state);
  if (state === unmergeable) throw clash(left, right);
  return { name, type, rules, state };
}

/** AS2, in the words of Flink. */
export function clash(left: Located, right: Located): MillraceError {
  const { name, type } = left.state;
  const other = right.state.type;
  const rules = type === other ? ', which merge in different ways' : '';
  const message = `The accumulator "${name}" was created with two different types: ${type} in ${left.where} and ${other} in ${right.where}${rules}.`;
  return new MillraceError('ACCUMULATOR_TYPE_CLASH', message, {
    domain: 'user',
    recovery: 'fail-job',
    where: right.where,
    hint: 'Names of accumulators belong to the whole job: use another name for one of them.',
  });
}

const areSameRules = (left: MergeRules, right: MergeRules): boolean => JSON.stringify(entriesOf(left)) === JSON.stringify(entriesOf(right));
const entriesOf = (rules: MergeRules): unknown => (typeof rules === 'string' ? rules : Object.entries(rules).sort());

/** Why a state does not fit its rules (AS3); undefined when it does. */
export function misfit(rules: MergeRules, state: unknown): string | undefined {
  if (typeof rules === 'string') return fits(rules, state) ? undefined : `its state does not fit the rule "${rules}": ${shapes[rules]}`;
  if (!isPlain(state)) return 'its state is no object, but it has a rule for each field';
  for (const [field, rule] of Object.entries(rules)) {
    if (!fits(rule, state[field])) return `the field "${field}" of its state does not fit the rule "${rule}": ${shapes[rule]}`;
  }
  const extra = Object.keys(state).find((field) => !Object.hasOwn(rules, field));
  return extra === undefined ? undefined : `the field "${extra}" of its state has no rule`;
}

const aNumber = 'it takes a finite number, a list of them, or null for nothing yet';
const shapes: Readonly<Record<MergeRule, string>> = {
  sum: aNumber,
  min: aNumber,
  max: aNumber,
  concat: 'it takes a list',
  counts: 'it takes an object whose fields are finite numbers',
};

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fits(rule: MergeRule, state: unknown): boolean {
  if (rule === 'concat') return Array.isArray(state);
  if (rule === 'counts') return isPlain(state) && Object.values(state).every(Number.isFinite);
  return state === null || Number.isFinite(state) || (Array.isArray(state) && state.every(Number.isFinite));
}

const unmergeable = Symbol('states of different shapes');

function mergedBy(rules: MergeRules, left: unknown, right: unknown): unknown {
  if (typeof rules === 'string') return mergedByOne(rules, left, right);
  if (!isPlain(left) || !isPlain(right)) return unmergeable;
  const fields = Object.entries(rules).map(([field, rule]) => [field, mergedByOne(rule, left[field], right[field])] as const);
  return fields.some(([, state]) => state === unmergeable) ? unmergeable : Object.fromEntries(fields);
}

function mergedByOne(rule: MergeRule, left: unknown, right: unknown): unknown {
  if (!fits(rule, left) || !fits(rule, right)) return unmergeable;
  if (rule === 'concat') return [...(left as unknown[]), ...(right as unknown[])];
  if (rule === 'counts') return addedCounts(left as Readonly<Record<string, number>>, right as Readonly<Record<string, number>>);
  if (left === null || right === null) return left ?? right;
  const combine = combines[rule];
  if (typeof left === 'number' && typeof right === 'number') return combine(left, right);
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return unmergeable;
  return left.map((value: number, index) => combine(value, right[index] as number));
}

const combines: Readonly<Record<'sum' | 'min' | 'max', (left: number, right: number) => number>> = {
  sum: (left, right) => left + right,
  min: Math.min,
  max: Math.max,
};

function addedCounts(left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): Record<string, number> {
  const counts = new Map(Object.entries(left));
  for (const [name, count] of Object.entries(right)) counts.set(name, (counts.get(name) ?? 0) + count);
  return Object.fromEntries(counts);
}

/** What people see: of an average the quotient, null without values; of all others what they gathered. */
export function shownValue({ type, state }: AccumulatorState): unknown {
  if (type !== averageType || !isPlain(state)) return state;
  const { sum, count } = state;
  return typeof sum === 'number' && typeof count === 'number' && count > 0 ? sum / count : null;
}

export const averageType = 'AverageAccumulator';
