/**
 * Keyed state in memory: a hash table over columns, as large as the slot's memory allows.
 *
 * HB1  State owns its values (storage/state/contracts.ts): puts copy, unless objects are reused or the value is primitive.
 * HB2  A snapshot holds the state at its cut (HS1) and does not stop records; restoring it, at any parallelism, gives the
 *      keys of the owned groups exactly that state and those timers.
 * HB3  At most one snapshot is under way.
 * HB4  What belongs to keys alone and what belongs to keys in namespaces are two tables ({@link StateScopes}): each costs
 *      one look-up for whoever uses it.
 */
import { MillraceError } from '../../../core/errors.js';
import type { KeyGroupRange } from '../../../core/ids.js';
import type { Key } from '../../../core/keys.js';
import type { Clock } from '../../../core/ports.js';
import type { KeyedStateHandle } from '../../contracts.js';
import type {
  AggregatingState,
  Aggregation,
  ChunkReader,
  ChunkWriter,
  KeyedStateBackend,
  KeyedStateKind,
  KeyedTimer,
  ListState,
  MapState,
  ReducingState,
  ScopedStateOptions,
  StateDescriptor,
  StateSnapshot,
  TimeDomain,
  ValueState,
} from '../contracts.js';
import { AnnouncedStates } from './announced-states.js';
import { ExpiredValueSweep } from './expired-value-sweep.js';
import { ExpiringListState, ExpiringMapState, ExpiringValueState, type ExpiringOptions } from './expiring-states.js';
import { AccumulatedState, FoldedState } from './folding-states.js';
import { HeapSnapshot } from './heap-snapshot.js';
import { HeapListState } from './list-state.js';
import { HeapMapState } from './map-state.js';
import { restoreHandle } from './restore.js';
import { ScopesSnapshot } from './scopes-snapshot.js';
import type { StateScope } from './state-scope.js';
import { type DeclaredState, StateScopes } from './state-scopes.js';
import type { StateTable } from './state-table.js';
import { StrictGuard } from './strict-guard.js';
import { TimeToLive, type Stamped } from './time-to-live.js';
import { copyValue } from './value-copier.js';
import { HeapValueState } from './value-state.js';

export interface HeapKeyedStateBackendOptions {
  readonly keyGroups: KeyGroupRange;
  /** The number of all key groups. */
  readonly maxParallelism: number;
  /** Named in errors. */
  readonly operatorName: string;
  /** `pipeline.object-reuse`: values are stored as they are; whoever changes one later changes state. Default false. */
  readonly isObjectReuse?: boolean;
  /** Fails when a value changed without being put; for tests and the simulator. Default false. */
  readonly isStrict?: boolean;
  /** For states with a time to live, which are refused without one. */
  readonly clock?: Pick<Clock, 'now'>;
}

interface Expiring {
  /** Undefined when nothing expires. */
  readonly expiring: ExpiringOptions | undefined;
}

const keep = <T>(value: T): T => value;

export class HeapKeyedStateBackend implements KeyedStateBackend {
  readonly keyGroups: KeyGroupRange;
  private readonly operatorName: string;
  private readonly isObjectReuse: boolean;
  private readonly scopes: StateScopes;
  /** Of what belongs to keys alone. */
  private readonly table: StateTable;
  private readonly clock: Pick<Clock, 'now'> | undefined;
  private readonly migrated = new Set<string>();
  private readonly announced = new AnnouncedStates();
  private underWay: StateSnapshot | undefined;
  takenTime = 0;
  takenNamespace = 0;

  constructor(options: HeapKeyedStateBackendOptions) {
    const { keyGroups, maxParallelism, operatorName, isObjectReuse, isStrict } = options;
    this.keyGroups = keyGroups;
    this.operatorName = operatorName;
    this.isObjectReuse = isObjectReuse ?? false;
    this.clock = options.clock;
    const guard = isStrict === true ? new StrictGuard() : undefined;
    this.scopes = new StateScopes({ keyGroups, maxParallelism, operatorName, guard, announced: this.announced });
    this.table = this.scopes.ofKeys.table;
  }

  setCurrentKey(key: Key, keyHash: number): void {
    this.table.setCurrentKey(key, keyHash);
    if (this.scopes.ofNamespaces !== undefined) this.scopes.ofNamespaces.table.leaveNamespace();
  }

  leaveKey(): void {
    for (const { table } of this.scopes.all) table.leaveKey();
  }

  currentKey(): Key {
    return this.table.currentKey();
  }

  keysOf(stateName: string): readonly Key[] {
    const index = this.table.indexOf(stateName);
    return index < 0 ? [] : this.table.keysOf(index);
  }

