/**
 * Flights: the average and the worst delay of every airport, over 3,000,000 real flights.
 *
 *     npm start, or npm run example 08
 *     npx millrace run examples/08-flights.ts --rows 30 --least 500
 *
 * Two readers share the row groups of the Parquet file; names of airports come from a CSV file. Both streams meet by
 * airport, in state: whatever comes first waits for the other. At the end of the input every airport tells its figures,
 * and one last operator makes a table of them. With checkpoints on, killing anything in between changes nothing.
 */
import { csvSource, type DataStream, defineJob, maxWatermark, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { flightsSource, type Flight } from './flights-parquet.js';
import { vegaData } from './vega-data.js';

/** A flight, or the name of an airport. */
type Fact = Flight & { readonly name?: string };

interface Figures {
  readonly airport: string;
  readonly flights: number;
  /** Minutes. */
  readonly average: number;
  readonly worst: number;
}

function figures(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Fact, Figures> {
  const name = runtime.valueState<string>('name');
  const sums = runtime.valueState<{ readonly flights: number; readonly minutes: number; readonly worst: number }>('sums');
  return {
    processElement(fact, { time }) {
      if (fact.name !== undefined) return name.update(fact.name);
      const known = sums.value();
      if (known === undefined) {
        time.registerEventTimeTimer(maxWatermark);
        return sums.update({ flights: 1, minutes: fact.delay, worst: fact.delay });
      }
      sums.update({ flights: known.flights + 1, minutes: known.minutes + fact.delay, worst: Math.max(known.worst, fact.delay) });
    },
    onTimer(_at, context, out) {
      const { flights, minutes, worst } = sums.value() ?? { flights: 0, minutes: 0, worst: 0 };
      out.collect({ airport: `${context.currentKey()} ${name.value() ?? '(unknown)'}`, flights, average: minutes / flights, worst });
    },
  };
}

/** The airports with the longest delays, of those with so many flights at least. */
function table(rows: number, flightsMin: number) {
  return (runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Figures, string> => {
    const airports = runtime.listState<Figures>('airports');
    return {
      processElement(airport, { time }) {
        airports.add(airport);
        time.registerEventTimeTimer(maxWatermark);
      },
      onTimer(_at, _context, out) {
        const all = [...airports.get()].sort((a, b) => b.average - a.average || (a.airport < b.airport ? -1 : 1));
        const flights = all.reduce((sum, airport) => sum + airport.flights, 0);
        out.collect(`${flights.toLocaleString('en')} flights from ${all.length} airports; the longest delays, from ${flightsMin} flights:`);
        out.collect(line('airport', 'flights', 'average', 'worst'));
        for (const { airport, flights: count, average, worst } of all.filter((one) => one.flights >= flightsMin).slice(0, rows)) {
          out.collect(line(airport, count.toLocaleString('en'), `${average.toFixed(1)} min`, `${(worst / 60).toFixed(1)} h`));
        }
      },
    };
  };
}

const line = (airport: string, flights: string, average: string, worst: string): string =>
  `${airport.slice(0, 38).padEnd(38)}${flights.padStart(10)}${average.padStart(12)}${worst.padStart(9)}`;

export default defineJob('flights', (env) => {
  env.setParallelism(2).enableCheckpointing('1 s').enableObjectReuse();
  const flights: DataStream<Fact> = env.fromSource(flightsSource(env.parameters.string('flights', vegaData('flights-3m.parquet'))));
  const names = env
    .fromSource(csvSource(env.parameters.string('airports', vegaData('airports.csv')), { columns: { iata: 'string', name: 'string' } }))
    .setParallelism(1)
    .map(({ iata, name }): Fact => ({ origin: iata, delay: 0, name }));

  flights
    .union(names)
    .keyBy((fact) => fact.origin)
    .process(figures)
    .keyBy(() => 'all')
    .process(table(env.parameters.integer('rows', 15), env.parameters.integer('least', 1_000)))
    .setParallelism(1)
    .print()
    .setParallelism(1);
});
