/**
 * List state on the heap.
 *
 * LS1  An array that `get` returned never changes: adding after a `get` copies the array first (not its elements).
 */
import type { ListState } from '../contracts.js';
import type { KeyEntry, ListCell } from './key-entry.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

const nothing: readonly never[] = Object.freeze([]);

export class HeapListState<T> implements ListState<T> {
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

  get(): readonly T[] {
    const { table } = this;
    const entry = table.current;
    if (entry === undefined) {
      table.assertKey();
      return nothing;
    }
    const cell = entry.slots[this.index] as ListCell | undefined;
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
    this.table.guard?.put(cell.items, this.place, entry.key);
  }

  addAll(values: Iterable<T>): void {
    const owned = Array.from(values, (value) => this.own(value));
    if (owned.length === 0) return;
    const entry = this.table.entryForWrite();
    const cell = this.cellFor(entry);
    for (const value of owned) cell.items.push(value);
    this.table.guard?.put(cell.items, this.place, entry.key);
  }

  /** An empty list clears. */
  update(values: Iterable<T>): void {
    const items = Array.from(values, (value) => this.own(value));
    if (items.length === 0) {
      this.clear();
      return;
    }
    const entry = this.table.entryForWrite();
    const previous = entry.slots[this.index] as ListCell | undefined;
    if (previous === undefined) {
      entry.liveCount += 1;
      this.table.size += 1;
    }
    entry.slots[this.index] = { items, isShared: false } satisfies ListCell;
    if (this.table.guard !== undefined) {
      this.table.guard.forget(previous?.items);
      this.table.guard.put(items, this.place, entry.key);
    }
  }

  clear(): void {
    const { table } = this;
    const entry = table.current;
    if (entry === undefined) {
      table.assertKey();
      return;
    }
    const cell = entry.slots[this.index] as ListCell | undefined;
    if (cell === undefined) return;
    table.touchSlots(entry);
    table.guard?.forget(cell.items);
    entry.slots[this.index] = undefined;
    table.size -= 1;
    table.release(entry);
  }

  private own(value: T): T {
    return this.isObjectReuse ? value : copyValue(value, this.place);
  }

  /** The cell to append to; its array is nobody else's (LS1). */
  private cellFor(entry: KeyEntry): ListCell {
    const { table } = this;
    const cell = entry.slots[this.index] as ListCell | undefined;
    if (cell === undefined) {
      const created: ListCell = { items: [], isShared: false };
      entry.slots[this.index] = created;
      entry.liveCount += 1;
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
