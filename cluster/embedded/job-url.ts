/** Where a job module is that somebody wants to run. */
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../../core/errors.js';

/** The `file:` URL of a module that is named by one, or by a full path: where a relative one begins only the caller knows. */
export function jobUrl(named: unknown): string {
  if (typeof named === 'string' && named.startsWith('file:')) return named;
  if (typeof named === 'string' && isAbsolute(named)) return pathToFileURL(named).href;
  const got = typeof named === 'string' ? JSON.stringify(named) : named === null ? 'null' : typeof named;
  throw new MillraceError('JOB_MODULE_URL_INVALID', `run got ${got} instead of the URL of a job module.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: 'run',
    hint: "Write run(new URL('job.ts', import.meta.url).href). A job in the same module is run by runIfMain(import.meta.url, job).",
  });
}
