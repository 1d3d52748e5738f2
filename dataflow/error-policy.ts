/**
 * What becomes of a record that the function of an operator fails on, when the operator has a policy for that.
 *
 * EP1  A call counts as a whole: what a call that failed had handed on is forgotten, so that a repeated call repeats nothing,
 *      and a record in the dead letters has no results. State that it had changed stays changed.
 * EP2  First the call is repeated, as often as the policy says; then the record goes to the dead letters, or the task fails.
 * EP3  A key function that throws, or returns no key, counts as the function of the operator behind it; it fails the task where
 *      that is asynchronous, or without keys of its own and fed by several key functions.
 * EP4  What is wrong with the program and not with a record (a promise where none may be, no iterable, too many results)
 *      fails the job, whatever the policy.
 * EP5  Of a sink the call is the one that takes a record: a dead letter was not written, and does not count as written. What
 *      fails later (a send, a commit) fails the task.
 */
import { MillraceError, toErrorRecord } from '../core/errors.js';
import type { Key } from '../core/keys.js';

/** What goes to the side output of an operator instead of a record's results, or of a sink instead of being written. */
export interface DeadLetter<T = unknown> {
  /** The record; null when a timer failed. The function may have changed it before it failed. */
  readonly value: T | null;
  readonly operator: string;
  readonly error: { readonly code: string; readonly message: string };
  /** Event time of the record; null when it has none. */
  readonly timestamp: number | null;
  /** Of a timer that failed: its time and its key. */
  readonly timer?: { readonly time: number; readonly key: Key | undefined };
}

/** Resolved: what an operator does about failures. */
export interface ErrorPolicySettings {
  /** Calls after the first one. */
  readonly attempts: number;
  /** Before a repeated call of an asynchronous function; others are called again at once. */
  readonly delayMs: number;
  /** The side output for what still fails; undefined: the task fails. */
  readonly deadLetter: string | undefined;
}

/** EP4: also what a sink may hold between two checkpoints, which is no fault of the record that came too much. */
export function isPolicyMatter(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return true;
  return error.domain === 'user' && !programErrors.has(error.code);
}

const programErrors: ReadonlySet<string> = new Set([
  'FUNCTION_ASYNC',
  'RESULT_NOT_ITERABLE',
  'OUTPUT_OVERDRAFT',
  'KEY_TYPES_DIFFER',
  'OUTPUT_TAG_MISSING',
  'SINK_TRANSACTION_TOO_LARGE',
  'SINK_TOO_MANY_FILES',
  'COLLECTED_TOO_MUCH',
]);

/** The error of a dead letter: that of the user's code where it is the cause. */
export function letterError(error: unknown): DeadLetter['error'] {
  const isOurs = error instanceof MillraceError && error.code === 'USER_FUNCTION_FAILED' && error.cause !== undefined;
  const { code, message } = toErrorRecord(isOurs ? error.cause : error);
  return { code, message };
}
