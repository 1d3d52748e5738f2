/**
 * List state on the heap.
 *
 * LS1  An array that `get` returned never changes: adding after a `get` copies the array first (not its elements).
 */
import type { ListState } from '../contracts.js';
import type { ValueColumn } from './paged-column.js';
import type { ListCell } from './state-cells.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

const nothing: readonly never[] = Object.freeze([]);

export class HeapListState<T> implements ListState<T> {
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

  get(): readonly T[] {
    const { table } = this;
    const entry = table.current;
    if (entry < 0) {
      table.assertKey();
      return nothing;
    }
    const cell = this.column.get(entry) as ListCell | undefined;
    if (cell === undefined) return nothing;
    table.touchSlots(entry);
    cell.isShared = true;
    if (table.guard !== undefined) {
      table.guard.verify(cell.items);
      table.guard.handOut(cell.items);
    }
    return cell.items as readonly T[];
  }

  add(value: T): void {
    const owned = this.own(value);
    const entry = this.table.entryForWrite();
    const cell = this.cellFor(entry);
    cell.items.push(owned);
    this.table.guard?.put(cell.items, this.place, this.table.currentKey());
  }

  addAll(values: Iterable<T>): void {
    const owned = Array.from(values, (value) => this.own(value));
    if (owned.length === 0) return;
    const entry = this.table.entryForWrite();
    const cell = this.cellFor(entry);
    for (const value of owned) cell.items.push(value);
    this.table.guard?.put(cell.items, this.place, this.table.currentKey());
  }

  /** An empty list clears. */
  update(values: Iterable<T>): void {
    const items = Array.from(values, (value) => this.own(value));
    if (items.length === 0) {
      this.clear();
      return;
    }
    const entry = this.table.entryForWrite();
    const previous = this.column.get(entry) as ListCell | undefined;
    if (previous === undefined) {
      this.table.retain(entry);
      this.table.size += 1;
    }
    this.column.set(entry, { items, isShared: false } satisfies ListCell);
    if (this.table.guard !== undefined) {
      this.table.guard.forget(previous?.items);
      this.table.guard.put(items, this.place, this.table.currentKey());
    }
  }

  clear(): void {
    const { table } = this;
    const entry = table.current;
    if (entry < 0) {
      table.assertKey();
      return;
    }
    const cell = this.column.get(entry) as ListCell | undefined;
    if (cell === undefined) return;
    table.touchSlots(entry);
    table.guard?.forget(cell.items);
    this.column.set(entry, undefined);
    table.size -= 1;
    table.release(entry);
  }

  private own(value: T): T {
    return this.isObjectReuse ? value : copyValue(value, this.place);
  }

  /** The cell to append to; its array is nobody else's (LS1). */
  private cellFor(entry: number): ListCell {
    const { table } = this;
    const cell = this.column.get(entry) as ListCell | undefined;
    if (cell === undefined) {
      const created: ListCell = { items: [], isShared: false };
      this.column.set(entry, created);
      table.retain(entry);
      table.size += 1;
      return created;
    }
    if (cell.isShared) {
      const shared = cell.items;
      cell.items = shared.slice();
      cell.isShared = false;
      table.guard?.forget(shared);
    }
    return cell;
  }
}
