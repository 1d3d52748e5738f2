/** A fast source in front of a map that is slow, each in a task of its own; it lasts until it is cancelled. */
import { defineJob, sequenceSource } from 'millrace';

export default defineJob('slow-sink', (env) => {
  env.setParallelism(1);
  env
    .fromSource(sequenceSource(1, 1_000_000_000))
    .map((value) => ({ value, text: 'x'.repeat(1_000) }))
    .name('widen')
    .rebalance()
    .map((record) => {
      for (const until = performance.now() + 2; performance.now() < until;);
      return record;
    })
    .name('slow')
    .filter(() => false)
    .print();
});
