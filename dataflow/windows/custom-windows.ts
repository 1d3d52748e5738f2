/**
 * Windows that a user's assigner makes.
 *
 * CW1  What an assigner answers is looked at before anything is done with it: an iterable of spans of whole milliseconds that
 *      begin before they end, at most `limits.customWindowsOfRecordMax`. Anything else fails the job, naming the operator.
 * CW2  A record is once in each of its windows: one that is named twice counts once, and so do those of a record that merge as
 *      it comes. Two that were apart then, and merge later, bring it in twice.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Trigger } from './triggers/trigger.js';
import type { TimeWindow } from './window.js';

/** A span of time, in ms: from `start` up to, not including, `end`. */
export interface WindowSpan {
  readonly start: number;
  readonly end: number;
}

/** Valid during the call. */
export interface WindowAssignerContext {
  currentProcessingTime(): number;
}

/**
 * Says which windows a record belongs to. One object serves all keys, and is called again for what a restart repeats: what it
 * answers may depend on nothing but what it is called with.
 */
export interface WindowAssigner<in T = unknown> {
  /** Windows end with the watermark, and records have timestamps; false: they end with the clock. */
  readonly isEventTime: boolean;
  /**
   * Windows of a key that overlap or touch become one, as sessions do. Default: those with the same span are the same
   * window, and no others.
   */
  readonly isMerging?: boolean;
  /** When windows fire if nothing else is said; default: at their end. */
  readonly defaultTrigger?: Trigger<T, TimeWindow>;
  /**
   * The windows of a record; none: it is dropped. `timestamp` is the record's in event time, else the clock's. Spans are whole
   * milliseconds, `start` before `end`.
   */
  readonly assignWindows: (value: T, timestamp: number, context: WindowAssignerContext) => Iterable<WindowSpan>;
}

/** What an assigner answered, each span once, in order of time (CW1, CW2). */
export function checkedSpans(answer: unknown, operatorName: string): readonly WindowSpan[] {
  if (!isIterable(answer)) throw invalid(`answered ${shown(answer)}`, operatorName);
  const spans: WindowSpan[] = [];
  for (const span of answer) {
    if (!isSpan(span)) throw invalid(`answered with ${shown(span)} as window ${spans.length + 1}`, operatorName);
    spans.push({ start: span.start, end: span.end });
    if (spans.length > limits.customWindowsOfRecordMax)
      throw invalid(
        `put a record in more than ${limits.customWindowsOfRecordMax} windows`,
        operatorName,
        'Give a record fewer windows, or larger ones.',
      );
  }
  if (spans.length < 2) return spans;
  spans.sort((left, right) => left.start - right.start || left.end - right.end);
  return spans.filter(({ start, end }, index) => {
    const before = spans[index - 1];
    return before === undefined || before.start !== start || before.end !== end;
  });
}

/** The spans in order of time, those that meet as one. */
export function mergedSpans(spans: readonly WindowSpan[]): readonly WindowSpan[] {
  const merged: WindowSpan[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last === undefined || last.end < span.start) merged.push(span);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
  }
  return merged;
}

const isIterable = (answer: unknown): answer is Iterable<unknown> =>
  typeof answer === 'object' && answer !== null && typeof (answer as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function';

function isSpan(span: unknown): span is WindowSpan {
  if (typeof span !== 'object' || span === null) return false;
  const { start, end } = span as Partial<WindowSpan>;
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && (start as number) < (end as number);
}

function shown(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return typeof answer === 'string' ? JSON.stringify(answer) : String(answer);
  if (answer instanceof Promise) return 'a promise';
  const { start, end } = answer as Partial<WindowSpan>;
  return `{ start: ${shownBound(start)}, end: ${shownBound(end)} }`;
}

/** With its quotes, so that '5' does not look like 5. */
const shownBound = (bound: unknown): string => (typeof bound === 'string' ? JSON.stringify(bound) : String(bound));

const spansHint = 'Return an array, or another iterable, of { start, end } in whole milliseconds, each with its start before its end.';

function invalid(what: string, operatorName: string, hint = spansHint): MillraceError {
  return new MillraceError('WINDOWS_INVALID', `The assigner of windows ${what}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint,
  });
}
