/**
 * A snapshot of one scope of a heap backend under way.
 *
 * HS1  Its content is the state at the cut, whatever is done afterwards: what is about to change is saved first (ST2),
 *      and what is newer than the cut is skipped by its version.
 * HS2  Cutting costs the same however much state there is; each `advance` looks at a bounded number of entries.
 * HS3  It ends, however fast entries are added meanwhile: entries and timers older than the cut have numbers below the
 *      highest one given until then; and a Map iterates in order of insertion, so every cell older than the cut comes within
 *      the size the Map has when the snapshot arrives at it.
 * HS4  Entries come key group by key group. They are chained by group first, in slices like everything else, in four bytes
 *      an entry that last as long as the snapshot.
 * HS5  Values that have expired by the time they are looked at are left out.
 */
import { assert, MillraceError } from '../../../core/errors.js';
import type { KeyedStateHandle } from '../../contracts.js';
import type { ChunkWriter, StateSnapshot, TimeDomain } from '../contracts.js';
import { ChunkBuilder } from './chunk-builder.js';
import type { EntryOwner } from './entry-store.js';
import type { ValueColumn } from './paged-column.js';
import { encodeHeader, packKey, rowKinds, type StateRow } from './snapshot-format.js';
import type { ListCell, MapCell, MapCells } from './state-cells.js';
import type { Stamped } from './time-to-live.js';
import type { StateScope } from './state-scope.js';
import type { SnapshotSink, StateTable } from './state-table.js';

export const timeDomains: readonly TimeDomain[] = ['event', 'processing'];

export interface HeapSnapshotOptions {
  readonly scope: StateScope;
  readonly write: ChunkWriter;
}

const rowsPerBatchMax = 256;
/** Entries chained, or numbers of no timer passed, in a step; serialising one costs about as much. */
const linksPerStep = 32;

export class HeapSnapshot implements StateSnapshot, SnapshotSink {
  private readonly table: StateTable;
  private readonly scope: StateScope;
  private readonly cut: number;
  /** Entries older than the cut have lower numbers. */
  private readonly end: number;
  private readonly builder: ChunkBuilder;
  private readonly walk: Generator<void, void, void>;
  private readonly adopted: { readonly owner: EntryOwner; readonly state: number; readonly cells: MapCells }[] = [];
  /** Rows found in their turn, encoded together before `advance` returns. */
  private rows: StateRow[] = [];
  private status: 'running' | 'saved' | 'ended' = 'running';
  private rowCount = 0;

