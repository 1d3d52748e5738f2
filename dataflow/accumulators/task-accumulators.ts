/**
 * The accumulators of one task: those of all its operators, by name.
 *
 * TA1  Two operators of a chain under one name count as two subtasks would: chained or not, the result is the same.
 * TA2  There are at most `limits.accumulatorsPerTask`, and together they take at most `limits.accumulatorBytesPerTask` as
 *      they travel: with every report of the task, and with its checkpoints.
 */
import { encode } from '../../bus/codec/cbor.js';
import { clash, mergeAccumulators, misfit, type AccumulatorState } from '../../core/accumulator-state.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { copyValue } from '../../storage/state/heap/value-copier.js';
import { failFunction } from '../operators/user-error.js';
import { AverageAccumulator, DoubleCounter, Histogram, IntCounter, LongCounter } from './accumulator.js';
import type { Accumulator, AccumulatorShortcuts } from './accumulator.js';

interface Kept {
  readonly operator: string;
  readonly name: string;
  readonly accumulator: Accumulator;
}

export class TaskAccumulators {
  readonly #kept: Kept[] = [];

  /** Adds to those of an operator. */
  of(operator: string): AccumulatorShortcuts {
    const shortcut = <A extends Accumulator>(name: string, make: new () => A): A => {
      const known = this.#kept.find((kept) => kept.operator === operator && kept.name === name)?.accumulator;
      return known instanceof make && known.constructor === make ? known : this.#add({ operator, name, accumulator: new make() });
    };
    return {
      addAccumulator: (name, accumulator) => this.#add({ operator, name, accumulator }),
      intCounter: (name) => shortcut(name, IntCounter),
      longCounter: (name) => shortcut(name, LongCounter),
      doubleCounter: (name) => shortcut(name, DoubleCounter),
      average: (name) => shortcut(name, AverageAccumulator),
      histogram: (name) => shortcut(name, Histogram),
    };
  }

  /** What all of them say now, one state a name: a copy. Throws when they are too large (TA2), or one misfits its rules. */
  states(): readonly AccumulatorState[] {
    if (this.#kept.length === 0) return [];
    const states = mergeAccumulators(this.#kept.map((kept) => ({ where: kept.operator, states: [stateOf(kept)] })));
    const sizes = states.map((state) => encode(state).length);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes <= limits.accumulatorBytesPerTask) return states;
    const largest = states[sizes.indexOf(Math.max(...sizes))] as AccumulatorState;
    throw tooLarge(largest.name, `those of the task take ${bytes} bytes, more than ${limits.accumulatorBytesPerTask}`);
  }

  #add<A extends Accumulator>(kept: Kept & { readonly accumulator: A }): A {
    const { operator, name, accumulator } = kept;
    check(kept);
    const others = this.#kept.filter((other) => other.name === name);
    const other = others.find(({ accumulator: { type } }) => type !== accumulator.type);
    if (other !== undefined) throw clash({ where: other.operator, state: stateOf(other) }, { where: operator, state: stateOf(kept) });
    if (others.some((one) => one.operator === operator)) {
      throw accumulatorError('ACCUMULATOR_EXISTS', operator, `The accumulator "${name}" already exists and cannot be added.`, {
        hint: 'Keep the one that was added first.',
      });
    }
    if (this.#kept.length >= limits.accumulatorsPerTask) {
      throw accumulatorError('ACCUMULATORS_TOO_MANY', operator, `The task has more than ${limits.accumulatorsPerTask} accumulators.`, {
        hint: 'Use one for each total, not one for each key or record: a Histogram, or state.',
      });
    }
    this.#kept.push(kept);
    return accumulator;
  }
}

function stateOf({ operator, name, accumulator }: Kept): AccumulatorState {
  const { type, rules } = accumulator;
  const state = copyValue(calledState(operator, accumulator), `${operator}/${name}`);
  const reason = misfit(rules, state);
  if (reason === undefined) return { name, type, rules, state };
  throw accumulatorError('ACCUMULATOR_STATE_INVALID', operator, `The accumulator "${name}" of type ${type} cannot be merged: ${reason}.`, {
    hint: 'Let state() return what its rules say.',
  });
}

function calledState(operator: string, accumulator: Accumulator): unknown {
  try {
    return accumulator.state();
  } catch (error) {
    return failFunction(operator, error);
  }
}

function check({ operator, name, accumulator }: Kept): void {
  if (typeof name !== 'string' || name === '' || name.length > limits.accumulatorNameMax) {
    throw accumulatorError('ACCUMULATOR_NAME_INVALID', operator, `${JSON.stringify(name)} is no name of an accumulator.`, {
      hint: `Use 1 to ${limits.accumulatorNameMax} characters.`,
    });
  }
  const { type, rules } = (accumulator ?? {}) as Partial<Accumulator>;
  const isNamed = typeof type === 'string' && type !== '' && type.length <= limits.accumulatorNameMax;
  const each = typeof rules === 'object' && rules !== null ? Object.values(rules) : [rules];
  if (isNamed && each.length > 0 && each.every((rule) => mergeRules.has(rule))) return;
  throw accumulatorError('ACCUMULATOR_INVALID', operator, `What was added as "${name}" is no accumulator.`, {
    hint: `It needs a type, and rules of ${[...mergeRules].join(', ')}: one, or one for each field of its state.`,
  });
}

const mergeRules: ReadonlySet<unknown> = new Set(['sum', 'min', 'max', 'concat', 'counts']);

/** The error of what has grown beyond its bound; `why` says which. */
export function tooLarge(name: string, why: string): MillraceError {
  return new MillraceError('ACCUMULATORS_TOO_LARGE', `The accumulator "${name}" is the largest, and ${why}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: name,
    hint: 'Accumulators are for totals: hand records to a sink, or a side output.',
  });
}

function accumulatorError(code: string, where: string, message: string, { hint }: { readonly hint: string }): MillraceError {
  return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', where, hint });
}
