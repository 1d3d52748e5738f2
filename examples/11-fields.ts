/**
 * Fields: name those you look at, and the others do not travel.
 *
 *     npm run example 11
 *     npx millrace info examples/11-fields.ts   (what travels, in brackets: HASH [origin, delay])
 *
 * Flights that were an hour late, by airport. `keyBy` and `uses` say which fields the functions look at; their types let
 * them see no others. So only two of five fields go from slot to slot.
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

export default defineJob('fields', (env) => {
  env.setParallelism(2);
  env
    .fromSource(jsonArraySource<Flight>(env.parameters.string('input', vegaData('flights-20k.json'))))
    .uses('delay')
    .filter(({ delay }) => delay >= 60)
    .keyBy('origin')
    .uses('delay')
    .process<string>((runtime) => {
      const flights = runtime.valueState<number>('flights');
      const minutes = runtime.valueState<number>('minutes');
      return {
        processElement({ origin, delay }, _, out) {
          const count = (flights.value() ?? 0) + 1;
          const sum = (minutes.value() ?? 0) + delay;
          flights.update(count);
          minutes.update(sum);
          if (count % 20 === 0) out.collect(`${origin}: ${count} very late flights, ${Math.round(sum / count)} minutes on average`);
        },
      };
    })
    .print();
});
