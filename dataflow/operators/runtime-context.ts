/** What user functions see of the task they run in. */
import { assert, MillraceError } from '../../core/errors.js';
import { kindOf } from '../../core/record-outline.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { noTimestamp, type OperatorContext } from '../contracts.js';
import type { KeyedRuntimeContext, KeyedStates, RuntimeContext } from '../functions.js';

export function runtimeContextOf(context: OperatorContext): RuntimeContext {
  const { task, operatorName, logger, metrics, accumulators, operatorState } = context;
  return {
    ...keyedStateRefused(operatorName),
    task,
    operatorName,
    logger,
    metrics,
    ...accumulators,
    operatorListState: (name) => operatorState.listState(name),
    unionListState: (name) => operatorState.unionListState(name),
    broadcastState: (name) => operatorState.broadcastState(name),
  };
}

const keyedStates = ['valueState', 'listState', 'mapState', 'reducingState', 'aggregatingState'] as const;

/** For programs that got past the compiler: what is only there where records have a key says so. */
function keyedStateRefused(operatorName: string): object {
  const refuse = (kind: string) => (name: unknown) => {
    throw new MillraceError('STATE_WITHOUT_KEY', `${kind}(${JSON.stringify(name)}) was asked for where records have no key.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: operatorName,
      hint: 'Use keyBy before process, or operatorListState for state of the subtask.',
    });
  };
  return Object.fromEntries(keyedStates.map((kind) => [kind, refuse(kind)]));
}

/** Its states have names that begin with `prefix`, where the operator has states of its own. */
export function keyedRuntimeContextOf(context: OperatorContext, prefix = ''): KeyedRuntimeContext {
  return { ...runtimeContextOf(context), ...keyedStatesOf(keyedStateOf(context), prefix) };
}

/** The states of the current key, under names that begin with `prefix`. */
export function keyedStatesOf(keyed: KeyedStateBackend, prefix: string): KeyedStates {
  // What is no name stays what it is, for the backend to refuse.
  const full = (name: string): string => (typeof name === 'string' && name !== '' ? `${prefix}${name}` : name);
  return {
    valueState: (name, options) => keyed.valueState(full(name), options),
    listState: (name, options) => keyed.listState(full(name), options),
    mapState: (name, options) => keyed.mapState(full(name), options),
    reducingState: (name, reduce, options) => keyed.reducingState(full(name), reduce, options),
    aggregatingState: (name, aggregate, options) => keyed.aggregatingState(full(name), aggregate, options),
  };
}

/** The keyed state of an operator whose input is keyed. */
export function keyedStateOf(context: OperatorContext): KeyedStateBackend {
  assert(context.keyed !== undefined, `"${context.operatorName}" has keyed state but got no state backend.`);
  return context.keyed;
}

/** The timestamp as user functions see it. */
export function shownTimestamp(timestamp: number): number | undefined {
  return timestamp === noTimestamp ? undefined : timestamp;
}

/** Emits to side outputs; each tag is looked up once. What is no tag is refused with `OUTPUT_TAG_MISSING`. */
export function sideOutputsOf(context: OperatorContext): (tag: { readonly id: string }, value: unknown, timestamp: number) => void {
  const emits = new Map<unknown, ReturnType<OperatorContext['sideOutput']>>();
  return (tag, value, timestamp) => {
    let emit = emits.get(tag?.id);
    if (emit === undefined) {
      if (typeof tag?.id !== 'string') throw tagMissing(tag, context.operatorName);
      emit = context.sideOutput(tag.id);
      emits.set(tag.id, emit);
    }
    emit(value, timestamp);
  };
}

function tagMissing(got: unknown, where: string): MillraceError {
  return new MillraceError('OUTPUT_TAG_MISSING', `output got ${kindOf(got)} instead of an output tag.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: "The tag comes first: context.output(tag, record). Make one with outputTag<Order>('late').",
  });
}
