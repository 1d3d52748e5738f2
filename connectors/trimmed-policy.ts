import { checkedChoice } from './checked-choice.js';

/** What to do when a stream has removed messages that were not read: fail the job, or pass them over with a warning. */
export type TrimmedPolicy = 'fail' | 'skip';

/** Throws a `TypeError` for a policy that is none. */
export const checkedTrimmedPolicy = (policy: TrimmedPolicy): TrimmedPolicy => checkedChoice('trimmed', policy, ['fail', 'skip']);
