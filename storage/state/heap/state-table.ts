/**
 * Keys and their entries, group by group, with the current key and the version of a snapshot under way.
 *
 * ST1  Per record: one map look-up for the current key, whatever the number of states; reads and writes of a state are then
 *      an array access and one comparison of versions.
 * ST2  Whoever is about to change or hand out something older than the cut calls `touch…` first, which serialises it into
 *      the snapshot right then; without a snapshot the cut is 0 and nothing is ever older.
 * ST3  An entry is in its group's map exactly while it holds a value or a timer.
 */
import { MillraceError } from '../../../core/errors.js';
import type { KeyGroupRange } from '../../../core/ids.js';
import { canonicalKey, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { StateDescriptor } from '../contracts.js';
import { KeyEntry, type MapCell, type MapCells } from './key-entry.js';
import type { StrictGuard } from './strict-guard.js';
import { copyValue, detachString } from './value-copier.js';

/** Takes what a snapshot must hold, before it changes. */
export interface SnapshotSink {
  /** Serialises value and list states of an entry, and marks it. */
  saveSlots(entry: KeyEntry): void;
  saveCell(entry: KeyEntry, state: number, cell: MapCell): void;
  /** Takes over cells that left the table without having been read: they are serialised in their turn. */
  adoptCells(entry: KeyEntry, state: number, cells: MapCells): void;
}

export interface StateTableOptions {
  readonly keyGroups: KeyGroupRange;
  /** For error messages. */
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
}

export class StateTable {
  readonly keyGroups: KeyGroupRange;
  readonly operatorName: string;
  readonly guard: StrictGuard | undefined;
  readonly groups: readonly Map<CanonicalKey, KeyEntry>[];
  readonly states: StateDescriptor[] = [];
  /** New entries get this version; each cut raises it. */
  version = 1;
  /** Version of the snapshot under way; 0 when none is. */
  cut = 0;
  sink: SnapshotSink | undefined;
  /** Values, lists and cells of maps held. */
  size = 0;

  /** Entry of the current key; undefined while the key holds nothing. */
  current: KeyEntry | undefined;
  private hasKey = false;
  private key: Key = null;
  private canonical: CanonicalKey = null;
  private keyGroup = 0;

  constructor(options: StateTableOptions) {
    this.keyGroups = options.keyGroups;
    this.operatorName = options.operatorName;
    this.guard = options.guard;
    this.groups = Array.from({ length: options.keyGroups.end - options.keyGroups.start + 1 }, () => new Map<CanonicalKey, KeyEntry>());
  }

  setCurrentKey(key: Key, keyGroup: number): void {
    const group = this.groups[keyGroup - this.keyGroups.start];
    if (group === undefined) throw this.foreignGroup(keyGroup);
    if (this.guard !== undefined) this.guard.endCallback();
    const canonical = canonicalKey(key);
    this.key = key;
    this.canonical = canonical;
    this.keyGroup = keyGroup;
    this.hasKey = true;
    this.current = group.get(canonical);
  }

  /** Makes the key of an entry current. */
  selectEntry(entry: KeyEntry): void {
    if (this.guard !== undefined) this.guard.endCallback();
    this.key = entry.key;
    this.canonical = entry.canonical;
    this.keyGroup = entry.keyGroup;
    this.hasKey = true;
    this.current = entry;
  }

  currentKey(): Key {
    if (!this.hasKey) throw this.noKey();
    return this.key;
  }

  /** Entry of the current key, made if the key held nothing, saved if a snapshot still needs its slots (ST2). */
  entryForWrite(): KeyEntry {
    const entry = this.current ?? this.createCurrent();
    if (entry.version < this.cut) this.touchSlots(entry);
    return entry;
  }

  touchSlots(entry: KeyEntry): void {
    if (entry.version < this.cut) this.sink?.saveSlots(entry);
  }

  touchCell(entry: KeyEntry, state: number, cell: MapCell): void {
    if (cell.version < this.cut) this.sink?.saveCell(entry, state, cell);
  }

  /** One slot or timer less; the entry leaves with its last one (ST3). */
  release(entry: KeyEntry): void {
    entry.liveCount -= 1;
    if (entry.liveCount > 0) return;
    this.groupOf(entry.keyGroup).delete(entry.canonical);
    if (this.current === entry) this.current = undefined;
  }

  /** The entry of any key, made if it is not there: for restore. */
  entryOf(key: Key, keyGroup: number): KeyEntry {
    const canonical = canonicalKey(key);
    return this.groupOf(keyGroup).get(canonical) ?? this.create(key, canonical, keyGroup);
  }

  /** Index of a state by name; the same name with another kind is refused. */
  registerState(name: string, kind: StateDescriptor['kind']): number {
    const index = this.states.findIndex((state) => state.name === name);
    if (index < 0) return this.states.push({ name, kind }) - 1;
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
    for (const group of this.groups) group.clear();
    this.current = undefined;
    this.hasKey = false;
    this.size = 0;
  }

  private createCurrent(): KeyEntry {
    if (!this.hasKey) throw this.noKey();
    this.current = this.create(this.key, this.canonical, this.keyGroup);
    return this.current;
  }

  /** Kept keys are detached and copied: they often are pieces of a record. */
  private create(key: Key, canonical: CanonicalKey, keyGroup: number): KeyEntry {
    const ownKey = copyValue(key, this.operatorName);
    const ownCanonical = key === canonical ? (ownKey as CanonicalKey) : typeof canonical === 'string' ? detachString(canonical) : canonical;
    const entry = new KeyEntry(ownKey, ownCanonical, keyGroup, this.version, this.states.length);
    this.groupOf(keyGroup).set(ownCanonical, entry);
    return entry;
  }

  private groupOf(keyGroup: number): Map<CanonicalKey, KeyEntry> {
    const group = this.groups[keyGroup - this.keyGroups.start];
    if (group === undefined) throw this.foreignGroup(keyGroup);
    return group;
  }

  private foreignGroup(keyGroup: number): MillraceError {
    const { start, end } = this.keyGroups;
    return new MillraceError('KEY_GROUP_FOREIGN', `Key group ${keyGroup} is not in ${start} to ${end}.`, {
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
