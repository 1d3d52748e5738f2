/**
 * What the heap holds for one key. Plain mutable data: {@link StateTable} owns the rules.
 *
 * KE1  `version` tells a snapshot under way whether the slots still have to be serialised: they do while it is lower than
 *      the snapshot's. Cells of map states and timers carry versions of their own, so that one large map never has to be
 *      serialised in one go.
 */
import type { CanonicalKey, Key } from '../../../core/keys.js';

/** One entry of a map state. */
export interface MapCell {
  readonly key: Key;
  value: unknown;
  version: number;
}

export type MapCells = Map<CanonicalKey, MapCell>;

/** A list state of one key. */
export interface ListCell {
  items: unknown[];
  /** The array was handed out: it may not change any more, appending copies it first. */
  isShared: boolean;
}

export class KeyEntry {
  readonly key: Key;
  readonly canonical: CanonicalKey;
  readonly keyGroup: number;
  version: number;
  /** Slots that hold something, and timers: at zero the entry leaves its table. */
  liveCount = 0;
  /** By index of the state: a value, a {@link ListCell}, {@link MapCells}, or undefined for nothing. */
  readonly slots: unknown[];

  constructor(key: Key, canonical: CanonicalKey, keyGroup: number, version: number, slotCount: number) {
    this.key = key;
    this.canonical = canonical;
    this.keyGroup = keyGroup;
    this.version = version;
    this.slots = new Array<unknown>(slotCount).fill(undefined);
  }
}
