/** What to do when a stream has removed messages that were not read: fail the job, or pass them over with a warning. */
export type TrimmedPolicy = 'fail' | 'skip';
