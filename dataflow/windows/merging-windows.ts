/**
 * The sessions of one key: windows that become one when they meet.
 *
 * MW1  Two windows meet when they overlap or touch. After each `add` no two windows of the set meet.
 * MW2  The contents of a session stay under the number they were first put under, however the session grows; those of
 *      sessions that were joined to it are to be merged into them, the earlier first.
 * MW3  What else belongs to a window (trigger state, timers) goes by a number of its own, which is new whenever the window
 *      changed: so the old and the new window never share it.
 * MW4  Numbers are never given twice to a key that still has a session.
 * MW5  The set is plain data, for state.
 */

/** One session. */
export interface Session {
  readonly start: number;
  readonly end: number;
  /** Names its contents (MW2). */
  readonly contentsId: number;
  /** Names the window as it is now (MW3). */
  readonly windowId: number;
}

/** In order of time where they merge. Plain data, changed by the functions below alone. */
export interface SessionSet {
  sessions: Session[];
  nextId: number;
}

/** What adding a window did to the set. */
export interface Merge {
  /** The session the new window is now part of. */
  readonly session: Session;
  /** The sessions that it replaces, in order of time; none when the window is a new session, or changed nothing. */
  readonly replaced: readonly Session[];
}

export const emptySessions = (): SessionSet => ({ sessions: [], nextId: 1 });

/** Adds a window to the set. */
export function addToSessions(set: SessionSet, start: number, end: number): Merge {
  const met = set.sessions.filter((session) => session.start <= end && start <= session.end);
  const [first] = met;
  if (first !== undefined && met.length === 1 && first.start <= start && end <= first.end) return { session: first, replaced: [] };
  const windowId = set.nextId;
  const session: Session = {
    start: met.reduce((earliest, one) => Math.min(earliest, one.start), start),
    end: met.reduce((latest, one) => Math.max(latest, one.end), end),
    contentsId: first?.contentsId ?? windowId,
    windowId,
  };
  set.nextId = windowId + 1;
  set.sessions = [...set.sessions.filter((one) => !met.includes(one)), session].sort((left, right) => left.start - right.start);
  return { session, replaced: met };
}

/** The window of exactly this span, for windows that do not merge; one more where there is none. */
export function addExactly(set: SessionSet, start: number, end: number): Session {
  const there = set.sessions.find((session) => session.start === start && session.end === end);
  if (there !== undefined) return there;
  const windowId = set.nextId;
  const session: Session = { start, end, contentsId: windowId, windowId };
  set.nextId = windowId + 1;
  set.sessions = [...set.sessions, session];
  return session;
}

/** Takes a session out of the set. */
export function removeSession(set: SessionSet, session: Session): void {
  set.sessions = set.sessions.filter((one) => one !== session);
}
