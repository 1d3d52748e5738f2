/** The queries by name. */
import type { QueryJob } from '../../examples/nexmark/query.js';
import q0 from '../../examples/nexmark/q0.js';
import q1 from '../../examples/nexmark/q1.js';
import q2 from '../../examples/nexmark/q2.js';
import q3 from '../../examples/nexmark/q3.js';
import q4 from '../../examples/nexmark/q4.js';
import q5 from '../../examples/nexmark/q5.js';
import q6 from '../../examples/nexmark/q6.js';
import q7 from '../../examples/nexmark/q7.js';
import q8 from '../../examples/nexmark/q8.js';
import q9 from '../../examples/nexmark/q9.js';
import q10 from '../../examples/nexmark/q10.js';
import q11 from '../../examples/nexmark/q11.js';
import q12 from '../../examples/nexmark/q12.js';
import q13 from '../../examples/nexmark/q13.js';
import q14 from '../../examples/nexmark/q14.js';
import q15 from '../../examples/nexmark/q15.js';
import q16 from '../../examples/nexmark/q16.js';
import q17 from '../../examples/nexmark/q17.js';
import q18 from '../../examples/nexmark/q18.js';
import q19 from '../../examples/nexmark/q19.js';
import q20 from '../../examples/nexmark/q20.js';
import q21 from '../../examples/nexmark/q21.js';
import q22 from '../../examples/nexmark/q22.js';
import { MillraceError } from '../../core/errors.js';

const jobs: ReadonlyMap<string, unknown> = new Map(
  Object.entries({ q0, q1, q2, q3, q4, q5, q6, q7, q8, q9, q10, q11, q12, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22 }),
);

export const queryNames: readonly string[] = [...jobs.keys()];

export function queryJob(name: string): QueryJob<unknown> {
  const job = jobs.get(name);
  if (job !== undefined) return job as QueryJob<unknown>;
  throw new MillraceError('NEXMARK_QUERY_UNKNOWN', `There is no query ${name}.`, { domain: 'user', recovery: 'fail-job' });
}
