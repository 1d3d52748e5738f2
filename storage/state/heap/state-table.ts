/**
 * States as columns over the entries of their keys, with the current key and the version of a snapshot under way.
 *
 * ST1  Per record: one look-up for the current key, by the hash that came with it, whatever the number of states; reads and
 *      writes of a state are then an access to its column. Versions are looked at while a snapshot is under way only.
 * ST2  Whoever is about to change or hand out something older than the cut calls `touch…` first, which serialises it into
 *      the snapshot right then; without a snapshot the cut is 0 and nothing is ever older.
 * ST3  A key has an entry exactly while it holds a value or a timer.
 * ST4  A table with namespaces has an entry for each key and namespace; then a namespace has to be current too. It is
 *      left when another key becomes current.
 */
import { MillraceError } from '../../../core/errors.js';
import { isFlatTuple } from '../../../core/flat-tuples.js';
import type { KeyGroupRange } from '../../../core/ids.js';
import { canonicalKey, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { StateDescriptor, TimeDomain } from '../contracts.js';
import { EntryStore, type EntryOwner } from './entry-store.js';
import { pageLength, ValueColumn } from './paged-column.js';
import type { ListCell, MapCell, MapCells } from './state-cells.js';
import type { StrictGuard } from './strict-guard.js';
import type { TimeToLive } from './time-to-live.js';
import { copyValue, detachString } from './value-copier.js';

/** Takes what a snapshot must hold, before it changes. */
export interface SnapshotSink {
  /** Serialises value and list states of an entry, and marks it. */
  saveSlots(entry: number): void;
  saveCell(owner: EntryOwner, state: number, cell: MapCell): void;
  /** A timer is about to be deleted. */
  saveTimer(entry: number, domain: TimeDomain, time: number): void;
  /** Takes over cells that left the table without having been read: they are serialised in their turn. */
  adoptCells(owner: EntryOwner, state: number, cells: MapCells): void;
}

export interface StateTableOptions {
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  /** For error messages. */
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
  /** Entries belong to a key and a namespace (ST4). */
  readonly hasNamespaces: boolean;
}

/** Stands for an entry where there is none. */
const noEntry = -1;

export class StateTable {
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
  readonly hasNamespaces: boolean;
  readonly entries: EntryStore;
  readonly states: StateDescriptor[] = [];
  /** By index of the state: whether the program asked for it; else it is known from a checkpoint only. */
  readonly isAskedFor: boolean[] = [];
  /** By index of the state, where it has one. */
  readonly ttls: (TimeToLive | undefined)[] = [];
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
  private namespace = 0;

  constructor(options: StateTableOptions) {
    this.keyGroups = options.keyGroups;
    this.maxParallelism = options.maxParallelism;
    this.operatorName = options.operatorName;
    this.guard = options.guard;
    this.hasNamespaces = options.hasNamespaces;
    this.entries = new EntryStore(options.maxParallelism, options.hasNamespaces);
  }

  /** Not for a table with namespaces. */
  setCurrentKey(key: Key, keyHash: number): void {
    if (this.guard !== undefined) this.guard.endCallback();
    this.use(this.entries.count === 0 ? noEntry : this.findKey(key, keyHash), key, keyHash);
  }

  /** Makes a namespace of a key current, in the same callback as long as the key is the same. */
  setCurrentNamespace(key: Key, keyHash: number, namespace: number): void {
    this.namespace = namespace;
    this.use(this.findIn(key, keyHash, namespace), key, keyHash);
  }

  /** No namespace is current any more (ST4). */
  leaveNamespace(): void {
    this.hasKey = false;
    this.current = noEntry;
  }

  /** No key is current any more. */
  leaveKey(): void {
    if (this.guard !== undefined) this.guard.endCallback();
    this.leaveNamespace();
  }

  /** Keys for which a state holds something. */
  keysOf(state: number): readonly Key[] {
    const { entries } = this;
    const column = this.columns[state] as ValueColumn;
    const keys: Key[] = [];
    for (let entry = 0; entry < entries.end; entry += 1) {
      if (entries.isHeld(entry) && column.get(entry) !== undefined) keys.push(entries.keyOf(entry));
    }
    return keys;
  }

  /** Whether `namespace` is the current one of the current key. */
  isCurrentNamespace(namespace: number): boolean {
    return this.hasKey && this.namespace === namespace;
  }

  /** Makes the key of an entry current. */
  selectEntry(entry: number): void {
    if (this.guard !== undefined) this.guard.endCallback();
    this.isKeyHeld = true;
    this.keyHash = this.entries.hashOf(entry);
    this.namespace = this.entries.namespaceOf(entry);
    this.hasKey = true;
    this.current = entry;
  }

  currentKey(): Key {
    if (!this.hasKey) throw this.noKey();
    return this.isKeyHeld ? this.entries.keyOf(this.current) : this.key;
  }

  get currentKeyHash(): number {
    return this.keyHash;
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

  /** Empties the slot of a value, or of a list; `held` is what strict mode knows it by. */
  dropSlot(entry: number, state: number, held: unknown): void {
    this.touchSlots(entry);
    this.guard?.forget(held);
    (this.columns[state] as ValueColumn).set(entry, undefined);
    this.size -= 1;
    this.release(entry);
  }

  /** Other elements for a list, nobody else's. */
  replaceItems(entry: number, state: number, cell: ListCell, items: unknown[]): void {
    this.touchSlots(entry);
    this.guard?.forget(cell.items);
    cell.items = items;
    cell.isShared = false;
    this.guard?.put(items, this.placeOf(state), this.entries.keyOf(entry));
  }

  /** Another value for an entry of a map, nobody else's. */
  replaceCell(entry: number, state: number, cell: MapCell, value: unknown): void {
    if (cell.version < this.cut) this.sink?.saveCell(this.entries.ownerOf(entry), state, cell);
    this.guard?.forget(cell.value);
    cell.value = value;
    this.guard?.put(value, this.placeOf(state), this.entries.keyOf(entry));
  }

  /** Removes an entry of a map, and the map with its last one. */
  dropCell(entry: number, state: number, cells: MapCells, key: CanonicalKey): void {
    const cell = cells.get(key) as MapCell;
    if (cell.version < this.cut) this.sink?.saveCell(this.entries.ownerOf(entry), state, cell);
    this.guard?.forget(cell.value);
    cells.delete(key);
    this.size -= 1;
    if (cells.size > 0) return;
    (this.columns[state] as ValueColumn).set(entry, undefined);
    this.release(entry);
  }

  /** A snapshot ended: nothing is older than a cut any more. */
  endCut(): void {
    this.sink = undefined;
    this.cut = 0;
    this.shrinkIfEmpty();
  }

  /** The entry of any key (in a namespace), current or not; {@link noEntry} when it holds nothing. */
  find(key: Key, keyHash: number, namespace: number): number {
    return this.hasNamespaces ? this.findIn(key, keyHash, namespace) : this.entries.find(keyHash, canonicalKey(key));
  }

  /** The same, made if it is not there. */
  entryOf(key: Key, keyHash: number, namespace: number): number {
    const entry = this.find(key, keyHash, namespace);
    if (entry >= 0) return entry;
    this.checkGroup(keyHash);
    return this.create(key, canonicalKey(key), keyHash, namespace);
  }

  /** Index of a state by name; -1 when it is not there. */
  indexOf(name: string): number {
    return this.states.findIndex((state) => state.name === name);
  }

  /** Adds a state with a name that is not there yet; returns its index. */
  addState(state: StateDescriptor, isAskedFor: boolean): number {
    this.isAskedFor.push(isAskedFor);
    this.ttls.push(undefined);
    const column = new ValueColumn();
    if (this.entries.end > 0) column.reach(this.entries.end - 1);
    this.columns.push(column);
    return this.states.push(state) - 1;
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
    this.current = this.create(this.key, canonicalKey(this.key), this.keyHash, this.namespace);
  }

  /** Not for a table with namespaces. */
  private findKey(key: Key, keyHash: number): number {
    const { entries } = this;
    // A text, where no composite is held, is equal to what is held exactly when its canonical form is (K1).
    if (typeof key === 'string' && entries.isPlain) return entries.find(keyHash, key);
    if (typeof key === 'object' && key !== null && isFlatTuple(key)) return entries.findTuple(keyHash, key);
    return entries.find(keyHash, canonicalKey(key));
  }

  private findIn(key: Key, keyHash: number, namespace: number): number {
    const { entries } = this;
    return entries.findIn(keyHash, typeof key === 'string' && entries.isPlain ? key : canonicalKey(key), namespace);
  }

  private use(entry: number, key: Key, keyHash: number): void {
    // An entry that is there passed this when it came.
    if (entry < 0) this.checkGroup(keyHash);
    // A composite stays the caller's: what is kept of it is nobody else's.
    this.isKeyHeld = entry >= 0 && typeof key !== 'object';
    if (!this.isKeyHeld) this.key = key;
    this.keyHash = keyHash;
    this.hasKey = true;
    this.current = entry;
  }

  /** Kept keys are detached and copied: they often are pieces of a record. */
  private create(key: Key, canonical: CanonicalKey, keyHash: number, namespace: number): number {
    // Never found again: it is not equal to itself.
    if (namespace !== namespace) throw this.namespaceInvalid();
    const ownKey = copyValue(key, this.operatorName);
    const ownCanonical = key === canonical ? (ownKey as CanonicalKey) : typeof canonical === 'string' ? detachString(canonical) : canonical;
    const entry = this.entries.add(ownKey, ownCanonical, keyHash, namespace);
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

  private namespaceInvalid(): MillraceError {
    return new MillraceError('NAMESPACE_INVALID', 'NaN is not a namespace.', {
      domain: 'internal',
      recovery: 'fail-job',
      where: this.operatorName,
      hint: 'A namespace is a number that is equal to itself: the start of a window, for example.',
    });
  }

  private noKey(): MillraceError {
    const isNamespaceMissing = this.hasNamespaces;
    return new MillraceError(
      isNamespaceMissing ? 'STATE_WITHOUT_NAMESPACE' : 'STATE_WITHOUT_KEY',
      isNamespaceMissing ? 'State of a namespace was used while no namespace is set.' : 'Keyed state was used while no key is set.',
      {
        domain: isNamespaceMissing ? 'internal' : 'user',
        recovery: 'fail-job',
        where: this.operatorName,
        hint: isNamespaceMissing
          ? 'Call setCurrentNamespace after setCurrentKey.'
          : 'Use state and timers only in the callbacks for a record or a timer, before they return: not from a promise or setTimeout, and not in open, endInput, snapshotState or close.',
      },
    );
  }
}
