/**
 * Hello: read a file, count by key, print.
 *
 *     npm run example 01                      (embedded, without any server)
 *     npx millrace run examples/01-hello.ts   (on a cluster)
 *     npx millrace run examples/01-hello.ts --input /path/to/flights.json
 *
 * `keyBy` sends all flights of one origin to the same place; `reduce` keeps one value a key and hands on every new one,
 * so the printed counts grow. The same job runs with one slot or with many: types and results stay as they are.
 */
import { defineJob, jsonArraySource } from 'millrace';
import { vegaData } from './vega-data.js';

interface Flight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export default defineJob('hello', (env) => {
  const input = env.parameters.string('input', vegaData('flights-20k.json'));

  env
    .fromSource(jsonArraySource<Flight>(input))
    .map((flight) => ({ origin: flight.origin, flights: 1 }))
    .keyBy((count) => count.origin)
    .sum('flights')
    .filter((count) => count.flights % 100 === 0)
    .map((count) => `${count.flights} flights from ${count.origin}`)
    .print();
});
