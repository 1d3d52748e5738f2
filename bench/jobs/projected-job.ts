/**
 * generator of wide records → keyBy('page') → count per key in keyed state. `--fields used`: the count says what it looks at,
 * and nothing else crosses to the other slot; `--fields all`: it does not say.
 */
import { defineJob } from 'millrace';
import { countPerKey } from './count-per-key.js';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';
import { makeWideVisit } from './keyed-functions.js';

export default defineJob('bench-projected', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  env.setParallelism(2).enableCheckpointing('500 ms');
  const keyed = env.fromSource(generatorSource({ records, warmUp, make: makeWideVisit })).keyBy('page');
  const counts =
    env.parameters.string('fields', 'used') === 'used' ? keyed.uses('visits').process(countPerKey) : keyed.process(countPerKey);
  counts.sinkTo(countingSink((visits) => visits & 1));
});
