/**
 * q1, currency: every bid with its price in euros.
 *
 *     npm run nexmark -- q1
 */
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>;

const eurosPerDollar = 0.908;

export default defineQuery<Row>({
  name: 'q1',
  reads: 'all',
  rows: (events) =>
    events.filter(isBid).map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: eurosPerDollar * price,
      dateTime,
      extra,
    })),
});
