/**
 * Value state on the heap. What is put is copied unless objects are reused; what is read is the object state holds.
 */
import type { ValueState } from '../contracts.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

export class HeapValueState<T> implements ValueState<T> {
  private readonly table: StateTable;
  private readonly index: number;
  private readonly place: string;
  private readonly isObjectReuse: boolean;

  constructor(table: StateTable, index: number, isObjectReuse: boolean) {
    this.table = table;
    this.index = index;
    this.place = table.placeOf(index);
    this.isObjectReuse = isObjectReuse;
  }

  value(): T | undefined {
    const { table } = this;
    const entry = table.current;
    if (entry === undefined) {
      table.assertKey();
      return undefined;
    }
    const value = entry.slots[this.index];
    if (typeof value === 'object' && value !== null) {
      if (entry.version < table.cut) table.touchSlots(entry);
      if (table.guard !== undefined) {
        table.guard.verify(value);
        table.guard.handOut(value);
      }
    }
    return value as T | undefined;
  }

  /** `undefined` clears. */
  update(value: T): void {
    if (value === undefined) {
      this.clear();
      return;
    }
    const { table } = this;
    const owned = this.isObjectReuse ? value : copyValue(value, this.place);
    const entry = table.entryForWrite();
    const previous = entry.slots[this.index];
    if (previous === undefined) {
      entry.liveCount += 1;
      table.size += 1;
    }
    entry.slots[this.index] = owned;
    if (table.guard !== undefined) {
      table.guard.forget(previous);
      table.guard.put(owned, this.place, entry.key);
    }
  }

  clear(): void {
    const { table } = this;
    const entry = table.current;
    if (entry === undefined) {
      table.assertKey();
      return;
    }
    const previous = entry.slots[this.index];
    if (previous === undefined) return;
    table.touchSlots(entry);
    table.guard?.forget(previous);
    entry.slots[this.index] = undefined;
    table.size -= 1;
    table.release(entry);
  }
}
