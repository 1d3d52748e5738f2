/** A query as it is verified: at a pace, with many checkpoints, and held open until everything was done to it. */
import { defineJob, throttled } from 'millrace';
import { heldOpen } from '../chaos/held-open.js';
import { queryJob } from './query-jobs.js';

export default defineJob('nexmark-verify', (env) => {
  const { parameters } = env;
  const { rowsOf, write } = queryJob(parameters.string('query'));
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
