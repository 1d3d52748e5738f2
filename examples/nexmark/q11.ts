/**
 * q11, sessions: how often each bidder bid without a break of more than ten seconds.
 *
 *     npm run nexmark -- q11
 */
import { EventTimeSessionWindows } from 'millrace';
import { count } from './count.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

interface Row {
  readonly bidder: number;
  readonly bid_count: number;
  readonly starttime: number;
  /** Ten seconds after the last bid. */
  readonly endtime: number;
}

export default defineQuery<Row>({
  name: 'q11',
  reads: 'on-time',
  rows: (events) =>
    events
      .filter(isBid)
      .select('bidder')
      .keyBy('bidder')
      .window(EventTimeSessionWindows.withGap('10 s'))
      .aggregate<number, number, Row>(count, (bidder, { window }, [bid_count = 0], out) =>
        out.collect({ bidder, bid_count, starttime: window.start, endtime: window.end }),
      ),
});
