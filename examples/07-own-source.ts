/**
 * A source of your own: `flights-parquet.ts` reads Parquet by way of a library, in 60 lines (`parquetSource` is there ready-made).
 *
 *     npm run example 07                      (embedded, without any server)
 *     npx millrace run examples/07-own-source.ts   (on a cluster)
 *
 * The five latest of 3,000,000 flights. The file has 11 row groups; two readers take one after another.
 */
import { defineJob, maxWatermark, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { flightsSource, type Flight } from './flights-parquet.js';
import { vegaData } from './vega-data.js';

const kept = 5;

function latest(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Flight, string> {
  const worst = runtime.valueState<readonly Flight[]>('worst');
  return {
    processElement(flight, { time }) {
      const flights = worst.value() ?? [];
      if (flights.length === kept && flight.delay <= (flights[kept - 1]?.delay ?? 0)) return;
      worst.update([...flights, flight].sort((a, b) => b.delay - a.delay).slice(0, kept));
      time.registerEventTimeTimer(maxWatermark);
    },
    onTimer: (_at, _context, out) => {
      for (const { origin, delay } of worst.value() ?? []) out.collect(`${(delay / 60).toFixed(1)} hours late from ${origin}`);
    },
  };
}

export default defineJob('own-source', (env) => {
  env
    .setParallelism(2)
    .fromSource(flightsSource(env.parameters.string('input', vegaData('flights-3m.parquet'))))
    .filter((flight) => flight.delay >= 600)
    .keyBy(() => 'all')
    .process(latest)
    .setParallelism(1)
    .print()
    .setParallelism(1);
});
