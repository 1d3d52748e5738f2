/**
 * A table and its timers: what belongs to keys alone, or what belongs to keys and namespaces.
 *
 * SS1  An entry with a timer stays, like one with a value (ST3).
 * SS2  A timer that a snapshot under way still needs is saved before it is deleted (HS1).
 */
import type { TimeDomain } from '../contracts.js';
import { StateTable, type StateTableOptions } from './state-table.js';
import { TimerQueue } from './timer-queue.js';

export class StateScope {
  readonly table: StateTable;
  readonly timers: Readonly<Record<TimeDomain, TimerQueue>> = { event: new TimerQueue(), processing: new TimerQueue() };

  constructor(options: StateTableOptions) {
    this.table = new StateTable(options);
  }

  registerTimer(entry: number, domain: TimeDomain, time: number): void {
    if (this.timers[domain].register(entry, time, this.table.version)) this.table.retain(entry);
  }

  deleteTimer(entry: number, domain: TimeDomain, time: number): void {
    const { table } = this;
    const version = this.timers[domain].versionOf(entry, time);
    if (version === undefined) return;
    if (version < table.cut) table.sink?.saveTimer(entry, domain, time);
    this.timers[domain].delete(entry, time);
    table.release(entry);
  }

  /**
   * Removes the earliest timer due at `time`, and returns its entry, or -1; the caller releases the entry once it has what
   * it needs of it. See `takenTime` of the queue.
   */
  takeTimer(domain: TimeDomain, time: number): number {
    const timers = this.timers[domain];
    const entry = timers.take(time);
    if (entry >= 0 && timers.takenVersion < this.table.cut) this.table.sink?.saveTimer(entry, domain, timers.takenTime);
    return entry;
  }

  clear(): void {
    this.table.clear();
    this.timers.event.clear();
    this.timers.processing.clear();
  }
}
