/**
 * The entries of a table: one for each key (or each key and namespace) that holds anything, as columns by number of the
 * entry.
 *
 * ES1  An entry is there exactly while it holds a value or a timer: `liveCounts` says how many.
 * ES2  The number of an entry that left is given to a later one: whoever keeps one beyond a callback of its key also keeps
 *      what it needs of the key ({@link EntryOwner}).
 * ES3  Numbers are below `end`, which only grows while there are entries.
 * ES4  Columns keep room for the most keys there ever were at once, until the last key leaves (or the snapshot ends that was
 *      under way then): at 8 bytes an entry and state and 20 for the entry itself, that is little beside what keys and values took.
 */
import type { CanonicalKey, Key } from '../../../core/keys.js';
import { hashIn, KeyIndex } from './key-index.js';
import { IntegerColumn, NumberColumn, ValueColumn } from './paged-column.js';

/** Whose something is, for a snapshot. */
export interface EntryOwner {
  readonly key: Key;
  readonly keyGroup: number;
  /** 0 where there are none. */
  readonly namespace: number;
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
  /** The second half of what an entry belongs to; undefined where that is a key alone. */
  private readonly namespaces: NumberColumn | undefined;
  private readonly index: KeyIndex;
  private firstFree = 0;
  private heldCount = 0;
  /** One more than the highest number given so far. */
  end = 0;

  constructor(maxParallelism: number, hasNamespaces: boolean) {
    this.maxParallelism = maxParallelism;
    this.namespaces = hasNamespaces ? new NumberColumn() : undefined;
    this.index = new KeyIndex(this.keys, this.namespaces);
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

  /** The entry of a tuple of primitives, for which no canonical form is made. */
  findTuple(hash: number, tuple: Parameters<KeyIndex['findTuple']>[1]): number {
    // As long as there are no composites none is held.
    return this.givenKeys === undefined ? -1 : this.index.findTuple(hash, tuple, this.givenKeys);
  }

  /** `hash` is that of the key alone. */
  findIn(hash: number, key: CanonicalKey, namespace: number): number {
    return this.index.findIn(hashIn(hash, namespace), key, namespace);
  }

  /** A new entry for a key (in a namespace) that has none; `key` and `canonical` are kept. */
  add(key: Key, canonical: CanonicalKey, hash: number, namespace: number): number {
    const entry = this.takeNumber();
    this.keys.set(entry, canonical);
    if (key !== canonical && canonical === canonical) this.giveKey(entry, key);
    else this.givenKeys?.set(entry, undefined);
    this.hashes.set(entry, hash);
    this.liveCounts.set(entry, 0);
    this.namespaces?.set(entry, namespace);
    this.index.insert(this.indexHashOf(entry), entry);
    this.heldCount += 1;
    return entry;
  }

  remove(entry: number): void {
    this.index.remove(this.indexHashOf(entry), entry);
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

  namespaceOf(entry: number): number {
    return this.namespaces === undefined ? 0 : this.namespaces.get(entry);
  }

  keyGroupOf(entry: number): number {
    return this.hashes.get(entry) % this.maxParallelism;
  }

  ownerOf(entry: number): EntryOwner {
    return { key: this.keyOf(entry), keyGroup: this.keyGroupOf(entry), namespace: this.namespaceOf(entry) };
  }

  clear(): void {
    for (const column of [this.keys, this.hashes, this.liveCounts, this.versions]) column.clear();
    this.namespaces?.clear();
    this.givenKeys = undefined;
    this.index.clear();
    this.firstFree = 0;
    this.heldCount = 0;
    this.end = 0;
  }

  private indexHashOf(entry: number): number {
    const hash = this.hashes.get(entry);
    return this.namespaces === undefined ? hash : hashIn(hash, this.namespaces.get(entry));
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
    this.namespaces?.reach(entry);
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
