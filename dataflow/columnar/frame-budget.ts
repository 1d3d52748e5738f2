/**
 * What reading one frame may cost, whatever the frame says.
 *
 * FB1  All groups of a frame together hold at most {@link valuesMax} values outside of items: a column of equal numbers
 *      takes no bytes a row, so the bytes of a frame bound nothing. (Counted by group, 688 bytes took more than a second.)
 * FB2  At most one shape is compiled: a decoder of 126 fields takes 13 ms, and a frame can bring 32 that nobody saw before.
 */
import { limits } from '../../core/limits.js';
import { valueBytesMin } from './column-store.js';
import { CorruptItem } from './item-reader.js';

/** Encoders fill a frame to its target, the larger one of frames between threads, and one record of as much, and count at least {@link valueBytesMin} a value (CS2). */
export const valuesMax: number = (2 * limits.peerFrameBytesTarget) / valueBytesMin;

export class FrameBudget {
  #valuesLeft = valuesMax;
  #mayCompile = true;

  /** FB1. Throws CorruptItem. */
  takeValues(count: number): void {
    this.#valuesLeft -= count;
    if (this.#valuesLeft < 0) throw new CorruptItem(`more than ${valuesMax} values`);
  }

  /** FB2: true once. */
  takeCompilation(): boolean {
    const may = this.#mayCompile;
    this.#mayCompile = false;
    return may;
  }
}
