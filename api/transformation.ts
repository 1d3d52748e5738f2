/** An operator on its way into the graph. */
import type { Operator } from '../dataflow/contracts.js';
import type { FieldUse } from '../graph/types.js';
import { apiError } from './api-error.js';

/** An operator to add. */
export interface Transformation {
  readonly type: string;
  readonly name: string;
  /** What the user wrote; refused when it is an async function. */
  readonly written: unknown;
  readonly create: () => Operator;
  readonly isKeyed?: boolean;
  /** Plain data that counts in the fingerprint. */
  readonly data?: unknown;
  readonly fieldUse?: FieldUse;
}

/** A promise would be taken for a result: refused while the job is built, not when the first record comes. */
export function assertSynchronous(written: unknown, type: string, hint = 'Pass a function.'): void {
  if (typeof written !== 'function' && (typeof written !== 'object' || written === null)) {
    throw apiError('FUNCTION_MISSING', `${type} got ${written === null ? 'null' : typeof written} instead of a function.`, {
      where: type,
      hint,
    });
  }
  if (typeof written === 'function' && /^Async(Generator)?Function$/.test(written.constructor.name)) {
    throw apiError('FUNCTION_ASYNC', `${type} got an async function.`, {
      where: type,
      hint: 'Functions on records are synchronous: fetch beforehand, or in open().',
    });
  }
}
