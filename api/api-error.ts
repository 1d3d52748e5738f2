/** Mistakes in a job's program: found when the job is built, before anything runs. */
import { MillraceError } from '../core/errors.js';

export interface ApiErrorOptions {
  readonly where?: string;
  readonly hint: string;
  readonly cause?: unknown;
}

export function apiError(code: string, message: string, options: ApiErrorOptions): MillraceError {
  return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', ...options });
}
