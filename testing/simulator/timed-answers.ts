/**
 * What event-time jobs have to commit, computed over arrays; shares no code with the runtime (SW1).
 *
 * TA1  Where no record can be late, these are the lines themselves, each once: windows with their members, pairs.
 * TA2  Where some can, windows are held to this instead, whatever the history. Each record is either in windows or late, and late
 *      once. It is in its last windows, without a gap. A window fires once; with allowed lateness more often, each time with all
 *      it had and more. Members are of its key and within its span; a session is as long as its members say. No record is
 *      late whose windows no watermark of this strategy can have ended.
 * TA3  Where records of an interval join can be late, each pair is one, is made once at most, and none of its records was late;
 *      each record is late once at most, and only when a watermark can have passed it. A pair of which neither record was late is made,
 *      whatever was restored meanwhile: time goes on from the checkpoint.
 */
import type { TimedEvent, TimedInput } from './timed-events.js';
import type { FixedQuery, IntervalQuery, SessionQuery, TimedQuery, WindowQuery } from './timed-query.js';

/** The lines that `judgedTimedLines` makes of a right output. */
export function expectedTimedLines(input: TimedInput, query: TimedQuery): readonly string[] {
  const events = [...input.events, ...input.quiet];
  if (query.kind === 'interval-join' || query.kind === 'window-join') return pairsOf(events, query);
  if (query.isLatePossible) return events.map(({ n }) => `record ${n}`);
  const lines = query.kind === 'session' ? sessionsOf(events, query) : windowsOf(events, query);
  return [...lines].map(({ key, start, end, members }) => `window ${key} ${start} ${end} ${members.join(' ')}`);
}

/** The committed lines, brought to what is true of every history; what may not be is a line of its own that nobody expects. */
export function judgedTimedLines(input: TimedInput, query: TimedQuery, lines: readonly string[]): readonly string[] {
  if (!query.isLatePossible || query.kind === 'window-join') return lines;
  return query.kind === 'interval-join' ? judgedPairs(input, query, lines) : judgedWindows(input, query, lines);
}

