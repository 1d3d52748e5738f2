/** What all queries share: where events come from and where rows go. The files `q0.ts` to `q22.ts` are one query each. */
import { defineJob, fileSink, WatermarkStrategy } from 'millrace';
import type { DataStream, JobDefinition, Sink, Source, StreamExecutionEnvironment } from 'millrace';
import type { AuctionEvent } from './events.js';
import { countLateEvents, withoutLateEvents } from './late-gate.js';
import { eventSource, watermarkDelay } from './parameters.js';

export interface QueryOptions<Row> {
  /** `q0` to `q22`. */
  readonly name: string;
  /** Whether late events count. `on-time`: they are parted off next to the source, and the query never sees one. */
  readonly reads: 'all' | 'on-time';
  /** Makes the rows of the events. */
  rows(events: DataStream<AuctionEvent>): DataStream<Row>;
  /** Takes the rows; default: NDJSON files in the folder. */
  sinkTo?(output: string): Sink<Row>;
}

/** A job, and its parts for whoever reads the same rows in another way: a benchmark, a test. */
export interface QueryJob<Row> extends JobDefinition {
  /** The rows of the events that the parameters describe; `through` may stand between the source and all that follows. */
  rowsOf(env: StreamExecutionEnvironment, through?: (source: Source<AuctionEvent>) => Source<AuctionEvent>): DataStream<Row>;
  /** Takes the rows, each exactly once, into files of the folder. */
  sinkTo(output: string): Sink<Row>;
  /** To the files of `--output DIR`, or to the screen. */
  write(rows: DataStream<Row>, env: StreamExecutionEnvironment): void;
}

/** A job that reads events, of files or of the generator, and writes the rows of a query. */
export function defineQuery<Row>({ name, reads, rows, sinkTo = ndjsonFiles }: QueryOptions<Row>): QueryJob<Row> {
  const rowsOf: QueryJob<Row>['rowsOf'] = (env, through = (source) => source) => {
    // No function of the queries changes a record that it was handed.
    env.enableObjectReuse();
    return rows(eventsOf(env, reads, through));
  };
  const write: QueryJob<Row>['write'] = (stream, { parameters }) => {
    if (parameters.has('output')) stream.sinkTo(sinkTo(parameters.path('output')));
    else stream.print();
  };
  return { ...defineJob(`nexmark-${name}`, (env) => write(rowsOf(env), env)), rowsOf, sinkTo, write };
}

const ndjsonFiles = <Row>(output: string): Sink<Row> => fileSink(output, { suffix: '.ndjson' });

function eventsOf(
  env: StreamExecutionEnvironment,
  reads: 'all' | 'on-time',
  through: (source: Source<AuctionEvent>) => Source<AuctionEvent>,
): DataStream<AuctionEvent> {
  const source = through(eventSource(env.parameters));
  const delayMs = watermarkDelay(env.parameters);
  // One event time for people, auctions and bids: assigned before anything is parted.
  const eventTime = WatermarkStrategy.forBoundedOutOfOrderness<AuctionEvent>(delayMs).withTimestampAssigner(({ dateTime }) => dateTime);
  if (reads === 'all') return env.fromSource(source, eventTime);
  const onTime = env.fromSource(withoutLateEvents(source, delayMs), eventTime);
  countLateEvents(onTime);
  return onTime;
}