  setCurrentNamespace(namespace: number): void {
    const { table } = this;
    const scope = this.scopes.ofNamespaces ?? this.scopes.scopeFor(true);
    scope.table.setCurrentNamespace(table.currentKey(), table.currentKeyHash, namespace);
  }

  valueState<T>(name: string, options?: ScopedStateOptions<T>): ValueState<T> {
    return this.ofOneValue('value', name, options, this.isObjectReuse || options?.isOwned === true);
  }

  listState<T>(name: string, options?: ScopedStateOptions<T>): ListState<T> {
    const { table, index, expiring } = this.declare(name, 'list', options);
    if (expiring === undefined) return new HeapListState<T>(table, index, this.isObjectReuse);
    return new ExpiringListState<T>(new HeapListState<Stamped<T>>(table, index, true), expiring);
  }

  mapState<K extends Key, V>(name: string, options?: ScopedStateOptions<V>): MapState<K, V> {
    const { table, index, expiring } = this.declare(name, 'map', options);
    if (expiring === undefined) return new HeapMapState<K, V>(table, index, this.isObjectReuse);
    return new ExpiringMapState<K, V>(new HeapMapState<K, Stamped<V>>(table, index, true), expiring);
  }

  reducingState<T>(name: string, reduce: (accumulated: T, value: T) => T, options?: ScopedStateOptions<T>): ReducingState<T> {
    return new FoldedState<T>(this.ofOneValue('reducing', name, options, this.isObjectReuse), reduce);
  }

  aggregatingState<In, Acc, Out>(
    name: string,
    aggregation: Aggregation<In, Acc, Out>,
    options?: ScopedStateOptions<Acc>,
  ): AggregatingState<In, Out> {
    const held = this.ofOneValue<Acc>('aggregating', name, options, true);
    return new AccumulatedState<In, Acc, Out>({ held, aggregation, copy: this.owner(name) });
  }

  states(): readonly StateDescriptor[] {
    return this.scopes.states();
  }

  announceStates(prefix: string): void {
    this.announced.add(prefix);
  }

  announcedPrefixes(): readonly string[] {
    return this.announced.prefixes;
  }

  /** Those that were asked for together with a way to migrate them. */
  migratedStates(): readonly string[] {
    return [...this.migrated];
  }

  registerTimer(domain: TimeDomain, time: number, namespace = 0): void {
    if (!Number.isFinite(time)) throw this.timeInvalid(time);
    if (namespace === 0) {
      this.scopes.ofKeys.registerTimer(this.table.entryForWrite(), domain, time);
      return;
    }
    const scope = this.scopes.scopeFor(true);
    const { table } = scope;
    const entry = table.isCurrentNamespace(namespace)
      ? table.entryForWrite()
      : table.entryOf(this.table.currentKey(), this.table.currentKeyHash, namespace);
    scope.registerTimer(entry, domain, time);
  }

  deleteTimer(domain: TimeDomain, time: number, namespace = 0): void {
    this.table.assertKey();
    if (namespace === 0) {
      if (this.table.current >= 0) this.scopes.ofKeys.deleteTimer(this.table.current, domain, time);
      return;
    }
    const scope = this.scopes.ofNamespaces;
    if (scope === undefined) return;
    const { table } = scope;
    const entry = table.isCurrentNamespace(namespace)
      ? table.current
      : table.find(this.table.currentKey(), this.table.currentKeyHash, namespace);
    if (entry >= 0) scope.deleteTimer(entry, domain, time);
  }

  pollTimer(domain: TimeDomain, time: number): KeyedTimer | undefined {
    if (!this.takeTimer(domain, time)) return undefined;
    return { key: this.table.currentKey(), domain, time: this.takenTime, namespace: this.takenNamespace };
  }

  takeTimer(domain: TimeDomain, time: number): boolean {
    const { scopes, table } = this;
    const scope = scopes.ofNamespaces === undefined ? scopes.ofKeys : this.scopeOfNextTimer(domain);
    const entry = scope.takeTimer(domain, time);
    if (entry < 0) return false;
    this.takenTime = scope.timersOf(domain).takenTime;
    if (scopes.ofNamespaces === undefined) table.selectEntry(entry);
    else this.selectEntry(scope, entry);
    this.takenNamespace = scope.table.entries.namespaceOf(entry);
    scope.table.release(entry);
    return true;
  }

  nextTimer(domain: TimeDomain): number | undefined {
    return this.scopeOfNextTimer(domain).timersOf(domain).nextTime();
  }

