/**
 * A snapshot of a heap backend under way.
 *
 * HS1  Its content is the state at the cut, whatever is done afterwards: what is about to change is saved first (ST2),
 *      and what is newer than the cut is skipped by its version.
 * HS2  Cutting costs the same however much state there is; each `advance` looks at a bounded number of entries.
 * HS3  It ends, however fast entries are added meanwhile: a Map iterates in order of insertion, so everything older than
 *      the cut comes within the size the Map has when the snapshot arrives at it.
 */
import { assert, MillraceError } from '../../../core/errors.js';
import type { KeyedStateHandle } from '../../contracts.js';
import type { ChunkWriter, StateSnapshot, TimeDomain } from '../contracts.js';
import { ChunkBuilder } from './chunk-builder.js';
import type { KeyEntry, ListCell, MapCell, MapCells } from './key-entry.js';
import { encodeHeader, packKey, rowKinds, type StateRow } from './snapshot-format.js';
import type { SnapshotSink, StateTable } from './state-table.js';
import type { TimerQueue } from './timer-queue.js';

export const timeDomains: readonly TimeDomain[] = ['event', 'processing'];

export interface HeapSnapshotOptions {
  readonly table: StateTable;
  readonly timers: Readonly<Record<TimeDomain, TimerQueue>>;
  readonly write: ChunkWriter;
}

const rowsPerBatchMax = 256;

export class HeapSnapshot implements StateSnapshot, SnapshotSink {
  private readonly table: StateTable;
  private readonly timers: Readonly<Record<TimeDomain, TimerQueue>>;
  private readonly cut: number;
  private readonly builder: ChunkBuilder;
  private readonly walk: Generator<void, void, void>;
  private readonly adopted: { readonly entry: KeyEntry; readonly state: number; readonly cells: MapCells }[] = [];
  /** Rows found in their turn, encoded together before `advance` returns. */
  private rows: StateRow[] = [];
  private status: 'running' | 'saved' | 'ended' = 'running';
  private rowCount = 0;

  constructor(options: HeapSnapshotOptions) {
    const { table } = options;
    this.table = table;
    this.timers = options.timers;
    table.guard?.endCallback();
    table.version += 1;
    this.cut = table.version;
    table.cut = this.cut;
    table.sink = this;
    this.builder = new ChunkBuilder({
      header: encodeHeader(table.states),
      write: options.write,
      placeOf: (row) => (row[0] === rowKinds.timer ? table.operatorName : table.placeOf(row[3])),
    });
    this.walk = this.visitAll();
  }

  advance(entriesMax: number): boolean {
    if (this.status !== 'running') return false;
    let isDone = false;
    for (let visited = 0; visited < entriesMax && !isDone; visited += 1) isDone = this.walk.next().done === true;
    this.encodeRows();
    if (isDone) {
      this.detach();
      this.status = 'saved';
    }
    return !isDone;
  }

  async finish(): Promise<readonly KeyedStateHandle[]> {
    assert(this.status !== 'running', 'A snapshot is finished after advance returned false.');
    if (this.status === 'ended') {
      throw new MillraceError('SNAPSHOT_DISCARDED', 'The snapshot was discarded or finished before.', { where: this.table.operatorName });
    }
    this.status = 'ended';
    const chunks = await this.builder.finish();
    return this.rowCount === 0 ? [] : [{ keyGroups: this.table.keyGroups, chunks }];
  }

  discard(): void {
    if (this.status === 'running') this.detach();
    this.status = 'ended';
    this.rows = [];
    this.adopted.length = 0;
    this.builder.discard();
  }

  saveSlots(entry: KeyEntry): void {
    this.collectSlots(entry);
    this.encodeRows();
  }

  saveCell(entry: KeyEntry, state: number, cell: MapCell): void {
    this.collectCell(entry, state, cell);
    this.encodeRows();
  }

  saveTimer(entry: KeyEntry, domain: TimeDomain, time: number): void {
    this.collectTimer(entry, domain, time);
    this.encodeRows();
  }

  adoptCells(entry: KeyEntry, state: number, cells: MapCells): void {
    this.adopted.push({ entry, state, cells });
  }

  /** One step an entry looked at. */
  private *visitAll(): Generator<void, void, void> {
    for (const group of this.table.groups) {
      let left = group.size;
      for (const entry of group.values()) {
        if (left-- === 0) break;
        if (entry.version < this.cut) this.collectSlots(entry);
        yield;
        yield* this.visitMaps(entry);
      }
    }
    for (const domain of timeDomains) yield* this.visitTimers(domain);
    // Grows while it is visited: clearing a map adds to it.
    for (const { entry, state, cells } of this.adopted) yield* this.visitCells(entry, state, cells);
  }

  private *visitMaps(entry: KeyEntry): Generator<void, void, void> {
    for (let state = 0; state < entry.slots.length; state += 1) {
      if (this.table.states[state]?.kind !== 'map') continue;
      const cells = entry.slots[state] as MapCells | undefined;
      if (cells !== undefined) yield* this.visitCells(entry, state, cells);
    }
  }

  private *visitCells(entry: KeyEntry, state: number, cells: MapCells): Generator<void, void, void> {
    let left = cells.size;
    for (const cell of cells.values()) {
      if (left-- === 0) break;
      if (cell.version < this.cut) this.collectCell(entry, state, cell);
      yield;
    }
  }

  private *visitTimers(domain: TimeDomain): Generator<void, void, void> {
    const { buckets } = this.timers[domain];
    let bucketsLeft = buckets.size;
    for (const bucket of buckets.values()) {
      if (bucketsLeft-- === 0) break;
      let left = bucket.entries.size;
      for (const [entry, version] of bucket.entries) {
        if (left-- === 0) break;
        if (version < this.cut) this.collectTimer(entry, domain, bucket.time);
        yield;
      }
    }
  }

  private collectSlots(entry: KeyEntry): void {
    entry.version = this.cut;
    for (let state = 0; state < entry.slots.length; state += 1) {
      const slot = entry.slots[state];
      if (slot === undefined) continue;
      const kind = this.table.states[state]?.kind;
      if (kind === 'value') this.collect(rowKinds.value, entry, state, slot, slot);
      else if (kind === 'list') this.collect(rowKinds.list, entry, state, (slot as ListCell).items, (slot as ListCell).items);
    }
  }

  private collectCell(entry: KeyEntry, state: number, cell: MapCell): void {
    cell.version = this.cut;
    this.table.guard?.verify(cell.value);
    this.rows.push([rowKinds.mapCell, entry.keyGroup, packKey(entry.key), state, packKey(cell.key), cell.value]);
    this.rowCount += 1;
  }

  private collectTimer(entry: KeyEntry, domain: TimeDomain, time: number): void {
    this.timers[domain].buckets.get(time)?.entries.set(entry, this.cut);
    this.rows.push([rowKinds.timer, entry.keyGroup, packKey(entry.key), timeDomains.indexOf(domain), time]);
    this.rowCount += 1;
  }

  private collect(kind: number, entry: KeyEntry, state: number, value: unknown, guarded: unknown): void {
    this.table.guard?.verify(guarded);
    this.rows.push([kind, entry.keyGroup, packKey(entry.key), state, value]);
    this.rowCount += 1;
  }

  private encodeRows(): void {
    const { rows } = this;
    this.rows = [];
    for (let start = 0; start < rows.length; start += rowsPerBatchMax) this.builder.add(rows.slice(start, start + rowsPerBatchMax));
  }

  private detach(): void {
    if (this.table.sink !== this) return;
    this.table.sink = undefined;
    this.table.cut = 0;
  }
}
