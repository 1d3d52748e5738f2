/** generator → map → filter → map → count, chained into one task. */
import { defineJob } from 'millrace';
import { inEuro, isNotPhone, makeBid, rounded, weight } from './chain-functions.js';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';

export default defineJob('bench-chain', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  env.setParallelism(1).enableCheckpointing('500 ms');
  env
    .fromSource(generatorSource({ records, warmUp, make: makeBid }))
    .map(inEuro)
    .filter(isNotPhone)
    .map(rounded)
    .sinkTo(countingSink(weight));
});
