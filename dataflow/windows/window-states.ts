/**
 * The states of windows that a window function asks for.
 *
 * WN1  They go with their window, also those of a checkpoint that nobody asked for again. So they have one version and no
 *      time to live: whoever drops them need not know more than their names and kinds.
 * WN2  Their names are no names of other states of the operator.
 */
import type { Key } from '../../core/keys.js';
import type {
  AggregatingState,
  KeyedStateBackend,
  ListState,
  MapState,
  ReducingState,
  StateDescriptor,
  ValueState,
} from '../../storage/state/contracts.js';
import type { AggregateFunction } from '../functions.js';
import type { WindowStates } from './window-function.js';

const options = { isNamespaced: true } as const;

/** See the head of this file. */
export class NamespacedStates implements WindowStates {
  readonly #keyed: KeyedStateBackend;
  readonly #prefix: string;
  readonly #states = new Map<string, { clear(): void }>();

  constructor(keyed: KeyedStateBackend, prefix: string) {
    this.#keyed = keyed;
    this.#prefix = prefix;
    keyed.announceStates(prefix);
    for (const { name, kind } of keyed.states()) {
      if (name.startsWith(prefix)) this.#states.set(name, stateOf(keyed, kind, name));
    }
  }

  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  /** Those of one window of the current key. */
  at(namespace: number): this {
    this.#keyed.setCurrentNamespace(namespace);
    return this;
  }

  valueState<T>(name: string): ValueState<T> {
    return this.#noted(name, (full) => this.#keyed.valueState<T>(full, options));
  }

  listState<T>(name: string): ListState<T> {
    return this.#noted(name, (full) => this.#keyed.listState<T>(full, options));
  }

  mapState<K extends Key, V>(name: string): MapState<K, V> {
    return this.#noted(name, (full) => this.#keyed.mapState<K, V>(full, options));
  }

  reducingState<T>(name: string, reduce: (accumulated: T, value: T) => T): ReducingState<T> {
    return this.#noted(name, (full) => this.#keyed.reducingState<T>(full, reduce, options));
  }

  aggregatingState<In, Acc, Out>(name: string, aggregate: AggregateFunction<In, Acc, Out>): AggregatingState<In, Out> {
    return this.#noted(name, (full) => this.#keyed.aggregatingState(full, aggregate, options));
  }

  clear(namespace: number): void {
    if (this.#states.size === 0) return;
    this.#keyed.setCurrentNamespace(namespace);
    for (const state of this.#states.values()) state.clear();
  }

  /** What is no name, or of another kind than before, is the backend's to refuse. */
  #noted<S extends { clear(): void }>(name: string, make: (name: string) => S): S {
    const full = typeof name === 'string' && name !== '' ? this.#prefix + name : name;
    const state = make(full);
    if (!this.#states.has(full)) this.#states.set(full, state);
    return state;
  }
}

/** A state of a checkpoint, to be dropped. */
function stateOf(keyed: KeyedStateBackend, kind: StateDescriptor['kind'], name: string): { clear(): void } {
  if (kind === 'list') return keyed.listState(name, options);
  if (kind === 'map') return keyed.mapState(name, options);
  if (kind === 'reducing') return keyed.reducingState<unknown>(name, (accumulated) => accumulated, options);
  if (kind === 'aggregating') return keyed.aggregatingState(name, nothingAdded, options);
  return keyed.valueState(name, options);
}

/** Of an accumulator that is dropped, never added to. */
const nothingAdded = { createAccumulator: () => null, add: () => null, getResult: () => null };
