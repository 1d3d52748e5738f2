/**
 * Map state on the heap.
 *
 * MS1  A snapshot under way costs a map operation at most the serialisation of the one cell it touches; `clear` costs
 *      nothing: the snapshot takes the cells over.
 * MS2  Iterating sees the map as it is at each step, as with a native Map; each value is saved before it is handed out.
 */
import { canonicalKey, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { MapState } from '../contracts.js';
import type { EntryOwner } from './entry-store.js';
import type { ValueColumn } from './paged-column.js';
import type { MapCell, MapCells } from './state-cells.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

const noCells: MapCells = new Map();

export class HeapMapState<K extends Key, V> implements MapState<K, V> {
  private readonly table: StateTable;
  private readonly index: number;
  private readonly column: ValueColumn;
  private readonly place: string;
  private readonly isObjectReuse: boolean;

  constructor(table: StateTable, index: number, isObjectReuse: boolean) {
    this.table = table;
    this.index = index;
    this.column = table.columns[index] as ValueColumn;
    this.place = table.placeOf(index);
    this.isObjectReuse = isObjectReuse;
  }

  get(key: K): V | undefined {
    const cell = this.cells().get(canonicalKey(key));
    return cell === undefined ? undefined : this.read(cell, undefined);
  }

  /** A value of `undefined` removes. */
  put(key: K, value: V): void {
    if (value === undefined) {
      this.remove(key);
      return;
    }
    const { table } = this;
    const owned = this.isObjectReuse ? value : copyValue(value, this.place);
    const canonical = canonicalKey(key);
    const known = this.cells().get(canonical);
    if (known === undefined) {
      this.insert(key, canonical, owned);
      return;
    }
    this.touch(known, undefined);
    if (table.guard !== undefined) {
      table.guard.forget(known.value);
      table.guard.put(owned, this.place, table.currentKey());
    }
    known.value = owned;
  }

  has(key: K): boolean {
    return this.cells().has(canonicalKey(key));
  }

  remove(key: K): void {
    const { table } = this;
    const cells = this.cells();
    const canonical = canonicalKey(key);
    if (cells.has(canonical)) table.dropCell(table.current, this.index, cells, canonical);
  }

  entries(): Iterable<readonly [K, V]> {
    return this.iterate((cell, owner) => [cell.key as K, this.read(cell, owner)]);
  }

  keys(): Iterable<K> {
    return this.iterate((cell) => cell.key as K);
  }

  values(): Iterable<V> {
    return this.iterate((cell, owner) => this.read(cell, owner));
  }

  isEmpty(): boolean {
    return this.cells().size === 0;
  }

  clear(): void {
    const { table } = this;
    const cells = this.cells();
    if (cells.size === 0) return;
    if (table.guard !== undefined) for (const cell of cells.values()) table.guard.forget(cell.value);
    table.size -= cells.size;
    table.sink?.adoptCells(table.entries.ownerOf(table.current), this.index, cells);
    this.drop();
  }

  private cells(): MapCells {
    const entry = this.table.current;
    if (entry < 0) {
      this.table.assertKey();
      return noCells;
    }
    return (this.column.get(entry) as MapCells | undefined) ?? noCells;
  }

  private insert(key: K, canonical: CanonicalKey, owned: V): void {
    const { table } = this;
    const entry = table.entryForWrite();
    let cells = this.column.get(entry) as MapCells | undefined;
    if (cells === undefined) {
      cells = new Map();
      this.column.set(entry, cells);
      table.retain(entry);
    }
    const ownKey: Key = copyValue(key, this.place);
    cells.set(canonical, { key: ownKey, value: owned, version: table.version });
    table.size += 1;
    table.guard?.put(owned, this.place, key);
  }

  /** The map of the current key, which has become empty. */
  private drop(): void {
    const entry = this.table.current;
    this.column.set(entry, undefined);
    this.table.release(entry);
  }

  /** Saves a cell that a snapshot still needs (ST2); without an `owner` it is of the current key. */
  private touch(cell: MapCell, owner: EntryOwner | undefined): void {
    const { table } = this;
    if (cell.version < table.cut) table.sink?.saveCell(owner ?? table.entries.ownerOf(table.current), this.index, cell);
  }

  private read(cell: MapCell, owner: EntryOwner | undefined): V {
    const { table } = this;
    const { value } = cell;
    if (typeof value === 'object' && value !== null) {
      this.touch(cell, owner);
      if (table.guard !== undefined) {
        table.guard.verify(value);
        table.guard.handOut(value);
      }
    }
    return value as V;
  }

  /** Over the cells of the key that is current now, not when the iteration runs. */
  private iterate<R>(make: (cell: MapCell, owner: EntryOwner) => R): Iterable<R> {
    const cells = this.cells();
    return cells.size === 0 ? [] : visit(cells, this.table.entries.ownerOf(this.table.current), make);
  }
}

function* visit<R>(cells: MapCells, owner: EntryOwner, make: (cell: MapCell, owner: EntryOwner) => R): Iterable<R> {
  for (const cell of cells.values()) yield make(cell, owner);
}
