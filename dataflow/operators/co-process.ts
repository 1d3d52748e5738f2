import type { Key } from '../../core/keys.js';
import type { CoProcessSetup, KeyedCoProcessSetup } from '../co-functions.js';
import type { KeySelector, Operator } from '../contracts.js';
import { keyedProcessContextOf, processContextOf, timerContextsOf } from './process-context.js';
import { keyedRuntimeContextOf, keyedStateOf, runtimeContextOf } from './runtime-context.js';
import { TwoInputProcess } from './two-input-process.js';

/** Runs a process function on two inputs: any number of results, side outputs, a last word at the end of both. */
export function coProcessOperator<In1, In2, Out>(setup: CoProcessSetup<In1, In2, Out>): Operator {
  return new TwoInputProcess({
    setup,
    first: { method: 'processElement1' },
    second: { method: 'processElement2' },
    contexts: (cell, context) => {
      const shown = processContextOf(cell, context);
      return { runtime: runtimeContextOf(context), first: shown, second: shown };
    },
  });
}

/** How the key of a record is made, on either input. */
export interface KeysOfInputs<K extends Key, In1, In2> {
  readonly first: (value: In1) => K;
  readonly second: (value: In2) => K;
}

/** Runs a keyed process function on two inputs: state and timers belong to the key of the record, whichever input it came from. */
export function keyedCoProcessOperator<K extends Key, In1, In2, Out>(
  keyOf: KeysOfInputs<K, In1, In2>,
  setup: KeyedCoProcessSetup<K, In1, In2, Out>,
): Operator {
  return new TwoInputProcess({
    setup,
    first: { method: 'processElement1', keyOf: keyOf.first as KeySelector },
    second: { method: 'processElement2', keyOf: keyOf.second as KeySelector },
    contexts: (cell, context) => {
      cell.keyed = keyedStateOf(context);
      const shown = keyedProcessContextOf<K>(cell, context, cell.keyed);
      return { runtime: keyedRuntimeContextOf(context), first: shown, second: shown, timers: timerContextsOf(shown) };
    },
  });
}
