/** What all queries share: where events come from and where rows go. The files `q0.ts` to `q22.ts` are one query each. */
import { defineJob, fileSink, type DataStream, type JobDefinition, type StreamExecutionEnvironment } from 'millrace';
import type { AuctionEvent } from './events.js';
import { withoutLateEvents } from './late-gate.js';
import { eventSource, watermarkDelay } from './parameters.js';

/** The rows of a query, made of its events. */
export type Query<Row> = (events: DataStream<AuctionEvent>, env: StreamExecutionEnvironment) => DataStream<Row>;

/**
 * A job that reads events, of files or of the generator, and writes the rows of a query: to `--output DIR` as NDJSON, each
 * row exactly once, or to the screen. Queries on `on-time` events never see a late one, and `all` queries see every event.
 */
export function defineQuery<Row>(name: string, reads: 'all' | 'on-time', query: Query<Row>): JobDefinition {
  return defineJob(`nexmark-${name}`, (env) => {
    const rows = query(queryEvents(env, reads), env);
    if (!env.parameters.has('output')) rows.print();
    else rows.sinkTo(fileSink(env.parameters.path('output'), { suffix: '.ndjson' }));
  });
}

/** Events, in event time. */
export function queryEvents(env: StreamExecutionEnvironment, reads: 'all' | 'on-time'): DataStream<AuctionEvent> {
  const source = eventSource(env.parameters);
  const delayMs = watermarkDelay(env.parameters);
  return env.fromSource(reads === 'on-time' ? withoutLateEvents(source, delayMs) : source);
}
