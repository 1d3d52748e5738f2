/**
 * Map state on the heap.
 *
 * MS1  A snapshot under way costs a map operation at most the serialisation of the one cell it touches; `clear` costs
 *      nothing: the snapshot takes the cells over.
 * MS2  Iterating sees the map as it is at each step, as with a native Map; each value is saved before it is handed out.
 */
import { canonicalKey, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { MapState } from '../contracts.js';
import type { KeyEntry, MapCell, MapCells } from './key-entry.js';
import type { StateTable } from './state-table.js';
import { copyValue } from './value-copier.js';

const noCells: MapCells = new Map();

export class HeapMapState<K extends Key, V> implements MapState<K, V> {
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

  get(key: K): V | undefined {
    const cell = this.cells().get(canonicalKey(key));
    return cell === undefined ? undefined : this.read(this.table.current as KeyEntry, cell);
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
    const entry = table.current as KeyEntry;
    if (known.version < table.cut) table.touchCell(entry, this.index, known);
    if (table.guard !== undefined) {
      table.guard.forget(known.value);
      table.guard.put(owned, this.place, entry.key);
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
    const cell = cells.get(canonical);
    if (cell === undefined) return;
    const entry = table.current as KeyEntry;
    table.touchCell(entry, this.index, cell);
    table.guard?.forget(cell.value);
    cells.delete(canonical);
    table.size -= 1;
    if (cells.size === 0) this.drop(entry);
  }

  entries(): Iterable<readonly [K, V]> {
    return this.iterate(this.cells(), this.table.current, (entry, cell) => [cell.key as K, this.read(entry, cell)]);
  }

  keys(): Iterable<K> {
    return this.iterate(this.cells(), this.table.current, (_, cell) => cell.key as K);
  }

  values(): Iterable<V> {
    return this.iterate(this.cells(), this.table.current, (entry, cell) => this.read(entry, cell));
  }

  isEmpty(): boolean {
    return this.cells().size === 0;
  }

  clear(): void {
    const { table } = this;
    const cells = this.cells();
    if (cells.size === 0) return;
    const entry = table.current as KeyEntry;
    if (table.guard !== undefined) for (const cell of cells.values()) table.guard.forget(cell.value);
    table.size -= cells.size;
    table.sink?.adoptCells(entry, this.index, cells);
    this.drop(entry);
  }

  private cells(): MapCells {
    const entry = this.table.current;
    if (entry === undefined) {
      this.table.assertKey();
      return noCells;
    }
    return (entry.slots[this.index] as MapCells | undefined) ?? noCells;
  }

  private insert(key: K, canonical: CanonicalKey, owned: V): void {
    const { table } = this;
    const entry = table.entryForWrite();
    let cells = entry.slots[this.index] as MapCells | undefined;
    if (cells === undefined) {
      cells = new Map();
      entry.slots[this.index] = cells;
      entry.liveCount += 1;
    }
    const ownKey: Key = copyValue(key, this.place);
    cells.set(canonical, { key: ownKey, value: owned, version: table.version });
    table.size += 1;
    table.guard?.put(owned, this.place, entry.key);
  }

  private drop(entry: KeyEntry): void {
    entry.slots[this.index] = undefined;
    this.table.release(entry);
  }

  private read(entry: KeyEntry, cell: MapCell): V {
    const { table } = this;
    const { value } = cell;
    if (typeof value === 'object' && value !== null) {
      if (cell.version < table.cut) table.touchCell(entry, this.index, cell);
      if (table.guard !== undefined) {
        table.guard.verify(value);
        table.guard.handOut(value);
      }
    }
    return value as V;
  }

  /** `cells` and `entry` are those of the key that was current when the iteration was asked for, not when it runs. */
  private *iterate<R>(cells: MapCells, entry: KeyEntry | undefined, make: (entry: KeyEntry, cell: MapCell) => R): Iterable<R> {
    if (entry === undefined) return;
    for (const cell of cells.values()) yield make(entry, cell);
  }
}
