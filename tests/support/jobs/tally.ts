/** Running counts of a throttled sequence by remainder, written exactly once: a job that lasts and whose output can be checked. */
import { defineJob, fileSink, sequenceSource, throttled } from 'millrace';

export interface Tally {
  readonly key: number;
  readonly count: number;
  readonly sum: number;
}

/** What the files must hold, sorted: one line a record. */
export function expectedTallies(records: number, keys: number): string[] {
  const counts = new Map<number, Tally>();
  const lines: string[] = [];
  for (let value = 1; value <= records; value++) {
    const key = value % keys;
    const { count, sum } = counts.get(key) ?? { count: 0, sum: 0 };
    counts.set(key, { key, count: count + 1, sum: sum + value });
    lines.push(`${key} ${count + 1}`);
  }
  return lines.sort();
}

export default defineJob('tally', (env) => {
  const { parameters } = env;
  const records = parameters.integer('records');
  const keys = parameters.integer('keys', 7);
  env.setParallelism(parameters.integer('parallelism', 2)).enableCheckpointing(parameters.integer('interval', 100));
  const source = throttled(sequenceSource(1, records), { recordsPerSecond: parameters.integer('rate', 1_000_000) });
  env
    .fromSource(source)
    .map((value): Tally => ({ key: value % keys, count: 1, sum: value }))
    .keyBy((tally) => tally.key)
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count, sum: left.sum + right.sum }))
    .sinkTo(fileSink(parameters.string('output'), { encode: ({ key, count }) => `${key} ${count}` }));
});
