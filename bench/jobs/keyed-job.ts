/** generator → keyBy(page) → count per key in keyed state; half of the records cross to the other slot. `--kind narrow` or `wide`. */
import { defineJob } from 'millrace';
import { countPerKey } from './count-per-key.js';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';
import { makers, type Visit, type VisitKind } from './keyed-functions.js';

export default defineJob('bench-keyed', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  const make: (n: number) => Visit = makers[env.parameters.string('kind', 'narrow') as VisitKind];
  env.setParallelism(2).enableCheckpointing('500 ms');
  env
    .fromSource(generatorSource({ records, warmUp, make }))
    .keyBy((visit) => visit.page)
    .process(countPerKey)
    .sinkTo(countingSink((visits) => visits & 1));
});
