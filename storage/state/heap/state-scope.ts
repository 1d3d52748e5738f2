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
  private readonly eventTimers = new TimerQueue();
  private readonly processingTimers = new TimerQueue();

  constructor(options: StateTableOptions) {
    this.table = new StateTable(options);
  }

  timersOf(domain: TimeDomain): TimerQueue {
    return domain === 'event' ? this.eventTimers : this.processingTimers;
  }

  registerTimer(entry: number, domain: TimeDomain, time: number): void {
    if (this.timersOf(domain).register(entry, time, this.table.version)) this.table.retain(entry);
  }

  deleteTimer(entry: number, domain: TimeDomain, time: number): void {
    const { table } = this;
    const version = this.timersOf(domain).versionOf(entry, time);
    if (version === undefined) return;
    if (version < table.cut) table.sink?.saveTimer(entry, domain, time);
    this.timersOf(domain).delete(entry, time);
    table.release(entry);
  }

  /**
   * Removes the earliest timer due at `time`, and returns its entry, or -1; the caller releases the entry once it has what
   * it needs of it. See `takenTime` of the queue.
   */
  takeTimer(domain: TimeDomain, time: number): number {
    const timers = this.timersOf(domain);
    const entry = timers.take(time);
    if (entry >= 0 && timers.takenVersion < this.table.cut) this.table.sink?.saveTimer(entry, domain, timers.takenTime);
    return entry;
  }

  clear(): void {
    this.table.clear();
    this.eventTimers.clear();
    this.processingTimers.clear();
  }
}
