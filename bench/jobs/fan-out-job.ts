/** One generator → two sinks in slots of their own: `--mode rebalance` shares the records out, `broadcast` gives both all of them. */
import { defineJob } from 'millrace';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';
import { lengthOf, makeVisit } from './keyed-functions.js';

export default defineJob('bench-fan-out', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  env.setParallelism(1).enableCheckpointing('500 ms');
  const visits = env.fromSource(generatorSource({ records, warmUp, make: makeVisit })).slotSharingGroup('source');
  const shared = env.parameters.string('mode', 'rebalance') === 'broadcast' ? visits.broadcast() : visits.rebalance();
  shared.sinkTo(countingSink(lengthOf)).setParallelism(2).slotSharingGroup('sinks');
});
