/** Two generators → union → keyBy(page) → count per key in keyed state; half of the records cross to the other slot. */
import { defineJob } from 'millrace';
import { countPerKey } from './count-per-key.js';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';
import { makeNewsVisit, makeVisit } from './keyed-functions.js';

export default defineJob('bench-two-input', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  env.setParallelism(2).enableCheckpointing('500 ms');
  const articles = env.fromSource(generatorSource({ records, warmUp, make: makeVisit }), 'articles');
  const news = env.fromSource(generatorSource({ records, warmUp, make: makeNewsVisit }), 'news');
  articles
    .union(news)
    .keyBy((visit) => visit.page)
    .process(countPerKey)
    .sinkTo(countingSink((visits) => visits & 1));
});
