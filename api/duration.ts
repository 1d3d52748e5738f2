import { parseDuration, type Duration } from '../core/quantities.js';
import { apiError } from './api-error.js';

export type { Duration } from '../core/quantities.js';

/** In milliseconds; `what` names it in the error. */
export function milliseconds(duration: Duration, what: string): number {
  const ms = parseDuration(duration);
  if (ms !== undefined) return ms;
  throw apiError('DURATION_INVALID', `${shownDuration(duration)} is not a duration.`, {
    where: what,
    hint: 'Use milliseconds, or text such as "10 s".',
  });
}

/** What was given for a duration, as it was written: text in quotes; NaN, which JSON does not know, by its name. */
export function shownDuration(given: unknown): string {
  return typeof given === 'string' ? JSON.stringify(given) : String(given);
}
