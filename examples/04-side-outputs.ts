/**
 * Side outputs: more than one result stream, and what to do with rows that cannot be read.
 *
 *     npm run example 04                      (embedded, without any server)
 *     npx millrace run examples/04-side-outputs.ts   (on a cluster)
 *
 * Airports of the United States by state. A malformed row fails the job, naming file and line, unless the source is told
 * to hand such rows to the side output `malformedRows`: here the latitude of every airport is taken for a whole number,
 * which it never is, when you run it with `-- --strict true`.
 * A function of your own has side outputs too: `outputTag` names one and gives it a type.
 */
import { csvSource, defineJob, malformedRows, outputTag, type ProcessFunction } from 'millrace';
import { vegaData } from './vega-data.js';

interface Airport {
  readonly iata: string;
  readonly name: string;
  readonly state: string;
  readonly latitude: number;
}

const beyondTheArctic = outputTag<Airport>('beyond the arctic circle');

const sortOut: ProcessFunction<Airport, Airport> = {
  processElement(airport, context, out) {
    if (airport.latitude > 66.56) context.output(beyondTheArctic, airport);
    else out.collect(airport);
  },
};

export default defineJob('side-outputs', (env) => {
  const latitude = env.parameters.boolean('strict', false) ? 'integer' : 'number';
  const airports = env.fromSource(
    csvSource(env.parameters.string('input', vegaData('airports.csv')), {
      columns: { iata: 'string', name: 'string', state: 'string', latitude },
      malformed: 'side-output',
    }),
  );
  const sorted = airports.process(sortOut);

  sorted
    .map(({ state }) => ({ state, airports: 1 }))
    .keyBy(({ state }) => state)
    .sum('airports')
    .filter(({ airports: count }) => count % 50 === 0)
    .map(({ state, airports: count }) => `${state} has ${count} airports and counting`)
    .print();

  sorted
    .getSideOutput(beyondTheArctic)
    .map(({ iata, name }) => `far north: ${name} (${iata})`)
    .print();

  airports
    .getSideOutput(malformedRows)
    .map(({ line, reason }) => `line ${line ?? '?'}: ${reason}`)
    .print();
});
