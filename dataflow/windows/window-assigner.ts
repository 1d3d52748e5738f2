/**
 * Which windows a record belongs to.
 *
 * WA1  Assigners are plain data: two jobs with the same ones have the same fingerprint. Sizes are whole milliseconds above 0,
 *      an offset is closer to 0 than the slide.
 * WA2  The fixed windows of an assigner are told apart by their start. Every time belongs to exactly one tumbling window;
 *      to `size / slide` sliding windows, or none where the slide is larger than the size.
 * WA3  Starts are multiples of the slide, plus the offset; that holds before 1970 too.
 */
import type { WindowAssigner } from './custom-windows.js';
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
  /** By what every subtask moves them besides; absent: by nothing. */
  readonly stagger?: Exclude<WindowStagger, 'ALIGNED'>;
}

/**
 * Where windows begin in a subtask: all of them at the same times (`ALIGNED`); moved by a part of their size that is drawn at
 * random for each subtask (`RANDOM`); or as if the first began when its first record came, by the clock (`NATURAL`). So the
 * subtasks do not all fire at once.
 */
export type WindowStagger = 'ALIGNED' | 'RANDOM' | 'NATURAL';

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

/** What an assigner of a user's makes. */
export interface CustomWindows<in T> {
  readonly kind: 'custom';
  readonly time: WindowTime;
  readonly isMerging: boolean;
  readonly assigner: WindowAssigner<T>;
}

/** The windows that come with Millrace. */
export type BuiltInWindows<T> = FixedWindows | SessionWindows<T> | SoleWindow;

/** Every kind of windows, as operators know them. */
export type Windowing<T> = BuiltInWindows<T> | CustomWindows<T>;

/** Whether windows of a key that meet become one. */
export function isMergingWindowing(windowing: Windowing<never>): boolean {
  return windowing.kind === 'session' || (windowing.kind === 'custom' && windowing.isMerging);
}

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