function pairsOf(events: readonly TimedEvent[], query: Extract<TimedQuery, { readonly kind: 'interval-join' | 'window-join' }>): string[] {
  const isPair = (left: TimedEvent, right: TimedEvent): boolean =>
    query.kind === 'window-join'
      ? Math.floor(left.time / query.sizeMs) === Math.floor(right.time / query.sizeMs)
      : right.time - left.time >= query.lower && right.time - left.time <= query.upper;
  const lines: string[] = [];
  for (const left of events) {
    if (!left.isLeft) continue;
    for (const right of events) if (!right.isLeft && left.key === right.key && isPair(left, right)) lines.push(`pair ${left.n} ${right.n}`);
  }
  return lines;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Window extends Span {
  readonly key: number;
  /** Numbers of records, rising. */
  readonly members: readonly number[];
}

/** Windows that hold a time, the earliest first. */
function spansAt(time: number, { sizeMs, slideMs }: FixedQuery): Span[] {
  const spans: Span[] = [];
  for (let start = Math.floor(time / slideMs) * slideMs; start + sizeMs > time; start -= slideMs) {
    spans.unshift({ start, end: start + sizeMs });
  }
  return spans;
}

function windowsOf(events: readonly TimedEvent[], query: FixedQuery): Window[] {
  const windows = new Map<string, Window & { readonly members: number[] }>();
  for (const { n, key, time } of events) {
    for (const span of spansAt(time, query)) {
      const name = `${key} ${span.start}`;
      const window = windows.get(name) ?? { ...span, key, members: [] };
      window.members.push(n);
      windows.set(name, window);
    }
  }
  return [...windows.values()];
}

function sessionsOf(events: readonly TimedEvent[], { gapMs }: SessionQuery): Window[] {
  const sessions: (Window & { end: number; readonly members: number[] })[] = [];
  const inTime = [...events].sort((one, other) => one.key - other.key || one.time - other.time);
  for (const { n, key, time } of inTime) {
    let session = sessions.at(-1);
    if (session === undefined || session.key !== key || time > session.end) {
      session = { key, start: time, end: time, members: [] };
      sessions.push(session);
    }
    session.end = time + gapMs;
    session.members.push(n);
  }
  for (const { members } of sessions) members.sort((one, other) => one - other);
  return sessions;
}

/** TA2. */
function judgedWindows(input: TimedInput, query: WindowQuery, lines: readonly string[]): string[] {
  const events = new Map(input.events.map((event) => [event.n, event]));
  const judged: string[] = [];
  const firings: Window[] = [];
  for (const line of lines) {
    const [what, ...numbers] = line.split(' ');
    if (what === 'late') {
      judged.push(`record ${numbers[0]}`, ...judgedLate(input, query, events.get(Number(numbers[0])), line));
      continue;
    }
    const [key = NaN, start = NaN, end = NaN, ...members] = numbers.map(Number);
    const firing = { key, start, end, members };
    if (isWindowPossible(firing, query, events)) firings.push(firing);
    else judged.push(`of no such window: ${line}`);
  }
  for (const event of input.events) judged.push(...judgedMember(event, query, firings));
  return judged;
}

/** The record of a late line has to have been late. */
function judgedLate(input: TimedInput, query: WindowQuery, event: TimedEvent | undefined, line: string): string[] {
  if (event === undefined) return [`of no record: ${line}`];
  const end = query.kind === 'session' ? event.time + query.gapMs : (spansAt(event.time, query).at(-1) as Span).end;
  return end - 1 + query.latenessMs <= watermarkMaxOf(input, query) ? [] : [`not late: ${line}`];
}

/** As far as time may have come while there are records. */
function watermarkMaxOf({ events }: TimedInput, { allowedMs }: TimedQuery): number {
  return Math.max(...events.map(({ time }) => time)) - allowedMs - 1;
}

function isWindowPossible({ key, start, end, members }: Window, query: WindowQuery, events: ReadonlyMap<number, TimedEvent>): boolean {
  const held = members.map((n) => events.get(n));
  if (held.length === 0 || new Set(members).size < held.length || held.some((event) => event?.key !== key)) return false;
  if (query.kind !== 'session')
    return held.every((event) => spansAt((event as TimedEvent).time, query).some((span) => span.start === start && span.end === end));
  const [session, ...others] = sessionsOf(held as TimedEvent[], query);
  return session?.start === start && session.end === end && others.length === 0;
}

/** What the firings that hold a record say about it. */
function judgedMember({ n, key, time }: TimedEvent, query: WindowQuery, firings: readonly Window[]): string[] {
  const holding = firings.filter((firing) => firing.members.includes(n)).sort((one, other) => one.members.length - other.members.length);
  if (holding.length === 0) return [];
  // Sessions become longer, so those of one key that hold the same record are one.
  const spans = query.kind === 'session' ? [undefined] : spansAt(time, query);
  const judged = [`record ${n}`];
  let isBegun = false;
  for (const span of spans) {
    const same = holding.filter(({ start }) => span === undefined || start === span.start);
    if (isBegun && same.length === 0)
      judged.push(`record ${n} of key ${key} is not in the window at ${span?.start}, but in an earlier one`);
    isBegun ||= same.length > 0;
    if (query.latenessMs === 0 && same.length > 1) judged.push(`record ${n} fired ${same.length} times without lateness`);
    for (const [index, firing] of same.entries()) {
      const before = same[index - 1];
      if (before !== undefined && !isLarger(firing, before)) judged.push(`record ${n} fired again without what was there before`);
    }
  }
  return judged;
}

function isLarger(firing: Window, before: Window): boolean {
  const members = new Set(firing.members);
  return members.size > before.members.length && before.members.every((n) => members.has(n)) && members.size === firing.members.length;
}

/** TA3. */
function judgedPairs(input: TimedInput, query: IntervalQuery, lines: readonly string[]): string[] {
  const late = new Map<string, number>();
  const judged = lines.filter((line) => line.startsWith('pair'));
  for (const line of lines) {
    const [what, n] = line.split(' ');
    if (what === 'late') late.set(n as string, (late.get(n as string) ?? 0) + 1);
  }
  const watermarkMax = watermarkMaxOf(input, query);
  for (const [n, times] of late) {
    if (times > 1) judged.push(`record ${n} was late ${times} times`);
    if (!input.events.some((event) => String(event.n) === n && event.time < watermarkMax)) judged.push(`record ${n} was not late`);
  }
  // A pair of a late record is put in: it is there twice when it was made.
  const isOfLate = (line: string): boolean => line.split(' ').some((n) => late.has(n));
  return [...judged, ...pairsOf([...input.events], query).filter(isOfLate)];
}
