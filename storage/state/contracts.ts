/**
 * Keyed state as operators use it. Everything is synchronous and scoped to the current key, or to the current key and
 * namespace: a number that an operator gives a meaning to (the start of a window, for example).
 *
 * Ownership (`pipeline.object-reuse` off): a value put into state is copied, so what the caller emits or keeps can
 * change without changing state. A value read from state may be changed only inside the callback that read it, and
 * only counts once it is put again.
 */
import type { KeyGroupRange } from '../../core/ids.js';
import type { Key } from '../../core/keys.js';
import type { Duration } from '../../core/quantities.js';
import type { ChunkHandle, KeyedStateHandle, OperatorStateHandle, StateDescriptor } from '../contracts.js';

export type { StateDescriptor } from '../contracts.js';

export type { Key } from '../../core/keys.js';

/** One value of the current key: undefined until it was put, and after `clear`. */
export interface ValueState<T> {
  value(): T | undefined;
  update(value: T): void;
  clear(): void;
}

/** Values of the current key, in the order they were added; `get` of none is an empty list. */
export interface ListState<T> {
  get(): readonly T[];
  add(value: T): void;
  addAll(values: Iterable<T>): void;
  update(values: Iterable<T>): void;
  clear(): void;
}

/** Values of the current key under keys of their own. Reading or writing one costs nothing for the others. */
export interface MapState<K, V> {
  get(key: K): V | undefined;
  put(key: K, value: V): void;
  has(key: K): boolean;
  remove(key: K): void;
  entries(): Iterable<readonly [K, V]>;
  keys(): Iterable<K>;
  values(): Iterable<V>;
  isEmpty(): boolean;
  clear(): void;
}

/** Values of the current key, reduced to one as they are added. */
export interface ReducingState<T> {
  /** What the values added so far were reduced to. */
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

/** Values of the current key, folded into an accumulator as they are added. */
export interface AggregatingState<In, Out> {
  /** The result of the values added so far; undefined before the first. It is the caller's. */
  get(): Out | undefined;
  add(value: In): void;
  clear(): void;
}

/** How an aggregating state folds values; `getResult` must not change the accumulator. */
export interface Aggregation<In, Acc, Out> {
  createAccumulator(): Acc;
  /** May change the accumulator and return it. */
  add(value: In, accumulator: Acc): Acc;
  getResult(accumulator: Acc): Out;
}

/** The state kinds of keyed state. */
export type KeyedStateKind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating';

/**
 * How long values live, in processing time: a value of a value, reducing or aggregating state, an element of a list, an entry
 * of a map. What has expired is removed when it is read, when a checkpoint is taken, and little by little with each access to
 * the state (`limits.ttlEntriesPerAccess` keys).
 */
export interface StateTtl {
  /** A value has expired once it is that old. */
  readonly timeToLive: Duration;
  /** What makes a value young again: writing it (the default), or reading it too. `Disabled`: nothing expires. */
  readonly updateType?: 'OnCreateAndWrite' | 'OnReadAndWrite' | 'Disabled';
  /** Whether an expired value that is still there is handed out, for the last time. Default `NeverReturnExpired`. */
  readonly visibility?: 'NeverReturnExpired' | 'ReturnExpiredIfNotCleanedUp';
}

/** `T`: a value, an element of a list, a value of a map, or an accumulator. */
export interface StateOptions<T> {
  /** A state has one or not: adding or removing it makes state of a checkpoint incompatible; changing it does not. */
  readonly ttl?: StateTtl;
  /** A positive integer, default 1: raised when values begin to look different. */
  readonly version?: number;
  /** Makes a value out of one of an earlier version. Called for every value that is restored, before any is read. */
  readonly migrate?: (old: unknown, fromVersion: number) => T;
}

/** Besides, for operators. */
export interface ScopedStateOptions<T> extends StateOptions<T> {
  /** Belongs to the current key and the current namespace, instead of to the key alone. Default false. */
  readonly isNamespaced?: boolean;
  /**
   * Value states only: what is put is the state's already and not copied; nobody else keeps it, or texts that hold more than
   * themselves alive. For operators that change a large value in place. Default false.
   */
  readonly isOwned?: boolean;
}

/** Bytes of one chunk, written where checkpoints live; the backend never knows where that is. */
export type ChunkWriter = (bytes: Uint8Array) => Promise<ChunkHandle>;
export type ChunkReader = (handle: ChunkHandle) => Promise<Uint8Array>;

/** A snapshot under way: the version was cut synchronously; the bytes follow in slices. */
export interface StateSnapshot {
  /** Serialises up to `entriesMax` more entries; returns whether more remain. Called between records. */
  advance(entriesMax: number): boolean;
  /** Resolves once every chunk is written. Call after `advance` returned false. */
  finish(): Promise<readonly KeyedStateHandle[]>;
  /** Gives up: frees what it held. Idempotent. */
  discard(): void;
}

export type TimeDomain = 'event' | 'processing';

/** A timer of a key; the same key, domain, namespace and time is one timer. */
export interface KeyedTimer {
  readonly key: Key;
  readonly domain: TimeDomain;
  readonly time: number;
  /** 0 when it has none. */
  readonly namespace: number;
}

/** Keyed state of one operator in one subtask, key group by key group. */
export interface KeyedStateBackend {
  readonly keyGroups: KeyGroupRange;
  /**
   * Sets the key that all state below belongs to. `keyHash` is the hash of that key (K4 of core/keys.ts), which came with
   * the record; its group must lie in `keyGroups`, else `KEY_GROUP_FOREIGN`. Then no namespace is current any more.
   */
  setCurrentKey(key: Key, keyHash: number): void;
  /** No key is current any more: state of a key is refused (`STATE_WITHOUT_KEY`) until there is one again. */
  leaveKey(): void;
  /** The current key; without one `STATE_WITHOUT_KEY`. */
  currentKey(): Key;
  /**
   * The keys for which the state of this name, one without namespaces, holds something now; in no order, and none when
   * there is no such state; with a time to live, also those whose value has expired and was not cleaned up yet. Costs a
   * pass over all entries.
   */
  keysOf(stateName: string): readonly Key[];
  /**
   * Sets the namespace of the current key that all states declared as namespaced belong to; without one, using them is
   * refused (`STATE_WITHOUT_NAMESPACE`). Costs a look-up. Any number but NaN; the callback goes on (strict mode).
   */
  setCurrentNamespace(namespace: number): void;
  /**
   * A state by its name; asking again gives the same state. Asked for as something else (kind, scope, version, with or without
   * time to live) it is refused: `STATE_KIND_CLASH`, or `STATE_INCOMPATIBLE` where a checkpoint says what it was. State of an
   * earlier version is migrated here.
   */
  valueState<T>(name: string, options?: ScopedStateOptions<T>): ValueState<T>;
  listState<T>(name: string, options?: ScopedStateOptions<T>): ListState<T>;
  mapState<K extends Key, V>(name: string, options?: ScopedStateOptions<V>): MapState<K, V>;
  reducingState<T>(name: string, reduce: (accumulated: T, value: T) => T, options?: ScopedStateOptions<T>): ReducingState<T>;
  aggregatingState<In, Acc, Out>(
    name: string,
    aggregation: Aggregation<In, Acc, Out>,
    options?: ScopedStateOptions<Acc>,
  ): AggregatingState<In, Out>;

