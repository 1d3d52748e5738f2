/** What functions give back to be kept: state holds no undefined, so one that returns it would empty the state without a word. */
import { MillraceError } from '../../../core/errors.js';

/** The result itself. Whoever catches the error names the operator. */
export function keptResult<T>(result: T): T {
  if (result !== undefined) return result;
  throw new MillraceError('STATE_RESULT_MISSING', 'The function returned undefined for what state keeps.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Return what is to be kept, also when the value that came in was changed.',
  });
}
