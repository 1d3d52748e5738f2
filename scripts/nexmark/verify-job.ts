/** A query as it is verified: at a pace, with many checkpoints, and held open until everything was done to it. */
import { defineJob, throttled } from 'millrace';
import type { QueryJob } from '../../examples/nexmark/query.js';
import q0 from '../../examples/nexmark/q0.js';
import q1 from '../../examples/nexmark/q1.js';
import q2 from '../../examples/nexmark/q2.js';
import q3 from '../../examples/nexmark/q3.js';
import q4 from '../../examples/nexmark/q4.js';
import q6 from '../../examples/nexmark/q6.js';
import q9 from '../../examples/nexmark/q9.js';
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
import { heldOpen } from '../chaos/held-open.js';

const queries = { q0, q1, q2, q3, q4, q6, q9, q13, q14, q15, q16, q17, q18, q19, q20, q21, q22 } as Readonly<
  Record<string, QueryJob<unknown>>
>;

export default defineJob('nexmark-verify', (env) => {
  const { parameters } = env;
  const { rowsOf, write } = queries[parameters.string('query')] as QueryJob<unknown>;
  const recordsPerSecond = parameters.integer('pace-per-second');
  const release = parameters.string('release');
  env
    .setParallelism(parameters.integer('parallelism'))
    .enableCheckpointing(parameters.integer('checkpoint-every'))
    .setRestartStrategy({ kind: 'exponential-delay' });
  write(
    rowsOf(env, (source) => heldOpen(throttled(source, { recordsPerSecond }), release)),
    env,
  );
});