  constructor(options: HeapSnapshotOptions) {
    const { table } = options.scope;
    this.table = table;
    this.scope = options.scope;
    table.guard?.endCallback();
    table.version += 1;
    this.cut = table.version;
    this.end = table.entries.end;
    table.cut = this.cut;
    table.sink = this;
    this.builder = new ChunkBuilder({
      header: encodeHeader(table.states),
      write: options.write,
      placeOf: (row) => (row[0] === rowKinds.timer ? table.operatorName : table.placeOf(row[4])),
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

  saveSlots(entry: number): void {
    this.collectSlots(entry);
    this.encodeRows();
  }

  saveCell(owner: EntryOwner, state: number, cell: MapCell): void {
    this.collectCell(owner, state, cell);
    this.encodeRows();
  }

  saveTimer(entry: number, domain: TimeDomain, time: number): void {
    this.collectTimer(entry, domain, time);
    this.encodeRows();
  }

  adoptCells(owner: EntryOwner, state: number, cells: MapCells): void {
    this.adopted.push({ owner, state, cells });
  }

  /** One step an entry looked at. */
  private *visitAll(): Generator<void, void, void> {
    const { start, end } = this.table.keyGroups;
    const first = new Int32Array(end - start + 1);
    const next = new Int32Array(this.end);
    yield* this.chainByGroup(first, next);
    for (const head of first) {
      for (let link = head; link > 0; link = next[link - 1] as number) yield* this.visitEntry(link - 1);
    }
    for (const domain of timeDomains) yield* this.visitTimers(domain);
    // Grows while it is visited: clearing a map adds to it.
    for (const { owner, state, cells } of this.adopted) yield* this.visitCells(owner, state, cells);
  }

  /** Links are numbers of entries plus one (HS4). An entry that leaves later, and what then takes its number, is skipped. */
  private *chainByGroup(first: Int32Array, next: Int32Array): Generator<void, void, void> {
    const { entries, keyGroups } = this.table;
    for (let entry = this.end - 1; entry >= 0; entry -= 1) {
      if (entries.isHeld(entry)) {
        const group = entries.keyGroupOf(entry) - keyGroups.start;
        next[entry] = first[group] as number;
        first[group] = entry + 1;
      }
      if (entry % linksPerStep === 0) yield;
    }
  }

  private *visitEntry(entry: number): Generator<void, void, void> {
    const { entries, states, columns } = this.table;
    if (entries.isHeld(entry)) {
      if (entries.versions.get(entry) < this.cut) this.collectSlots(entry);
      let owner: EntryOwner | undefined;
      for (let state = 0; state < states.length; state += 1) {
        if (states[state]?.kind !== 'map') continue;
        const cells = (columns[state] as ValueColumn).get(entry) as MapCells | undefined;
        // Between two steps the entry may leave, and its number be given to another: then that one's cells are all new.
        if (cells !== undefined) yield* this.visitCells((owner ??= entries.ownerOf(entry)), state, cells);
      }
    }
    yield;
  }

  private *visitCells(owner: EntryOwner, state: number, cells: MapCells): Generator<void, void, void> {
    let left = cells.size;
    for (const cell of cells.values()) {
      if (left-- === 0) break;
      if (cell.version < this.cut) this.collectCell(owner, state, cell);
      yield;
    }
  }

  private *visitTimers(domain: TimeDomain): Generator<void, void, void> {
    const timers = this.scope.timersOf(domain);
    const { end } = timers;
    // There may be fewer meanwhile.
    for (let timer = 0; timer < end && timer < timers.end; timer += 1) {
      const entry = timers.entryAt(timer);
      if (entry >= 0) {
        if (timers.versionAt(timer) < this.cut) this.collectTimer(entry, domain, timers.timeAt(timer));
        yield;
      } else if (timer % linksPerStep === 0) yield;
    }
  }

  private collectSlots(entry: number): void {
    const { entries, states, columns } = this.table;
    entries.versions.set(entry, this.cut);
    for (let state = 0; state < states.length; state += 1) {
      const slot = (columns[state] as ValueColumn).get(entry);
      if (slot === undefined) continue;
      const kind = states[state]?.kind;
      if (kind === 'map') continue;
      if (kind === 'list') this.collectList(entry, state, (slot as ListCell).items);
      else if (this.isWanted(state, slot)) this.collect(rowKinds.value, entry, state, slot);
    }
  }

  private collectList(entry: number, state: number, items: unknown[]): void {
    const wanted = this.table.ttls[state] === undefined ? items : items.filter((item) => this.isWanted(state, item));
    if (wanted.length === 0) return;
    this.table.guard?.verify(items);
    this.collect(rowKinds.list, entry, state, wanted);
  }

  /** What has expired is left out (HS5). */
  private isWanted(state: number, held: unknown): boolean {
    const ttl = this.table.ttls[state];
    return ttl === undefined || !ttl.isExpired(held as Stamped<unknown>, ttl.now());
  }

  private collectCell(owner: EntryOwner, state: number, cell: MapCell): void {
    cell.version = this.cut;
    this.table.guard?.verify(cell.value);
    if (!this.isWanted(state, cell.value)) return;
    this.rows.push([rowKinds.mapCell, owner.keyGroup, packKey(owner.key), owner.namespace, state, packKey(cell.key), cell.value]);
    this.rowCount += 1;
  }

  private collectTimer(entry: number, domain: TimeDomain, time: number): void {
    const { key, keyGroup, namespace } = this.table.entries.ownerOf(entry);
    this.scope.timersOf(domain).setVersion(entry, time, this.cut);
    this.rows.push([rowKinds.timer, keyGroup, packKey(key), namespace, timeDomains.indexOf(domain), time]);
    this.rowCount += 1;
  }

  private collect(kind: number, entry: number, state: number, value: unknown): void {
    const { key, keyGroup, namespace } = this.table.entries.ownerOf(entry);
    this.table.guard?.verify(value);
    this.rows.push([kind, keyGroup, packKey(key), namespace, state, value]);
    this.rowCount += 1;
  }

  private encodeRows(): void {
    const { rows } = this;
    this.rows = [];
    for (let start = 0; start < rows.length; start += rowsPerBatchMax) this.builder.add(rows.slice(start, start + rowsPerBatchMax));
  }

  private detach(): void {
    if (this.table.sink === this) this.table.endCut();
  }
}
