import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';

/** What the work rejects with, which must be a MillraceError. */
export async function failureOf(work: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, MillraceError);
  return error as MillraceError;
}
