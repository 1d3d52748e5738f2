import type { ConnectorOptions } from './connector-options.js';

/** What to do when a stream has removed messages that were not read: fail the job, or pass them over with a warning. */
export type TrimmedPolicy = 'fail' | 'skip';

/** The policy that was given, `fail` by default; what is none is refused (CO1). */
export const checkedTrimmedPolicy = (given: ConnectorOptions, policy: TrimmedPolicy = 'fail'): TrimmedPolicy =>
  given.word('trimmed', policy, ['fail', 'skip']);
