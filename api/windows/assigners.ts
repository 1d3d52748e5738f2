/**
 * Assigners of windows as users name them. Sizes that make no window are refused here, while the job is built.
 *
 * An offset moves the windows: days of a zone eight hours ahead of UTC are `TumblingEventTimeWindows.of('1 d', '-8 h')`.
 */
import { limits } from '../../core/limits.js';
import { parseDuration } from '../../core/quantities.js';
import type { FixedWindows, SessionWindows, SoleWindow, WindowStagger, WindowTime } from '../../dataflow/windows/window-assigner.js';
import { apiError } from '../api-error.js';
import { shownDuration, type Duration } from '../duration.js';

/**
 * `of('1 min')`: windows that follow each other, by the time of records. `of('1 min', 0, 'RANDOM')` lets them begin at another
 * time in each subtask ({@link WindowStagger}), so that results do not all come at once.
 */
export const TumblingEventTimeWindows = {
  of: (size: Duration, offset: Duration = 0, stagger: WindowStagger = 'ALIGNED'): FixedWindows =>
    staggered(fixedWindows('TumblingEventTimeWindows', 'event', { size, slide: size, offset }), stagger),
} as const;

/** The same by the clock: results differ between runs. */
export const TumblingProcessingTimeWindows = {
  of: (size: Duration, offset: Duration = 0, stagger: WindowStagger = 'ALIGNED'): FixedWindows =>
    staggered(fixedWindows('TumblingProcessingTimeWindows', 'processing', { size, slide: size, offset }), stagger),
} as const;

/** `of('1 min', '1 s')`: windows of a minute, one beginning every second, by the time of records. */
export const SlidingEventTimeWindows = {
  of: (size: Duration, slide: Duration, offset: Duration = 0): FixedWindows =>
    fixedWindows('SlidingEventTimeWindows', 'event', { size, slide, offset }),
} as const;

/** The same by the clock: results differ between runs. */
export const SlidingProcessingTimeWindows = {
  of: (size: Duration, slide: Duration, offset: Duration = 0): FixedWindows =>
    fixedWindows('SlidingProcessingTimeWindows', 'processing', { size, slide, offset }),
} as const;

/** Sessions: records with at most a gap between one and the next, by their time. */
export const EventTimeSessionWindows = {
  withGap: (gap: Duration): SessionWindows<unknown> => sessionWindows('EventTimeSessionWindows', 'event', gap),
  /** The gap after a record, in milliseconds above 0. */
  withDynamicGap: <T>(gapOf: (value: T) => number): SessionWindows<T> => dynamicSessions('EventTimeSessionWindows', 'event', gapOf),
} as const;

/** The same by the clock: results differ between runs. */
export const ProcessingTimeSessionWindows = {
  withGap: (gap: Duration): SessionWindows<unknown> => sessionWindows('ProcessingTimeSessionWindows', 'processing', gap),
  /** The gap after a record, in milliseconds above 0. */
  withDynamicGap: <T>(gapOf: (value: T) => number): SessionWindows<T> =>
    dynamicSessions('ProcessingTimeSessionWindows', 'processing', gapOf),
} as const;

/** One window for everything; it fires when a trigger says so. */
export const GlobalWindows = {
  create: (): SoleWindow => ({ kind: 'global', firesAtEnd: false }),
  /** It fires once, when the input has ended. */
  createWithEndOfStreamTrigger: (): SoleWindow => ({ kind: 'global', firesAtEnd: true }),
} as const;

interface Span {
  readonly size: Duration;
  readonly slide: Duration;
  readonly offset: Duration;
}

function fixedWindows(where: string, time: WindowTime, { size, slide, offset }: Span): FixedWindows {
  const sizeMs = positiveMs(size, where, 'size');
  const slideMs = positiveMs(slide, where, 'slide');
  if (sizeMs / slideMs > limits.windowsOfRecordMax) {
    throw apiError(
      'WINDOW_SLIDE_TOO_SMALL',
      `A record would be in ${Math.ceil(sizeMs / slideMs)} windows, and each gives results: at most ${limits.windowsOfRecordMax} are allowed.`,
      { where, hint: 'Let windows begin less often, or make them shorter.' },
    );
  }
  const offsetMs = signedMs(offset);
  if (offsetMs === undefined || !Number.isSafeInteger(offsetMs) || Math.abs(offsetMs) >= slideMs) {
    throw apiError('WINDOW_OFFSET_INVALID', `The offset of windows that begin every ${slideMs} ms cannot be ${shownDuration(offset)}.`, {
      where,
      hint: 'Use whole milliseconds, or text such as "-8 h", closer to 0 than the distance between the windows.',
    });
  }
  return { kind: 'fixed', time, sizeMs, slideMs, offsetMs };
}

function staggered(windows: FixedWindows, stagger: WindowStagger): FixedWindows {
  if (stagger === 'ALIGNED') return windows;
  if (stagger === 'RANDOM' || stagger === 'NATURAL') return { ...windows, stagger };
  throw apiError('WINDOW_STAGGER_UNKNOWN', `Windows cannot be staggered by ${JSON.stringify(stagger) ?? 'nothing'}.`, {
    where: windows.time === 'event' ? 'TumblingEventTimeWindows' : 'TumblingProcessingTimeWindows',
    hint: "Use 'ALIGNED', 'RANDOM' or 'NATURAL'.",
  });
}

function sessionWindows(where: string, time: WindowTime, gap: Duration): SessionWindows<unknown> {
  return { kind: 'session', time, gap: positiveMs(gap, where, 'gap') };
}

function dynamicSessions<T>(where: string, time: WindowTime, gapOf: (value: T) => number): SessionWindows<T> {
  if (typeof gapOf === 'function') return { kind: 'session', time, gap: gapOf };
  throw apiError('FUNCTION_MISSING', `withDynamicGap got ${typeof gapOf} instead of a function.`, {
    where,
    hint: 'Pass a function that makes the gap of a record, in milliseconds.',
  });
}

/** Whole milliseconds above 0. */
export function positiveMs(duration: Duration, where: string, what: string): number {
  const ms = signedMs(duration);
  if (ms !== undefined && Number.isSafeInteger(ms) && ms > 0) return ms;
  throw apiError('WINDOW_SIZE_INVALID', `The ${what} cannot be ${shownDuration(duration)}.`, {
    where,
    hint: 'Use whole milliseconds above 0, or text such as "10 s".',
  });
}

function signedMs(duration: Duration): number | undefined {
  if (typeof duration === 'number') return duration;
  if (typeof duration !== 'string') return undefined;
  const text = duration.trim();
  const ms = parseDuration(text.replace(/^-/, ''));
  return ms === undefined ? undefined : text.startsWith('-') ? -ms + 0 : ms;
}
