/**
 * Windows: finite pieces of a stream.
 *
 * WI1  A time window holds the times from `start` up to, not including, `end`; its `maxTimestamp` is the last of them, the
 *      timestamp of its results, and what the watermark must reach for it to be complete.
 */
import { maxWatermark } from '../contracts.js';

/** What all windows have. */
export interface Window {
  /** The last time that belongs to the window, in ms. */
  maxTimestamp(): number;
}

/** A span of time; see WI1. */
export class TimeWindow implements Window {
  /** First time that belongs to it, in ms. */
  readonly start: number;
  /** First time after it, in ms. */
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  maxTimestamp(): number {
    return this.end - 1;
  }
}

/** The one window that holds everything. */
export class GlobalWindow implements Window {
  maxTimestamp(): number {
    return maxWatermark;
  }
}

export const globalWindow: GlobalWindow = new GlobalWindow();
