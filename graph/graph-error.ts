/** Errors of planning: always the user's to fix, never worth a restart. */
import { MillraceError } from '../core/errors.js';

export interface GraphErrorOptions {
  /** Name of the operator. */
  readonly where?: string;
  readonly hint: string;
}

/** An error about the graph a user built. */
export function graphError(code: string, message: string, options: GraphErrorOptions): MillraceError {
  return new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', ...options });
}
