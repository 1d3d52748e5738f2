/** What turns records into the columns of one group: generated code, or a tree of closures that does the same. */
import type { GroupStore } from './column-store.js';
import { optionalFieldsMax } from './shape.js';

/** The record has to wait for the next frame. */
export const noRoom = -2;

/** Writes into the group store it was made for. */
export interface RecordEncoder {
  /**
   * Adds a record as the next row; returns what it is taken to cost in quarters of a byte, or a negative number when it
   * does not fit the shape or costs more than `costMax`; {@link noRoom} when the columns are full. What it throws then, or
   * returns negative, calls for `abandon`.
   */
  add(record: unknown): number;
  /** Tells the store how many rows there are, and the texts. */
  sync(): void;
  /** The store was emptied: start over. */
  reset(): void;
}

export interface EncoderOptions {
  readonly store: GroupStore;
  readonly costMax: number;
  /** What a UTF-16 unit is taken to cost. */
  readonly unitCost: number;
  /**
   * Of records that are plain objects only these fields count, whatever else they have; the shape has them in this order.
   * Undefined: all of them count.
   */
  readonly fields?: readonly string[] | undefined;
}

/**
 * Which of the fields of a shape an object lacks, as bits by their place; -1 when it has others, or in another order.
 * Called only for objects that do not have just these.
 */
export function missingFields(value: object, names: readonly string[]): number {
  let missing = 0;
  let place = 0;
  for (const name in value) {
    while (names[place] !== name) {
      if (!canBeMissing(names, place)) return -1;
      missing |= 1 << place;
      place += 1;
    }
    place += 1;
  }
  for (; place < names.length; place += 1) {
    if (!canBeMissing(names, place)) return -1;
    missing |= 1 << place;
  }
  return missing;
}

/** A field that every object inherits would be read as if it were there. */
function canBeMissing(names: readonly string[], place: number): boolean {
  return place < names.length && place < optionalFieldsMax && !((names[place] as string) in Object.prototype);
}
