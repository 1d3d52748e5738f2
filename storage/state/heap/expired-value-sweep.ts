/**
 * Removes expired values of one state, of whatever key, a few keys at a time.
 *
 * EV1  A step looks at `limits.ttlEntriesPerAccess` keys, one after the other round the table; a key's whole list or map
 *      counts as one (Flink's incremental cleanup).
 * EV2  What it removes is not in the snapshot under way: it has expired there, too.
 */
import { limits } from '../../../core/limits.js';
import type { ValueColumn } from './paged-column.js';
import type { ListCell, MapCells } from './state-cells.js';
import type { StateTable } from './state-table.js';
import type { Stamped, TimeToLive } from './time-to-live.js';

export class ExpiredValueSweep {
  readonly #table: StateTable;
  readonly #state: number;
  readonly #ttl: TimeToLive;
  #next = 0;

  constructor(table: StateTable, state: number, ttl: TimeToLive) {
    this.#table = table;
    this.#state = state;
    this.#ttl = ttl;
  }

  step(now: number): void {
    const { entries, states, columns } = this.#table;
    const kind = states[this.#state]?.kind;
    const column = columns[this.#state] as ValueColumn;
    for (let looked = 0; looked < limits.ttlEntriesPerAccess; looked += 1) {
      // The table shrinks to nothing when the last value leaves.
      if (this.#next >= entries.end) this.#next = 0;
      if (entries.end === 0) return;
      const entry = this.#next++;
      // What the access is about is its own business.
      if (entry === this.#table.current || !entries.isHeld(entry)) continue;
      const slot = column.get(entry);
      if (slot === undefined) continue;
      if (kind === 'list') this.#sweepList(entry, slot as ListCell, now);
      else if (kind === 'map') this.#sweepMap(entry, slot as MapCells, now);
      else if (this.#ttl.isExpired(slot as Stamped<unknown>, now)) this.#table.dropSlot(entry, this.#state, slot);
    }
  }

  #sweepList(entry: number, cell: ListCell, now: number): void {
    const live = (cell.items as Stamped<unknown>[]).filter((stamped) => !this.#ttl.isExpired(stamped, now));
    if (live.length === cell.items.length) return;
    if (live.length === 0) this.#table.dropSlot(entry, this.#state, cell.items);
    else this.#table.replaceItems(entry, this.#state, cell, live);
  }

  #sweepMap(entry: number, cells: MapCells, now: number): void {
    for (const [key, cell] of cells) {
      if (this.#ttl.isExpired(cell.value as Stamped<unknown>, now)) this.#table.dropCell(entry, this.#state, cells, key);
    }
  }
}
