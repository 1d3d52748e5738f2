/** What a mistake in a job is answered with while the job is built. */
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import type { JobBuilder } from '../../index.js';
import { graphOf } from './word-count.js';

/** The builder fails with this code, and what it says or hints matches. */
export function refused(builder: JobBuilder, code: string, message: RegExp, parameters: Readonly<Record<string, string>> = {}): void {
  try {
    graphOf(builder, parameters);
  } catch (error) {
    assert.instance(error, MillraceError, String(error));
    assert.is((error as MillraceError).code, code);
    assert.match(`${(error as MillraceError).message} ${(error as MillraceError).hint}`, message);
    return;
  }
  assert.unreachable(`${code} was accepted`);
}
