/**
 * q7, highest bids: of every ten seconds the bids with the highest price, all of them where several are equal. Each subtask
 * finds the highest of what it reads, and one the highest of these.
 *
 *     npm run nexmark -- q7
 */
import { TumblingEventTimeWindows, type AggregateFunction } from 'millrace';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>;

/** Bids of one price, the highest so far. */
const highest: AggregateFunction<Row, readonly Row[], readonly Row[]> = {
  createAccumulator: () => [],
  add(bid, bids) {
    const lead = bid.price - (bids[0]?.price ?? 0);
    if (lead < 0) return bids;
    return lead > 0 ? [bid] : [...bids, bid];
  },
  getResult: (bids) => bids,
  merge: (one, other) => other.reduce((bids, bid) => highest.add(bid, bids), one),
};

export default defineQuery<Row>({
  name: 'q7',
  reads: 'on-time',
  rows: (events) =>
    events
      .filter(isBid)
      .select('auction', 'bidder', 'price', 'dateTime', 'extra')
      .windowAll(TumblingEventTimeWindows.of('10 s'))
      .preAggregate()
      .aggregate(highest)
      .flatMap((bids) => bids),
});
