/**
 * States as columns over the entries of their keys, with the current key and the version of a snapshot under way.
 *
 * ST1  Per record: one look-up for the current key, by the hash that came with it, whatever the number of states; reads and
 *      writes of a state are then an access to its column. Versions are looked at while a snapshot is under way only.
 * ST2  Whoever is about to change or hand out something older than the cut calls `touch…` first, which serialises it into
 *      the snapshot right then; without a snapshot the cut is 0 and nothing is ever older.
 * ST3  A key has an entry exactly while it holds a value or a timer.
 */
import { MillraceError } from '../../../core/errors.js';
import type { KeyGroupRange } from '../../../core/ids.js';
import { canonicalKey, keyHashOf, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { StateDescriptor } from '../contracts.js';
import { EntryStore, type EntryOwner } from './entry-store.js';
import { pageLength, ValueColumn } from './paged-column.js';
import type { MapCell, MapCells } from './state-cells.js';
import type { StrictGuard } from './strict-guard.js';
import { copyValue, detachString } from './value-copier.js';

/** Takes what a snapshot must hold, before it changes. */
export interface SnapshotSink {
  /** Serialises value and list states of an entry, and marks it. */
  saveSlots(entry: number): void;
  saveCell(owner: EntryOwner, state: number, cell: MapCell): void;
  /** Takes over cells that left the table without having been read: they are serialised in their turn. */
  adoptCells(owner: EntryOwner, state: number, cells: MapCells): void;
}

export interface StateTableOptions {
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  /** For error messages. */
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
}

/** Stands for an entry where there is none. */
export const noEntry = -1;

export class StateTable {
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
  readonly entries: EntryStore;
  readonly states: StateDescriptor[] = [];
  /** By index of the state: a value, a {@link ListCell}, {@link MapCells}, or undefined for nothing. */
  readonly columns: ValueColumn[] = [];
  /** New entries get this version; each cut raises it. */
  version = 1;
  /** Version of the snapshot under way; 0 when none is. */
  cut = 0;
  sink: SnapshotSink | undefined;
  /** Values, lists and cells of maps held. */
  size = 0;

  /** Entry of the current key; {@link noEntry} while the key holds nothing. */
  current = noEntry;
  private hasKey = false;
  /** The current key is that of the current entry. To note it for every record would cost the garbage collector's bookkeeping. */
  private isKeyHeld = false;
  private key: Key = null;
  private keyHash = 0;

  constructor(options: StateTableOptions) {
    this.keyGroups = options.keyGroups;
    this.maxParallelism = options.maxParallelism;
    this.operatorName = options.operatorName;
    this.guard = options.guard;
    this.entries = new EntryStore(options.maxParallelism);
  }

  setCurrentKey(key: Key, keyHash: number): void {
    if (this.guard !== undefined) this.guard.endCallback();
    const { entries } = this;
    // A text, where no composite is held, is equal to what is held exactly when its canonical form is (K1).
    const entry = entries.find(keyHash, typeof key === 'string' && entries.isPlain ? key : canonicalKey(key));
    // An entry that is there passed this when it came.
    if (entry < 0) this.checkGroup(keyHash);
    // A composite stays the caller's: what is kept of it is nobody else's.
    this.isKeyHeld = entry >= 0 && typeof key !== 'object';
    if (!this.isKeyHeld) this.key = key;
    this.keyHash = keyHash;
    this.hasKey = true;
    this.current = entry;
  }

  /** Makes the key of an entry current. */
  selectEntry(entry: number): void {
    if (this.guard !== undefined) this.guard.endCallback();
    this.isKeyHeld = true;
    this.keyHash = this.entries.hashOf(entry);
    this.hasKey = true;
    this.current = entry;
  }

  currentKey(): Key {
    if (!this.hasKey) throw this.noKey();
    return this.isKeyHeld ? this.entries.keyOf(this.current) : this.key;
  }

  /** Entry of the current key, made if the key held nothing, saved if a snapshot still needs its slots (ST2). */
  entryForWrite(): number {
    if (this.current < 0) this.createCurrent();
    else if (this.cut !== 0) this.touchSlots(this.current);
    return this.current;
  }

  touchSlots(entry: number): void {
    if (this.cut !== 0 && this.entries.versions.get(entry) < this.cut) this.sink?.saveSlots(entry);
  }

  /** One slot or timer more. */
  retain(entry: number): void {
    const { liveCounts } = this.entries;
    liveCounts.set(entry, liveCounts.get(entry) + 1);
  }

  /** One slot or timer less; the entry leaves with its last one (ST3). */
  release(entry: number): void {
    const { liveCounts } = this.entries;
    const left = liveCounts.get(entry) - 1;
    liveCounts.set(entry, left);
    if (left > 0) return;
    if (this.current === entry) this.leaveCurrent();
    this.entries.remove(entry);
    this.shrinkIfEmpty();
  }

  /** A snapshot ended: nothing is older than a cut any more. */
  endCut(): void {
    this.sink = undefined;
    this.cut = 0;
    this.shrinkIfEmpty();
  }

  /** The entry of any key, made if it is not there: for restore. */
  entryOf(key: Key): number {
    const canonical = canonicalKey(key);
    const keyHash = keyHashOf(key);
    const entry = this.entries.find(keyHash, canonical);
    if (entry >= 0) return entry;
    this.checkGroup(keyHash);
    return this.create(key, canonical, keyHash);
  }

  /** Index of a state by name; the same name with another kind is refused. */
  registerState(name: string, kind: StateDescriptor['kind']): number {
    const index = this.states.findIndex((state) => state.name === name);
    if (index < 0) {
      const column = new ValueColumn();
      if (this.entries.end > 0) column.reach(this.entries.end - 1);
      this.columns.push(column);
      return this.states.push({ name, kind }) - 1;
    }
    const known = (this.states[index] as StateDescriptor).kind;
    if (known === kind) return index;
    throw new MillraceError(
      'STATE_KIND_CLASH',
      `State ${JSON.stringify(name)} is a ${known} state and cannot be used as a ${kind} state.`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: this.operatorName,
        hint: 'Give the new state another name, or restore from nothing.',
      },
    );
  }

  /** `operator, state "name"`, for errors. */
  placeOf(state: number): string {
    return `${this.operatorName}, state ${JSON.stringify(this.states[state]?.name)}`;
  }

  assertKey(): void {
    if (!this.hasKey) throw this.noKey();
  }

  clear(): void {
    this.shrink();
    this.current = noEntry;
    this.isKeyHeld = false;
    this.hasKey = false;
    this.size = 0;
  }

  /** A snapshot under way still goes by the numbers of entries (HS3). */
  private shrinkIfEmpty(): void {
    if (this.entries.count === 0 && this.entries.end > pageLength && this.cut === 0) this.shrink();
  }

  /** Frees the memory of a table that holds nothing (ES4). */
  private shrink(): void {
    this.entries.clear();
    for (const column of this.columns) column.clear();
  }

  /** The key stays current when it holds nothing any more. */
  private leaveCurrent(): void {
    if (this.isKeyHeld) this.key = this.entries.keyOf(this.current);
    this.isKeyHeld = false;
    this.current = noEntry;
  }

  private createCurrent(): void {
    if (!this.hasKey) throw this.noKey();
    this.current = this.create(this.key, canonicalKey(this.key), this.keyHash);
  }

  /** Kept keys are detached and copied: they often are pieces of a record. */
  private create(key: Key, canonical: CanonicalKey, keyHash: number): number {
    const ownKey = copyValue(key, this.operatorName);
    const ownCanonical = key === canonical ? (ownKey as CanonicalKey) : typeof canonical === 'string' ? detachString(canonical) : canonical;
    const entry = this.entries.add(ownKey, ownCanonical, keyHash);
    for (const column of this.columns) column.reach(entry);
    // Without a snapshot under way, whatever version an entry of this number had is older than the next cut.
    if (this.cut !== 0) this.entries.versions.set(entry, this.version);
    return entry;
  }

  private checkGroup(keyHash: number): void {
    const { start, end } = this.keyGroups;
    const keyGroup = keyHash % this.maxParallelism;
    if (keyGroup >= start && keyGroup <= end) return;
    throw new MillraceError('KEY_GROUP_FOREIGN', `Key group ${keyGroup} is not in ${start} to ${end}.`, {
      domain: 'internal',
      recovery: 'restart-job',
      where: this.operatorName,
      hint: 'A record reached a subtask that does not own its key; a key selector that is not pure does that.',
    });
  }

  private noKey(): MillraceError {
    return new MillraceError('STATE_WITHOUT_KEY', 'Keyed state was used while no key is set.', {
      domain: 'user',
      recovery: 'fail-job',
      where: this.operatorName,
      hint: 'Use state only in the callbacks for a record or a timer.',
    });
  }
}
