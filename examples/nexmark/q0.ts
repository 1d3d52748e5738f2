/**
 * q0, pass through: every bid as it is. What a query costs that does nothing.
 *
 *     npm run nexmark -- q0
 */
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>;

export default defineQuery<Row>({
  name: 'q0',
  reads: 'all',
  rows: (events) =>
    events.filter(isBid).map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra })),
});
