/** Loads a job module: its default export must be what `defineJob` returned. */
import type { JobDefinition } from '../../dataflow/contracts.js';
import { MillraceError } from '../../core/errors.js';

/** Imports the module at `url`. `where` names it for people. Throws `JOB_MODULE_FAILED` or `JOB_MODULE_INVALID`. */
export async function importJob(url: string, where: string = url): Promise<JobDefinition> {
  let loaded: { readonly default?: unknown };
  try {
    loaded = (await import(url)) as { readonly default?: unknown };
  } catch (cause) {
    throw new MillraceError('JOB_MODULE_FAILED', 'the job module threw while it was loaded', {
      domain: 'user',
      recovery: 'fail-job',
      where,
      cause,
    });
  }
  const job = loaded.default;
  if (!isJobDefinition(job)) {
    throw new MillraceError('JOB_MODULE_INVALID', 'the module does not export a job', {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: "End it with `export default defineJob('name', (env) => { … })`.",
    });
  }
  return job;
}

function isJobDefinition(value: unknown): value is JobDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, build } = value as Partial<JobDefinition>;
  return typeof name === 'string' && typeof build === 'function';
}
