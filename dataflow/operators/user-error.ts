/** Names the operator whose function threw. */
import { MillraceError, toErrorRecord } from '../../core/errors.js';

/** Never returns. Errors that already name a place pass as they are. */
export function failFunction(operatorName: string, error: unknown): never {
  throw functionError(operatorName, error);
}

/** The error of a user function as one that names its operator; the original is its cause. */
export function functionError(operatorName: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) {
    if (error.where !== undefined) return error;
    return new MillraceError(error.code, error.message, {
      domain: error.domain,
      recovery: error.recovery,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      where: operatorName,
      cause: error.cause,
    });
  }
  return new MillraceError('USER_FUNCTION_FAILED', `The function threw ${toErrorRecord(error).message}`, {
    domain: 'user',
    recovery: 'restart-job',
    where: operatorName,
    cause: error,
  });
}