  /**
   * Timers belong to the current key, to a namespace of it (which need not be the current one; 0: none), and to the
   * snapshot.
   */
  registerTimer(domain: TimeDomain, time: number, namespace?: number): void;
  deleteTimer(domain: TimeDomain, time: number, namespace?: number): void;
  /**
   * Takes the earliest timer of the domain that is due at `time`, and makes its key and its namespace current; undefined
   * when none is. At the same time, timers without a namespace come first.
   */
  pollTimer(domain: TimeDomain, time: number): KeyedTimer | undefined;
  /**
   * The same for whoever fires many: whether there was one; `takenTime` and `takenNamespace` say which it was, until the next
   * is taken.
   */
  takeTimer(domain: TimeDomain, time: number): boolean;
  readonly takenTime: number;
  readonly takenNamespace: number;
  /** Time of the earliest timer of the domain. */
  nextTimer(domain: TimeDomain): number | undefined;

  /**
   * Says that states whose names begin so are asked for while records come, not before: who starts from a checkpoint does not
   * take them for dropped.
   */
  announceStates(prefix: string): void;
  /** Every state that was asked for or restored. */
  states(): readonly StateDescriptor[];
  /** Cuts a version now, in time independent of the number of entries; at most one snapshot is under way. */
  snapshot(write: ChunkWriter): StateSnapshot;
  /** Loads handles whose key groups intersect `keyGroups`; foreign groups are skipped. */
  restore(handles: readonly KeyedStateHandle[], read: ChunkReader): Promise<void>;
  /** Entries held, for metrics. */
  size(): number;
  close(): void;
}

/**
 * State of one operator in one subtask, of no key. It is small: all of it is serialised when a snapshot is cut. The same name
 * again gives the same state; another kind of state under the same name is refused (`STATE_KIND_CLASH`).
 */
export interface OperatorStateBackend {
  /** Its elements are dealt out one by one, round robin, when the parallelism changes. */
  listState<T>(name: string): ListState<T>;
  /** Every subtask gets the elements of all former subtasks, and keeps what it needs. */
  unionListState<T>(name: string): ListState<T>;
  /**
   * Every subtask has a copy, and must change it in the same way: by broadcast records only. A new subtask gets the copy of a
   * former one.
   */
  broadcastState<K extends Key, V>(name: string): MapState<K, V>;
  /** Every state that was asked for or restored. */
  states(): readonly StateDescriptor[];
  /** Serialises everything before it returns; resolves once it is written. */
  snapshot(write: ChunkWriter): Promise<readonly OperatorStateHandle[]>;
  restore(handles: readonly OperatorStateHandle[], read: ChunkReader): Promise<void>;
}
