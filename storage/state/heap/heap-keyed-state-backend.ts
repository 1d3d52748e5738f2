/**
 * Keyed state in memory: a hash table over columns, as large as the slot's memory allows.
 *
 * HB1  State owns its values (storage/state/contracts.ts): puts copy, unless objects are reused or the value is primitive.
 * HB2  A snapshot holds the state at its cut (HS1) and does not stop records; restoring it, at any parallelism, gives the
 *      keys of the owned groups exactly that state and those timers.
 * HB3  At most one snapshot is under way.
 */
import { MillraceError } from '../../../core/errors.js';
import type { KeyGroupRange } from '../../../core/ids.js';
import type { Key } from '../../../core/keys.js';
import type { KeyedStateHandle } from '../../contracts.js';
import type {
  ChunkReader,
  ChunkWriter,
  KeyedStateBackend,
  KeyedTimer,
  ListState,
  MapState,
  StateSnapshot,
  TimeDomain,
  ValueState,
} from '../contracts.js';
import { HeapSnapshot } from './heap-snapshot.js';
import { HeapListState } from './list-state.js';
import { HeapMapState } from './map-state.js';
import { restoreHandle } from './restore.js';
import { StateTable } from './state-table.js';
import { StrictGuard } from './strict-guard.js';
import { TimerQueue } from './timer-queue.js';
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
}

export class HeapKeyedStateBackend implements KeyedStateBackend {
  readonly keyGroups: KeyGroupRange;
  private readonly table: StateTable;
  private readonly timers: Readonly<Record<TimeDomain, TimerQueue>> = { event: new TimerQueue(), processing: new TimerQueue() };
  private readonly isObjectReuse: boolean;
  private underWay: HeapSnapshot | undefined;

  constructor(options: HeapKeyedStateBackendOptions) {
    this.keyGroups = options.keyGroups;
    this.isObjectReuse = options.isObjectReuse ?? false;
    this.table = new StateTable({
      keyGroups: options.keyGroups,
      maxParallelism: options.maxParallelism,
      operatorName: options.operatorName,
      guard: options.isStrict === true ? new StrictGuard() : undefined,
    });
  }

  setCurrentKey(key: Key, keyHash: number): void {
    this.table.setCurrentKey(key, keyHash);
  }

  currentKey(): Key {
    return this.table.currentKey();
  }

  valueState<T>(name: string): ValueState<T> {
    return new HeapValueState<T>(this.table, this.table.registerState(name, 'value'), this.isObjectReuse);
  }

  listState<T>(name: string): ListState<T> {
    return new HeapListState<T>(this.table, this.table.registerState(name, 'list'), this.isObjectReuse);
  }

  mapState<K extends Key, V>(name: string): MapState<K, V> {
    return new HeapMapState<K, V>(this.table, this.table.registerState(name, 'map'), this.isObjectReuse);
  }

  registerTimer(domain: TimeDomain, time: number): void {
    if (!Number.isFinite(time)) throw this.timeInvalid(time);
    const entry = this.table.entryForWrite();
    if (this.timers[domain].register(entry, time, this.table.version)) this.table.retain(entry);
  }

  deleteTimer(domain: TimeDomain, time: number): void {
    const entry = this.table.current;
    if (entry < 0) {
      this.table.assertKey();
      return;
    }
    const version = this.timers[domain].versionOf(entry, time);
    if (version === undefined) return;
    if (version < this.table.cut) this.underWay?.saveTimer(entry, domain, time);
    this.timers[domain].delete(entry, time);
    this.table.release(entry);
  }

  pollTimer(domain: TimeDomain, time: number): KeyedTimer | undefined {
    const due = this.timers[domain].nextDue(time);
    if (due === undefined) return undefined;
    this.table.selectEntry(due.entry);
    const key = this.table.currentKey();
    this.deleteTimer(domain, due.time);
    return { key, domain, time: due.time };
  }

  nextTimer(domain: TimeDomain): number | undefined {
    return this.timers[domain].nextTime();
  }

  snapshot(write: ChunkWriter): StateSnapshot {
    if (this.table.sink !== undefined) {
      throw new MillraceError('SNAPSHOT_UNDER_WAY', 'A snapshot was asked for while another one is under way.', {
        where: this.table.operatorName,
        hint: 'Discard or advance the running one to its end first.',
      });
    }
    this.underWay = new HeapSnapshot({ table: this.table, timers: this.timers, write });
    return this.underWay;
  }

  async restore(handles: readonly KeyedStateHandle[], read: ChunkReader): Promise<void> {
    for (const handle of handles) await restoreHandle({ table: this.table, timers: this.timers, handle, read });
  }

  size(): number {
    return this.table.size;
  }

  close(): void {
    this.underWay?.discard();
    this.underWay = undefined;
    this.table.clear();
    this.timers.event.clear();
    this.timers.processing.clear();
  }

  private timeInvalid(time: number): MillraceError {
    return new MillraceError('TIMER_TIME_INVALID', `${time} is not a time for a timer.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.table.operatorName,
      hint: 'Use milliseconds since 1970 as a finite number.',
    });
  }
}
