import { parseDuration } from '../core/quantities.js';
import { apiError } from './api-error.js';

/** Milliseconds, or text with a unit: `'500 ms'`, `'10 s'`, `'5 min'`, `'1 h'`, `'1 d'`. */
export type Duration = number | `${number} ${'ms' | 's' | 'min' | 'h' | 'd'}`;

/** In milliseconds; `what` names it in the error. */
export function milliseconds(duration: Duration, what: string): number {
  const ms = parseDuration(duration);
  if (ms !== undefined) return ms;
  throw apiError('DURATION_INVALID', `${JSON.stringify(duration)} is not a duration.`, {
    where: what,
    hint: 'Use milliseconds, or text such as "10 s".',
  });
}
