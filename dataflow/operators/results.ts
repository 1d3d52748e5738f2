import { MillraceError } from '../../core/errors.js';
import { synchronous } from './synchronous.js';

/** The iterator of what a function returned; throws when that is a promise (SY1) or no iterable. */
export function iteratorOf<Out>(results: Iterable<Out>, operatorName: string): Iterator<Out> {
  const make: unknown = results[Symbol.iterator];
  if (typeof make === 'function') return results[Symbol.iterator]();
  synchronous(results);
  throw new MillraceError('RESULT_NOT_ITERABLE', `The function returned a ${typeof results}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Return an iterable of results or nothing.',
  });
}
