/**
 * Kill a worker: the whole promise in one job.
 *
 *     npm run cluster                                      (one terminal)
 *     npx millrace run examples/10-kill-a-worker.ts        (another)
 *     kill -9 <pid of a TaskManager, or of the JobManager> (a third, as often as you like)
 *
 * 3,000,000 flights are read at a measured pace, about half a minute, and counted by origin; every airport's count goes
 * to files, exactly once, and the sum of all is printed at the end. It is 3,000,000 however often you kill.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineJob, fileSink, maxWatermark, throttled, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { flightsSource } from './flights-parquet.js';
import { vegaData } from './vega-data.js';

interface Count {
  readonly airport: string;
  readonly flights: number;
}

/** Adds up per key, and tells the sum at the end of the input. */
function total(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Count, Count> {
  const sum = runtime.valueState<number>('sum');
  return {
    processElement({ flights }, { time }) {
      if (sum.value() === undefined) time.registerEventTimeTimer(maxWatermark);
      sum.update((sum.value() ?? 0) + flights);
    },
    onTimer: (_at, context, out) => out.collect({ airport: context.currentKey(), flights: sum.value() ?? 0 }),
  };
}

export default defineJob('kill-a-worker', (env) => {
  const output = env.parameters.string('output', join(tmpdir(), 'millrace-flights-by-origin'));
  const rate = { recordsPerSecond: env.parameters.integer('rate', 100_000) };
  env.setParallelism(2).enableCheckpointing('500 ms');

  const counts = env
    .fromSource(throttled(flightsSource(env.parameters.string('input', vegaData('flights-3m.parquet'))), rate))
    .map(({ origin }): Count => ({ airport: origin, flights: 1 }))
    .keyBy(({ airport }) => airport)
    .process(total);

  counts.sinkTo(fileSink(output, { suffix: '.ndjson' }));
  counts
    .keyBy(() => 'all airports')
    .process(total)
    .setParallelism(1)
    .map(({ flights }) => `${flights.toLocaleString('en')} flights were counted`)
    .print()
    .setParallelism(1);
});
