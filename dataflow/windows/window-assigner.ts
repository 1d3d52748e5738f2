/**
 * Which windows a record belongs to.
 *
 * WA1  Assigners are plain data: two jobs with the same ones have the same fingerprint. Sizes are whole milliseconds above 0,
 *      an offset is closer to 0 than the slide.
 * WA2  The fixed windows of an assigner are told apart by their start. Every time belongs to exactly one tumbling window;
 *      to `size / slide` sliding windows, or none where the slide is larger than the size.
 * WA3  Starts are multiples of the slide, plus the offset; that holds before 1970 too.
 */
import { TimeWindow } from './window.js';

/** The time that windows go by: that of the records, or the clock's. */
export type WindowTime = 'event' | 'processing';

/** Windows of one size that begin every `slideMs`; tumbling where both are equal. */
export interface FixedWindows {
  readonly kind: 'fixed';
  readonly time: WindowTime;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

/** Windows of records with less than a gap between one and the next. */
export interface SessionWindows<in T> {
  readonly kind: 'session';
  readonly time: WindowTime;
  /** In ms, above 0; or what makes it of a record. */
  readonly gap: number | ((value: T) => number);
}

/** Everything in one window, which never ends by itself. */
export interface SoleWindow {
  readonly kind: 'global';
  /** It fires once, when the input has ended. */
  readonly firesAtEnd: boolean;
}

export type WindowAssigner<T> = FixedWindows | SessionWindows<T> | SoleWindow;

/** The start of the latest window that begins at `time` or before (WA3). */
export function windowStartAt(time: number, { slideMs, offsetMs }: Pick<FixedWindows, 'slideMs' | 'offsetMs'>): number {
  // A division costs a fifth of what % does for times of today, and is as exact up to 2^53.
  return Math.floor((time - offsetMs) / slideMs) * slideMs + offsetMs;
}

/** The fixed windows that `time` belongs to, the latest first. */
export function windowsAt(time: number, windows: FixedWindows): TimeWindow[] {
  const { sizeMs, slideMs } = windows;
  const found: TimeWindow[] = [];
  for (let start = windowStartAt(time, windows); start > time - sizeMs; start -= slideMs) found.push(new TimeWindow(start, start + sizeMs));
  return found;
}
