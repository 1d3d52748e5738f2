/**
 * Keyed state: remember something for every key.
 *
 *     npm run example 02                      (embedded, without any server)
 *     npx millrace run examples/02-keyed-state.ts   (on a cluster)
 *
 * For every airport, the longest run of flights in a row that left late. State is asked for once, in `open`; what it
 * holds belongs to the key of the record being processed, and is part of every checkpoint.
 */
import { defineJob, jsonArraySource, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { vegaData } from './vega-data.js';

interface Flight {
  readonly delay: number;
  readonly origin: string;
}

interface Streak {
  readonly origin: string;
  readonly flights: number;
}

/** A function object for each subtask: its fields are no state, they only hold the access to it. */
function longestStreak(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Flight, Streak> {
  const current = runtime.valueState<number>('current streak');
  const longest = runtime.valueState<number>('longest streak');
  return {
    processElement(flight, context, out) {
      const flights = flight.delay > 0 ? (current.value() ?? 0) + 1 : 0;
      current.update(flights);
      if (flights <= (longest.value() ?? 0)) return;
      longest.update(flights);
      if (flights >= 15) out.collect({ origin: context.currentKey(), flights });
    },
  };
}

export default defineJob('keyed-state', (env) => {
  env
    .fromSource(jsonArraySource<Flight>(env.parameters.string('input', vegaData('flights-20k.json'))))
    .keyBy((flight) => flight.origin)
    .process(longestStreak)
    .map((streak) => `${streak.flights} late flights in a row from ${streak.origin}`)
    .print();
});
