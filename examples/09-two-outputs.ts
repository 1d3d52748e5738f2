/**
 * Two inputs, two outputs: streams are values, to be joined and used as often as you like.
 *
 *     npm run example -- 09 --output /tmp/long-flights
 *
 * Flights of two files become one stream (`union`). The long ones are written to files; of all of them the longest so
 * far is printed for every airport. Every use of a stream reads all of its records.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineJob, fileSink, jsonArraySource } from 'millrace';
import { vegaData } from './vega-data.js';

interface Flight {
  readonly origin: string;
  readonly destination: string;
  /** Miles. */
  readonly distance: number;
}

export default defineJob('two-outputs', (env) => {
  const output = env.parameters.string('output', join(tmpdir(), 'millrace-long-flights'));
  env.enableCheckpointing('500 ms');

  const first = env.fromSource(jsonArraySource<Flight>(vegaData('flights-2k.json')));
  const second = env.fromSource(jsonArraySource<Flight>(vegaData('flights-5k.json')));
  const flights = first.union(second);

  flights.filter((flight) => flight.distance >= 2_000).sinkTo(fileSink(output, { suffix: '.ndjson' }));

  flights
    .keyBy((flight) => flight.origin)
    .maxBy('distance')
    .filter((flight) => flight.distance >= 2_500)
    .map(({ origin, destination, distance }) => `as far as ${distance} miles: ${origin} to ${destination}`)
    .print();
});
