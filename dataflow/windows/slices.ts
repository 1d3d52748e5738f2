/**
 * Slices: the pieces that overlapping windows are made of, so that a record is added once, whatever the number of its windows.
 *
 * SL1  Every window is a whole number of slices: their width is the greatest common divisor of size and slide.
 * SL2  A slice is named by its end, the first time after it.
 * SL3  The windows of a slice are those whose end lies from `firstEnd` to `lastEnd`, every slide; where the slide is larger
 *      than the size there may be none, and then `firstEnd` is after `lastEnd`.
 */
import { windowStartAt, type FixedWindows } from './window-assigner.js';

/** The arithmetic of one assigner. All times in ms. */
export class Slices {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly widthMs: number;
  /** The offset as a number from 0 up to the width; and up to the slide, of the ends of windows. */
  readonly sliceOffset: number;
  readonly #endOffset: number;

  constructor({ sizeMs, slideMs, offsetMs }: FixedWindows) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.widthMs = greatestCommonDivisor(sizeMs, slideMs);
    this.sliceOffset = remainder(offsetMs, this.widthMs);
    this.#endOffset = remainder(offsetMs + sizeMs, slideMs);
  }

  /** The end of the slice that `time` belongs to. */
  endAt(time: number): number {
    return windowStartAt(time, { slideMs: this.widthMs, offsetMs: this.sliceOffset }) + this.widthMs;
  }

  /** Whether a window ends there. */
  isWindowEnd(end: number): boolean {
    return remainder(end - this.#endOffset, this.slideMs) === 0;
  }

  /** The end of the earliest window that contains the slice (SL3). */
  firstEnd(sliceEnd: number): number {
    return sliceEnd + remainder(this.#endOffset - sliceEnd, this.slideMs);
  }

  /** The end of the latest window that contains the slice (SL3). */
  lastEnd(sliceEnd: number): number {
    const latest = sliceEnd - this.widthMs + this.sizeMs;
    return latest - remainder(latest - this.#endOffset, this.slideMs);
  }

  /** The end of the earliest window that ends after `time`. */
  endAfter(time: number): number {
    return time + this.slideMs - remainder(time - this.#endOffset, this.slideMs);
  }

  /** The end of the earliest window that contains the slice and ends after `time`; undefined when all ended. */
  nextEnd(sliceEnd: number, time: number): number | undefined {
    const first = this.firstEnd(sliceEnd);
    const next = first > time ? first : this.endAfter(time);
    return next <= this.lastEnd(sliceEnd) ? next : undefined;
  }
}

/** Never negative, and much faster than % for times of today. */
const remainder = (value: number, divisor: number): number => value - Math.floor(value / divisor) * divisor;

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}
