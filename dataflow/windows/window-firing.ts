/**
 * What happens when a window fires: its function is called, and results go out with the last time of the window.
 *
 * FI1  What is handed to the function is not used by the operator any more.
 * FI2  States of a window go when it ends, whether or not the function drops them.
 * FI3  What a window function throws names the operator; with a policy for errors the window counts as fired, and its
 *      operator goes on.
 */
import { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import type { KeyedStateBackend, ListState, MapState, StateDescriptor, ValueState } from '../../storage/state/contracts.js';
import { noTimestamp, type Emit, type OperatorContext } from '../contracts.js';
import type { Collector, OutputTag } from '../functions.js';
import { createCollector } from '../fusion/process-call.js';
import { ResultPump } from '../operators/result-pump.js';
import { keyedStateOf, runtimeContextOf, sideOutputsOf } from '../operators/runtime-context.js';
import { failFunction } from '../operators/user-error.js';
import type { ProcessWindowFunction, WindowContext, WindowStates } from './window-function.js';
import type { Window } from './window.js';

/** Calls the window function of one operator. */
export interface WindowFiring<Mid> {
  open(): void | Promise<void>;
  /** `namespace` is that of the states of the window; undefined: it can have none. */
  fire(values: readonly Mid[], window: Window, namespace: number | undefined): void;
  /** The window ended. */
  end(window: Window, namespace: number | undefined): void;
  close(): void | Promise<void>;
}

/** Hands on the values as they are. */
export function plainFiring<Mid>(out: Emit<Mid>): WindowFiring<Mid> {
  return {
    open: () => undefined,
    fire: (values, window) => {
      for (const value of values) out(value, window.maxTimestamp());
    },
    end: () => undefined,
    close: () => undefined,
  };
}

/** Calls a window function with the values. */
export function functionFiring<Mid, Out>(
  run: ProcessWindowFunction<Mid, Out, Key, Window>,
  out: Emit<Out>,
  context: OperatorContext,
): WindowFiring<Mid> {
  return new FunctionFiring(run, out, context);
}

class FunctionFiring<Mid, Out> implements WindowFiring<Mid> {
  readonly #run: ProcessWindowFunction<Mid, Out, Key, Window>;
  readonly #context: OperatorContext;
  readonly #cell = { now: noTimestamp };
  readonly #collector: Collector<Out>;
  readonly #pump: ResultPump<never, Out>;
  readonly #toSide: (tag: string, value: unknown, timestamp: number) => void;
  readonly #windowStates: StateShelf;
  /** What the contexts of all windows have in common: a context is made for every firing. */
  readonly #shared: Pick<WindowContext<Window>, 'currentWatermark' | 'currentProcessingTime' | 'globalState'>;

  constructor(run: ProcessWindowFunction<Mid, Out, Key, Window>, out: Emit<Out>, context: OperatorContext) {
    this.#run = run;
    this.#context = context;
    this.#collector = createCollector(out, this.#cell);
    // Records are never deferred: what they change does not depend on results that wait.
    this.#pump = new ResultPump({ out, context, process: () => undefined, onResume: (timestamp) => void (this.#cell.now = timestamp) });
    this.#toSide = sideOutputsOf(context);
    const keyed = keyedStateOf(context);
    this.#windowStates = new StateShelf(keyed, 'window', true);
    const globalStates = new StateShelf(keyed, 'global', false);
    this.#shared = {
      currentWatermark: () => context.currentWatermark(),
      currentProcessingTime: () => context.clock.now(),
      globalState: () => globalStates,
    };
  }

  open(): void | Promise<void> {
    return this.#run.open?.(runtimeContextOf(this.#context));
  }

  fire(values: readonly Mid[], window: Window, namespace: number | undefined): void {
    const timestamp = window.maxTimestamp();
    this.#cell.now = timestamp;
    const call = (): void => {
      const results = this.#run.process(this.#key(), this.#contextOf(window, namespace), values, this.#collector);
      this.#pump.take(results, timestamp);
    };
    try {
      if (this.#context.attempt === undefined) call();
      else this.#context.attempt(call, timestamp);
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
  }

  end(window: Window, namespace: number | undefined): void {
    if (this.#run.clear === undefined && this.#windowStates.isEmpty) return;
    try {
      this.#cell.now = window.maxTimestamp();
      this.#run.clear?.(this.#key(), this.#contextOf(window, namespace));
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
    if (namespace !== undefined) this.#windowStates.clear(namespace);
  }

  close(): void | Promise<void> {
    this.#pump.close();
    return this.#run.close?.();
  }

  #key(): Key {
    return keyedStateOf(this.#context).currentKey();
  }

  #contextOf(window: Window, namespace: number | undefined): WindowContext<Window> {
    const { currentWatermark, currentProcessingTime, globalState } = this.#shared;
    return {
      window,
      currentWatermark,
      currentProcessingTime,
      windowState: () => this.#windowStateOf(namespace),
      globalState,
      output: <S>(tag: OutputTag<S>, value: S) => this.#toSide(tag.id, value, window.maxTimestamp()),
    };
  }

  #windowStateOf(namespace: number | undefined): WindowStates {
    if (namespace === undefined) throw windowStateOfSession(this.#context.operatorName);
    return this.#windowStates.at(namespace);
  }
}

interface ScopeOption {
  readonly isNamespaced: boolean;
}

/** The states that functions asked for, under names that no state of the operator has. */
class StateShelf implements WindowStates {
  readonly #keyed: KeyedStateBackend;
  readonly #prefix: string;
  readonly #isNamespaced: boolean;
  readonly #states = new Map<string, { clear(): void }>();

  constructor(keyed: KeyedStateBackend, prefix: string, isNamespaced: boolean) {
    this.#keyed = keyed;
    this.#prefix = `${prefix}/`;
    this.#isNamespaced = isNamespaced;
    keyed.announceStates(this.#prefix);
    // Of a checkpoint: the function may not ask for them again before their window ends (FI2).
    for (const { name, kind } of keyed.states()) {
      if (name.startsWith(this.#prefix)) this.#get(name, (full, options) => stateOf(keyed, kind, full, options));
    }
  }

  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  at(namespace: number): WindowStates {
    this.#keyed.setCurrentNamespace(namespace);
    return this;
  }

  valueState<T>(name: string): ValueState<T> {
    return this.#get(this.#prefix + name, (full, options) => this.#keyed.valueState<T>(full, options));
  }

  listState<T>(name: string): ListState<T> {
    return this.#get(this.#prefix + name, (full, options) => this.#keyed.listState<T>(full, options));
  }

  mapState<K extends Key, V>(name: string): MapState<K, V> {
    return this.#get(this.#prefix + name, (full, options) => this.#keyed.mapState<K, V>(full, options));
  }

  clear(namespace: number): void {
    if (this.#states.size === 0) return;
    this.#keyed.setCurrentNamespace(namespace);
    for (const state of this.#states.values()) state.clear();
  }

  /** The kind of a state that is known already is the backend's to check. */
  #get<S extends { clear(): void }>(name: string, make: (name: string, options: ScopeOption) => S): S {
    const state = make(name, { isNamespaced: this.#isNamespaced });
    if (!this.#states.has(name)) this.#states.set(name, state);
    return state;
  }
}

function stateOf(keyed: KeyedStateBackend, kind: StateDescriptor['kind'], name: string, options: ScopeOption): { clear(): void } {
  if (kind === 'value') return keyed.valueState(name, options);
  return kind === 'list' ? keyed.listState(name, options) : keyed.mapState(name, options);
}

function windowStateOfSession(operatorName: string): MillraceError {
  return new MillraceError('WINDOW_STATE_OF_SESSION', 'State of a window was asked for in a session window.', {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Sessions merge, their states would not: use globalState(), or keep it in the accumulator.',
  });
}