  snapshot(write: ChunkWriter): StateSnapshot {
    if (this.scopes.all.some(({ table }) => table.sink !== undefined)) {
      throw new MillraceError('SNAPSHOT_UNDER_WAY', 'A snapshot was asked for while another one is under way.', {
        where: this.operatorName,
        hint: 'Discard or advance the running one to its end first.',
      });
    }
    const parts = this.scopes.all.map((scope) => new HeapSnapshot({ scope, write }));
    this.underWay = parts.length === 1 ? parts[0] : new ScopesSnapshot(parts);
    return this.underWay as StateSnapshot;
  }

  async restore(handles: readonly KeyedStateHandle[], read: ChunkReader): Promise<void> {
    const { scopes, keyGroups, operatorName } = this;
    for (const handle of handles) await restoreHandle({ scopes, keyGroups, operatorName, handle, read });
  }

  size(): number {
    return this.scopes.all.reduce((sum, { table }) => sum + table.size, 0);
  }

  close(): void {
    this.underWay?.discard();
    this.underWay = undefined;
    for (const scope of this.scopes.all) scope.clear();
  }

  private ofOneValue<T>(kind: KeyedStateKind, name: string, options: ScopedStateOptions<T> | undefined, isKept: boolean): ValueState<T> {
    const { table, index, expiring } = this.declare(name, kind, options);
    if (expiring === undefined) return new HeapValueState<T>(table, index, isKept);
    const own = isKept ? keep : expiring.own;
    return new ExpiringValueState<T>(new HeapValueState<Stamped<T>>(table, index, true), { ...expiring, own });
  }

  private declare<T>(name: string, kind: KeyedStateKind, options: ScopedStateOptions<T> = {}): DeclaredState & Expiring {
    const { isNamespaced = false, version = 1, migrate } = options;
    const place = `${this.operatorName}, state ${this.announced.shown(name)}`;
    assertName(name, this.operatorName);
    assertVersion(version, place);
    const ttl = TimeToLive.of(options.ttl, this.clock, place);
    const { table, index } = this.scopes.declare({ name, kind, isNamespaced, version, hasTtl: ttl !== undefined }, migrate);
    if (migrate !== undefined) this.migrated.add(name);
    table.ttls[index] = ttl;
    if (ttl === undefined) return { table, index, expiring: undefined };
    return { table, index, expiring: { ttl, sweep: new ExpiredValueSweep(table, index, ttl), own: this.owner(name) } };
  }

  /** Makes values the state's own. */
  private owner(name: string): <T>(value: T) => T {
    const place = `${this.operatorName}, state ${this.announced.shown(name)}`;
    return this.isObjectReuse ? keep : (value) => copyValue(value, place);
  }

  /** At the same time, timers of keys come before those of their namespaces. */
  private scopeOfNextTimer(domain: TimeDomain): StateScope {
    const { ofKeys, ofNamespaces } = this.scopes;
    const next = ofNamespaces?.timersOf(domain).nextTime();
    if (ofNamespaces === undefined || next === undefined) return ofKeys;
    const ofKey = ofKeys.timersOf(domain).nextTime();
    return ofKey === undefined || next < ofKey ? ofNamespaces : ofKeys;
  }

  /** Makes key and namespace of an entry current. */
  private selectEntry(scope: StateScope, entry: number): void {
    const { entries } = scope.table;
    const key = entries.keyOf(entry);
    const keyHash = entries.hashOf(entry);
    if (scope === this.scopes.ofKeys) {
      scope.table.selectEntry(entry);
      this.scopes.ofNamespaces?.table.setCurrentNamespace(key, keyHash, 0);
    } else {
      this.table.setCurrentKey(key, keyHash);
      scope.table.selectEntry(entry);
    }
  }

  private timeInvalid(time: number): MillraceError {
    return new MillraceError('TIMER_TIME_INVALID', `${time} is not a time for a timer.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.operatorName,
      hint: 'Use milliseconds since 1970 as a finite number.',
    });
  }
}

function assertName(name: unknown, operatorName: string): void {
  if (typeof name === 'string' && name !== '') return;
  throw new MillraceError('STATE_NAME_INVALID', `${JSON.stringify(name) ?? 'undefined'} is no name of a state.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'A state is found in checkpoints by its name: give it a text that is not empty.',
  });
}

function assertVersion(version: number, where: string): void {
  if (Number.isSafeInteger(version) && version > 0) return;
  throw new MillraceError('STATE_VERSION_INVALID', `${version} is not a version of state.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Use 1, 2, 3 …; a state without a version has version 1.',
  });
}
