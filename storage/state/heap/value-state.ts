/**
 * Value state on the heap. What is put is copied unless objects are reused; what is read is the object state holds.
 */
import type { ValueState } from '../contracts.js';
import type { ValueColumn } from './paged-column.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

export class HeapValueState<T> implements ValueState<T> {
  private readonly table: StateTable;
  private readonly column: ValueColumn;
  private readonly place: string;
  private readonly isObjectReuse: boolean;

  constructor(table: StateTable, index: number, isObjectReuse: boolean) {
    this.table = table;
    this.column = table.columns[index] as ValueColumn;
    this.place = table.placeOf(index);
    this.isObjectReuse = isObjectReuse;
  }

  value(): T | undefined {
    const { table } = this;
    const entry = table.current;
    if (entry < 0) {
      table.assertKey();
      return undefined;
    }
    const value = this.column.get(entry);
    if (typeof value === 'object' && value !== null) {
      table.touchSlots(entry);
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
    const previous = this.column.get(entry);
    // Changed in place: it is there already.
    if (previous === owned && table.guard === undefined) return;
    if (previous === undefined) {
      table.retain(entry);
      table.size += 1;
    }
    this.column.set(entry, owned);
    if (table.guard !== undefined) {
      table.guard.forget(previous);
      table.guard.put(owned, this.place, table.currentKey());
    }
  }

  clear(): void {
    const { table } = this;
    const entry = table.current;
    if (entry < 0) {
      table.assertKey();
      return;
    }
    const previous = this.column.get(entry);
    if (previous === undefined) return;
    table.touchSlots(entry);
    table.guard?.forget(previous);
    this.column.set(entry, undefined);
    table.size -= 1;
    table.release(entry);
  }
}
