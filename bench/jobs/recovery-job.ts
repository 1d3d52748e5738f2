/** A job that goes on until it is stopped: 2,000 records a second, counted by key, a checkpoint every 200 ms. */
import { defineJob, sequenceSource, throttled } from 'millrace';

export default defineJob('bench-recovery', (env) => {
  env.setParallelism(2).enableCheckpointing('200 ms');
  env
    .fromSource(throttled(sequenceSource(1, Number.MAX_SAFE_INTEGER - 1, { splits: 4 }), { recordsPerSecond: 2_000 }), 'numbers')
    .map((number) => ({ key: number % 100, sum: 1 }))
    .keyBy(({ key }) => key)
    .sum('sum')
    .filter(({ sum }) => sum % 1_000_000 === 0)
    .print();
});
