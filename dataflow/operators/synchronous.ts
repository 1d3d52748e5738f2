/**
 * Refuses promises as results of functions on records.
 *
 * SY1  The first result of each function of a task is looked at, later ones are not: a function that answers with a promise
 *      does so from its first record on, and looking at each would cost every job something for every record. Types refuse it before
 *      (`Synchronous` in `dataflow/functions.ts`); this is for JavaScript, `any`, and functions that are compiled.
 */
import { MillraceError } from '../../core/errors.js';

/** The result itself; throws `FUNCTION_ASYNC` when it is a promise. Whoever catches it names the operator. */
export function synchronous<T>(result: T): T {
  if (typeof result !== 'object' || result === null) return result;
  if (typeof (result as { readonly then?: unknown }).then !== 'function') return result;
  // Nobody waits for it: that it fails as well is no news.
  if (result instanceof Promise) result.catch(() => undefined);
  throw new MillraceError('FUNCTION_ASYNC', 'The function returned a promise.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Functions on records are synchronous: fetch beforehand, or in open().',
  });
}
