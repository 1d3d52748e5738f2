/**
 * What happens when a window fires: its function is called, and results go out with the last time of the window.
 *
 * FI1  What is handed to the function is not used by the operator any more.
 * FI2  States of a window go when it ends, whether or not the function drops them (WN1).
 * FI3  What a window function throws names the operator; with a policy for errors the window counts as fired, and its
 *      operator goes on.
 */
import { MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/keys.js';
import { noTimestamp, type Emit, type OperatorContext } from '../contracts.js';
import type { Collector } from '../functions.js';
import { createCollector } from '../fusion/process-call.js';
import { ResultPump } from '../operators/result-pump.js';
import { keyedRuntimeContextOf, keyedStateOf, keyedStatesOf, sideOutputsOf } from '../operators/runtime-context.js';
import { synchronous } from '../operators/synchronous.js';
import { failFunction } from '../operators/user-error.js';
import { FiredWindow, type OfAllWindows } from './fired-window.js';
import type { ProcessWindowFunction, WindowContext, WindowStates } from './window-function.js';
import { NamespacedStates } from './window-states.js';
import type { Window } from './window.js';

/** How the names of states of the key begin (WF3). */
const keyStates = 'global/';

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
  readonly #windowStates: NamespacedStates;
  readonly #shared: OfAllWindows;
  /** Of the latest window. */
  #fired: FiredWindow | undefined;

  constructor(run: ProcessWindowFunction<Mid, Out, Key, Window>, out: Emit<Out>, context: OperatorContext) {
    this.#run = run;
    this.#context = context;
    this.#collector = createCollector(out, this.#cell);
    // Records are never deferred: what they change does not depend on results that wait.
    this.#pump = new ResultPump({ out, context, process: () => undefined, onResume: (timestamp) => void (this.#cell.now = timestamp) });
    const keyed = keyedStateOf(context);
    this.#windowStates = new NamespacedStates(keyed, 'window/');
    keyed.announceStates(keyStates);
    const globalStates = keyedStatesOf(keyed, keyStates);
    this.#shared = {
      currentWatermark: () => context.currentWatermark(),
      currentProcessingTime: () => context.clock.now(),
      globalState: () => globalStates,
      windowStateOf: (namespace) => this.#windowStateOf(namespace),
      toSide: sideOutputsOf(context),
    };
  }

  open(): void | Promise<void> {
    return this.#run.open?.(keyedRuntimeContextOf(this.#context, keyStates));
  }

  fire(values: readonly Mid[], window: Window, namespace: number | undefined): void {
    const { attempt, operatorName } = this.#context;
    this.#cell.now = window.maxTimestamp();
    try {
      if (attempt === undefined) this.#call(values, window, namespace);
      else attempt(this.#callLater(values, window, namespace), window.maxTimestamp());
    } catch (error) {
      failFunction(operatorName, error);
    }
  }

  end(window: Window, namespace: number | undefined): void {
    if (this.#run.clear === undefined && this.#windowStates.isEmpty) return;
    try {
      this.#cell.now = window.maxTimestamp();
      synchronous(this.#run.clear?.(this.#key(), this.#contextOf(window, namespace)));
    } catch (error) {
      failFunction(this.#context.operatorName, error);
    }
    if (namespace !== undefined) this.#windowStates.clear(namespace);
  }

  close(): void | Promise<void> {
    this.#pump.close();
    return this.#run.close?.();
  }

  #call(values: readonly Mid[], window: Window, namespace: number | undefined): void {
    const results = this.#run.process(this.#key(), this.#contextOf(window, namespace), values, this.#collector);
    if (results !== undefined) this.#pump.take(results, window.maxTimestamp());
  }

  /** A function of its own, so that nothing is made for calls without a policy. */
  #callLater(values: readonly Mid[], window: Window, namespace: number | undefined): () => void {
    return () => this.#call(values, window, namespace);
  }

  #key(): Key {
    return keyedStateOf(this.#context).currentKey();
  }

  /** Of the keys of one and the same window each sees the same: what differs is looked up when it is asked for. */
  #contextOf(window: Window, namespace: number | undefined): WindowContext<Window> {
    let fired = this.#fired;
    if (fired === undefined || fired.window !== window) this.#fired = fired = new FiredWindow(window, namespace, this.#shared);
    return fired;
  }

  #windowStateOf(namespace: number | undefined): WindowStates {
    if (namespace === undefined) throw windowStateOfSession(this.#context.operatorName);
    return this.#windowStates.at(namespace);
  }
}

function windowStateOfSession(operatorName: string): MillraceError {
  return new MillraceError('WINDOW_STATE_OF_SESSION', 'State of a window was asked for in a session window.', {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Sessions merge, their states would not: use globalState(), or keep it in the accumulator.',
  });
}
