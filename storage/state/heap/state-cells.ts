/**
 * What list and map states hold for a key. Plain mutable data: the states and {@link StateTable} own the rules.
 *
 * SC1  Cells of map states carry versions of their own (ST2), so that one large map never has to be serialised in one go.
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
