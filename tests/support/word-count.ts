/** A small job, and the way from a builder to its job graph, for tests of the api. */
import { Configuration } from '../../core/configuration/configuration.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobGraph } from '../../graph/types.js';
import { defineJob, type JobBuilder } from '../../index.js';
import { nothing } from './sinks.js';

/** Counts words: two chains with a HASH exchange, parallelism 2. */
export const wordCount: JobBuilder = (env) => {
  env.setParallelism(2);
  env
    .fromData('to be', 'or not', 'to be')
    .flatMap((line) => line.split(' '))
    .map((word) => ({ word, count: 1 }))
    .keyBy((record) => record.word)
    .sum('count')
    .name('count')
    .sinkTo(nothing());
};

/** Builds and plans a job named "hello". */
export function graphOf(
  builder: JobBuilder,
  parameters: Readonly<Record<string, string>> = {},
  configuration = Configuration.defaults,
): JobGraph {
  return planJob(defineJob('hello', builder).build(parameters, { configuration })).jobGraph;
}
