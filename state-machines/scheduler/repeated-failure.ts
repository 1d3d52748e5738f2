/**
 * Failures that come back: a record that a function cannot process fails the job again after every restart. Pure.
 *
 * RF1  Counted is a failure of user code, by operator, code and message, that ended a round of restarts while no checkpoint
 *      completed in between: any completed one is progress. Failures of other kinds in between change nothing.
 * RF2  A job is given up when the same failure came more often than the bound allows and for longer than it allows: a
 *      service that is away for less than that time ends no job.
 */
import type { ErrorRecord } from '../../core/errors.js';
import type { RepeatedFailureBound } from '../../graph/types.js';

/** What is remembered of rounds that ended: plain data. */
export interface RepeatedFailure {
  /** Tells failures apart. */
  readonly signature: string;
  readonly count: number;
  /** When the first of them came, by a clock that never goes back. */
  readonly since: number;
}

/** What is remembered after a round that `error` caused, `failedAt`; null: a checkpoint completed since (RF1). */
export function rememberRound(
  repeated: RepeatedFailure | null,
  error: ErrorRecord | null,
  failedAt: number | null,
): RepeatedFailure | null {
  if (error === null || failedAt === null || error.domain !== 'user') return repeated;
  const signature = signatureOf(error);
  if (repeated?.signature === signature) return { ...repeated, count: repeated.count + 1 };
  return { signature, count: 1, since: failedAt };
}

/** Why there is no further restart after this failure (RF2); undefined: there may be one. */
export function whyHopeless(
  repeated: RepeatedFailure | null,
  bound: RepeatedFailureBound | undefined,
  { error, at }: { readonly error: ErrorRecord; readonly at: number },
): string | undefined {
  if (bound === undefined || bound.attempts === 0 || repeated === null || repeated.signature !== signatureOf(error)) return undefined;
  if (repeated.count < bound.attempts || at - repeated.since < bound.timeMs) return undefined;
  return (
    `it failed so ${repeated.count + 1} times in a row without a checkpoint in between. ` +
    'If it is one record, let the operator retry it or hand it to the dead letters: .onError({ deadLetter: tag })'
  );
}

const signatureOf = ({ where = '', code, message }: ErrorRecord): string => `${where}\n${code}\n${message}`;
