/**
 * q7, highest bids: of every ten seconds the bids with the highest price, all of them where several are equal. A maximum is
 * found in parallel, of a share of the auctions each, and then of all.
 *
 *     npm run nexmark -- q7
 */
import { TumblingEventTimeWindows, type AggregateFunction } from 'millrace';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>;

/** Auctions are parted into so many: enough for any sensible parallelism to get an even share. */
const shares = 64;

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

const tenSeconds = TumblingEventTimeWindows.of('10 s');

export default defineQuery<Row>({
  name: 'q7',
  reads: 'on-time',
  rows: (events) =>
    events
      .filter(isBid)
      .select('auction', 'bidder', 'price', 'dateTime', 'extra')
      .uses('auction')
      .keyBy(({ auction }) => auction % shares)
      .window(tenSeconds)
      .aggregate(highest)
      .flatMap((bids) => bids)
      .windowAll(tenSeconds)
      .aggregate(highest)
      .flatMap((bids) => bids),
});
