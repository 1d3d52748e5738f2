import { MillraceError } from '../../core/errors.js';
import { keyHashOf, type Key } from '../../core/keys.js';
import type { KeyedStateBackend, MapState } from '../../storage/state/contracts.js';
import type {
  BroadcastContext,
  BroadcastProcessSetup,
  KeyedBroadcastContext,
  KeyedBroadcastProcessSetup,
  MapStateDescriptor,
  ReadOnlyMapState,
  ReadsBroadcastState,
} from '../broadcast-functions.js';
import type { KeySelector, Operator, OperatorContext } from '../contracts.js';
import type { KeyedRuntimeContext } from '../functions.js';
import { keyedProcessContextOf, processContextOf, timerContextsOf } from './process-context.js';
import { keyedRuntimeContextOf, keyedStateOf, runtimeContextOf } from './runtime-context.js';
import { TwoInputProcess } from './two-input-process.js';

export interface BroadcastProcessOptions<Setup> {
  readonly setup: Setup;
  /** Names of the states that were declared with the broadcast stream. */
  readonly stateNames: readonly string[];
}

/** Runs a function on a stream (first input) and a broadcast one (second). */
export function broadcastProcessOperator<In, Broadcast, Out>(
  options: BroadcastProcessOptions<BroadcastProcessSetup<In, Broadcast, Out>>,
): Operator {
  return new TwoInputProcess({
    setup: options.setup,
    first: { method: 'processElement' },
    second: { method: 'processBroadcastElement' },
    contexts: (cell, context) => {
      const shown = processContextOf(cell, context);
      const states = statesOf(context, options.stateNames);
      return { runtime: runtimeContextOf(context), first: { ...shown, ...states.readOnly }, second: { ...shown, ...states.writable } };
    },
  });
}

export interface KeyedBroadcastProcessOptions<K, In, Broadcast, Out> extends BroadcastProcessOptions<
  KeyedBroadcastProcessSetup<K, In, Broadcast, Out>
> {
  readonly keyOf: (value: In) => K;
}

/** The same where the stream has keys: state and timers belong to the key of its records; broadcast ones have none. */
export function keyedBroadcastProcessOperator<K extends Key, In, Broadcast, Out>(
  options: KeyedBroadcastProcessOptions<K, In, Broadcast, Out>,
): Operator {
  return new TwoInputProcess({
    setup: options.setup,
    first: { method: 'processElement', keyOf: options.keyOf as KeySelector },
    second: { method: 'processBroadcastElement', isKeyless: true },
    contexts: (cell, context) => {
      const keyed = keyedStateOf(context);
      cell.keyed = keyed;
      const names = new Map<unknown, string>();
      const { readOnly, writable } = statesOf(context, options.stateNames);
      const shown = { ...keyedProcessContextOf<K>(cell, context, keyed), ...readOnly };
      const broadcast: KeyedBroadcastContext<K> = {
        ...processContextOf(cell, context),
        ...writable,
        applyToKeyedState: (state, apply) => {
          const name = names.get(state);
          if (name === undefined) throw stateForeign();
          applyToKeys(keyed, name, (key) => apply(key as K, state));
        },
      };
      const timers = timerContextsOf(shown);
      const runtime = rememberingNames(keyedRuntimeContextOf(context), names);
      return {
        runtime,
        first: shown,
        second: broadcast,
        timers: { event: { ...timers.event, ...readOnly }, processing: { ...timers.processing, ...readOnly } },
      };
    },
  });
}

function applyToKeys(keyed: KeyedStateBackend, stateName: string, apply: (key: Key) => void): void {
  try {
    for (const key of keyed.keysOf(stateName)) {
      keyed.setCurrentKey(key, keyHashOf(key));
      apply(key);
    }
  } finally {
    keyed.leaveKey();
  }
}

/** Notes under which name each state was declared. */
function rememberingNames(runtime: KeyedRuntimeContext, names: Map<unknown, string>): KeyedRuntimeContext {
  const remembering = <Declare extends (name: string, ...rest: never[]) => unknown>(declare: Declare): Declare => {
    const declareAndNote = (name: string, ...rest: never[]): unknown => {
      const state = declare(name, ...rest);
      names.set(state, name);
      return state;
    };
    return declareAndNote as Declare;
  };
  return {
    ...runtime,
    valueState: remembering(runtime.valueState),
    listState: remembering(runtime.listState),
    mapState: remembering(runtime.mapState),
    reducingState: remembering(runtime.reducingState),
    aggregatingState: remembering(runtime.aggregatingState),
  };
}

interface BroadcastStates {
  readonly readOnly: ReadsBroadcastState;
  readonly writable: Pick<BroadcastContext, 'broadcastState'>;
}

/** Each state is looked up once. */
function statesOf({ operatorState, operatorName }: OperatorContext, declared: readonly string[]): BroadcastStates {
  const states = new Map(
    declared.map((name) => {
      const state = operatorState.broadcastState<Key, unknown>(name);
      return [name, { state, view: readOnlyView(state) }] as const;
    }),
  );
  const find = ({ name }: { readonly name: string }) => {
    const found = states.get(name);
    if (found === undefined) throw undeclared(name, operatorName);
    return found;
  };
  return {
    readOnly: {
      broadcastState: <K extends Key, V>(descriptor: MapStateDescriptor<K, V>) => find(descriptor).view as ReadOnlyMapState<K, V>,
    },
    writable: {
      broadcastState: <K extends Key, V>(descriptor: MapStateDescriptor<K, V>) => find(descriptor).state as unknown as MapState<K, V>,
    },
  };
}

/** Cannot be changed, not even by JavaScript. */
function readOnlyView<K, V>(state: MapState<K, V>): ReadOnlyMapState<K, V> {
  return {
    get: (key) => state.get(key),
    has: (key) => state.has(key),
    entries: () => state.entries(),
    keys: () => state.keys(),
    values: () => state.values(),
    isEmpty: () => state.isEmpty(),
  };
}

function undeclared(name: string, where: string): MillraceError {
  return new MillraceError(
    'BROADCAST_STATE_UNDECLARED',
    `Broadcast state ${JSON.stringify(name)} was not declared with the broadcast stream.`,
    {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: 'Name it where the stream is broadcast: stream.broadcast(descriptor).',
    },
  );
}

/** Whoever catches it names the operator. */
function stateForeign(): MillraceError {
  return new MillraceError('STATE_FOREIGN', 'applyToKeyedState got a state that this function did not declare.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Pass a state that you got from the runtime context of the same function.',
  });
}
