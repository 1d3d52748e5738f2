/**
 * Flights: the delay of every airport on every day, in event time, over 3,000,000 real flights.
 *
 *     npm start, or npm run example 08
 *     npx millrace run examples/08-flights.ts --rows 30 --least 50
 *
 * A flight counts for the day on which it really left, and the file is in the order of the timetable: so event time is out
 * of order. A day is closed a day after its end; flights that come after that go to a side output, and are counted. Names of
 * airports come from another file and are broadcast to every subtask. Killing anything in between changes nothing.
 */
import {
  csvSource,
  defineJob,
  GlobalWindows,
  mapStateDescriptor,
  maxWatermark,
  outputTag,
  parquetSource,
  TumblingEventTimeWindows,
  WatermarkStrategy,
  type AggregateFunction,
  type KeyedBroadcastProcessFunction,
  type KeyedRuntimeContext,
  type WatermarkGenerator,
} from 'millrace';
import { vegaData } from './vega-data.js';

interface Flight {
  readonly origin: string;
  /** When it was to leave. */
  readonly date: Date;
  /** Minutes. */
  readonly delay: number;
}

interface Airport {
  readonly iata: string;
  readonly name: string;
}

/** Flights of an airport on a day. */
interface Day {
  readonly origin: string;
  readonly date: string;
  readonly flights: number;
  readonly minutes: number;
}

const dayMs = 24 * 3_600_000;
const late = outputTag<Flight>('late flights');
const names = mapStateDescriptor<string, string>('names');

const figures: AggregateFunction<Flight, { flights: number; minutes: number }, { flights: number; minutes: number }> = {
  createAccumulator: () => ({ flights: 0, minutes: 0 }),
  add: ({ delay }, sums) => {
    sums.flights += 1;
    sums.minutes += delay;
    return sums;
  },
  getResult: (sums) => sums,
  merge: (left, right) => ({ flights: left.flights + right.flights, minutes: left.minutes + right.minutes }),
};

/**
 * Says that a day is over when a flight left a day after its end, and says so at that flight: what is late is then the same on
 * every run. (`forBoundedOutOfOrderness('1 d')` would say it every 200 ms, wherever the reader is by then.)
 */
function endsOfDays(): WatermarkGenerator<Flight> {
  let lastDay = -Infinity;
  return {
    onEvent(_flight, leftAt, output) {
      const day = Math.floor((leftAt - dayMs) / dayMs);
      if (day <= lastDay) return;
      lastDay = day;
      output.emitWatermark(day * dayMs);
    },
  };
}

/** Gives each day the name of its airport, once all names are known: time passes here when it passed in both streams. */
function named(runtime: KeyedRuntimeContext): KeyedBroadcastProcessFunction<string, Day, Airport, Day> {
  const waiting = runtime.listState<Day>('waiting');
  return {
    processElement(day, context) {
      waiting.add(day);
      context.time.registerEventTimeTimer(context.timestamp() ?? maxWatermark);
    },
    processBroadcastElement({ iata, name }, context) {
      context.broadcastState(names).put(iata, name);
    },
    *onTimer(_time, context) {
      for (const day of waiting.get())
        yield { ...day, origin: `${day.origin} ${context.broadcastState(names).get(day.origin) ?? '(unknown)'}` };
      waiting.clear();
    },
  };
}

interface Worst {
  days: number;
  flights: number;
  worst: readonly Day[];
}

/** The worst days, of those with so many flights at least. */
function worstDays(rows: number, flightsMin: number): AggregateFunction<Day, Worst, Worst> {
  const worstOf = (days: readonly Day[]): readonly Day[] => [...days].sort(byDelay).slice(0, rows);
  return {
    createAccumulator: () => ({ days: 0, flights: 0, worst: [] }),
    add: (day, seen) => ({
      days: seen.days + 1,
      flights: seen.flights + day.flights,
      worst: day.flights < flightsMin ? seen.worst : worstOf([...seen.worst, day]),
    }),
    getResult: (seen) => seen,
    merge: (left, right) => ({
      days: left.days + right.days,
      flights: left.flights + right.flights,
      worst: worstOf([...left.worst, ...right.worst]),
    }),
  };
}

const average = ({ minutes, flights }: Day): number => minutes / flights;
const byDelay = (left: Day, right: Day): number => average(right) - average(left) || (left.origin < right.origin ? -1 : 1);
const line = (airport: string, day: string, flights: string, delay: string): string =>
  `${airport.slice(0, 38).padEnd(38)}${day.padStart(12)}${flights.padStart(9)}${delay.padStart(15)}`;

export default defineJob('flights', (env) => {
  env.setParallelism(2).enableCheckpointing('1 s').enableObjectReuse();
  const { parameters } = env;
  // One reader: how late a flight is says the order of the file.
  const flights = env
    .fromSource(
      parquetSource<Flight>(parameters.string('flights', vegaData('flights-3m.parquet')), { columns: ['date', 'origin', 'delay'] }),
      WatermarkStrategy.forGenerator<Flight>(endsOfDays).withTimestampAssigner(({ date, delay }) => date.getTime() + delay * 60_000),
    )
    .setParallelism(1);
  const airports = env
    .fromSource(csvSource(parameters.string('airports', vegaData('airports.csv')), { columns: { iata: 'string', name: 'string' } }))
    .setParallelism(1);

  const days = flights
    .keyBy('origin')
    .window(TumblingEventTimeWindows.of('1 d'))
    .sideOutputLateData(late)
    .aggregate(figures, (origin, { window }, [sums]) => [{ origin, date: new Date(window.start).toISOString().slice(0, 10), ...sums }]);

  const flightsMin = parameters.integer('least', 100);
  days
    .keyBy('origin')
    .connect(airports.broadcast(names))
    .process(named)
    .windowAll(GlobalWindows.createWithEndOfStreamTrigger())
    .aggregate(worstDays(parameters.integer('rows', 15), flightsMin))
    .flatMap(({ flights: count, days: number, worst }) => [
      `${count.toLocaleString('en')} flights on ${number.toLocaleString('en')} days of airports; the worst days, from ${flightsMin} flights:`,
      line('airport', 'day', 'flights', 'average delay'),
      ...worst.map((day) => line(day.origin, day.date, day.flights.toLocaleString('en'), `${average(day).toFixed(1)} min`)),
    ])
    .print();

  days
    .getSideOutput(late)
    .windowAll(GlobalWindows.createWithEndOfStreamTrigger())
    .process((_key, _context, flightsLate) => [`${[...flightsLate].length} flights came when their day was closed`])
    .print();
});
