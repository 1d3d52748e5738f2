/**
 * The entries of a heap backend: one for each key that holds anything, as columns by number of the entry.
 *
 * ES1  An entry is there exactly while it holds a value or a timer: `liveCounts` says how many.
 * ES2  The number of an entry that left is given to a later one: whoever keeps one beyond a callback of its key also keeps
 *      what it needs of the key ({@link EntryOwner}).
 * ES3  Numbers are below `end`, which only grows while there are entries.
 * ES4  Columns keep room for the most keys there ever were at once, until the last key leaves (or the snapshot ends that was
 *      under way then): at 8 bytes an entry and state and 20 for the entry itself, that is little beside what keys and values took.
 */
import type { CanonicalKey, Key } from '../../../core/keys.js';
import { KeyIndex } from './key-index.js';
import { IntegerColumn, ValueColumn } from './paged-column.js';

/** Whose something is, for a snapshot. */
export interface EntryOwner {
  readonly key: Key;
  readonly keyGroup: number;
}

export class EntryStore {
  /** Slots that hold something, and timers, of each entry (ES1). */
  readonly liveCounts = new IntegerColumn();
  /** Versions of snapshots (ST2); written only while one is under way. */
  readonly versions = new IntegerColumn();
  private readonly maxParallelism: number;
  /** Canonical keys; undefined in the place of an entry that left. */
  private readonly keys = new ValueColumn();
  /** Keys as they were given, where that is something else: composites. Undefined as long as there are none. */
  private givenKeys: ValueColumn | undefined;
  /** Hashes of keys; in the place of an entry that left, the next free number plus one, or 0. */
  private readonly hashes = new IntegerColumn();
  private readonly index = new KeyIndex(this.keys);
  private firstFree = 0;
  private heldCount = 0;
  /** One more than the highest number given so far. */
  end = 0;

  constructor(maxParallelism: number) {
    this.maxParallelism = maxParallelism;
  }

  /** Whether the canonical form of every key held is the key as it was given. */
  get isPlain(): boolean {
    return this.givenKeys === undefined;
  }

  get count(): number {
    return this.heldCount;
  }

  find(hash: number, key: CanonicalKey): number {
    return this.index.find(hash, key);
  }

  /** A new entry for a key that has none; `key` and `canonical` are kept. */
  add(key: Key, canonical: CanonicalKey, hash: number): number {
    const entry = this.takeNumber();
    this.keys.set(entry, canonical);
    if (key !== canonical && canonical === canonical) this.giveKey(entry, key);
    else this.givenKeys?.set(entry, undefined);
    this.hashes.set(entry, hash);
    this.liveCounts.set(entry, 0);
    this.index.insert(hash, entry);
    this.heldCount += 1;
    return entry;
  }

  remove(entry: number): void {
    this.index.remove(this.hashes.get(entry), entry);
    this.keys.set(entry, undefined);
    this.givenKeys?.set(entry, undefined);
    this.hashes.set(entry, this.firstFree);
    this.firstFree = entry + 1;
    this.heldCount -= 1;
  }

  isHeld(entry: number): boolean {
    return this.keys.get(entry) !== undefined;
  }

  keyOf(entry: number): Key {
    return (this.givenKeys?.get(entry) ?? this.keys.get(entry)) as Key;
  }

  hashOf(entry: number): number {
    return this.hashes.get(entry);
  }

  keyGroupOf(entry: number): number {
    return this.hashes.get(entry) % this.maxParallelism;
  }

  ownerOf(entry: number): EntryOwner {
    return { key: this.keyOf(entry), keyGroup: this.keyGroupOf(entry) };
  }

  clear(): void {
    for (const column of [this.keys, this.hashes, this.liveCounts, this.versions]) column.clear();
    this.givenKeys = undefined;
    this.index.clear();
    this.firstFree = 0;
    this.heldCount = 0;
    this.end = 0;
  }

  private takeNumber(): number {
    const free = this.firstFree - 1;
    if (free >= 0) {
      this.firstFree = this.hashes.get(free);
      return free;
    }
    const entry = this.end;
    this.end = entry + 1;
    for (const column of [this.keys, this.hashes, this.liveCounts, this.versions]) column.reach(entry);
    this.givenKeys?.reach(entry);
    return entry;
  }

  private giveKey(entry: number, key: Key): void {
    if (this.givenKeys === undefined) {
      this.givenKeys = new ValueColumn();
      this.givenKeys.reach(this.end - 1);
    }
    this.givenKeys.set(entry, key);
  }
}
