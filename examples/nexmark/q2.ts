/**
 * q2, selection: bids for every 123rd auction.
 *
 *     npm run nexmark -- q2
 */
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

export default defineQuery<Pick<Bid, 'auction' | 'price'>>({
  name: 'q2',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .filter(({ auction }) => auction % 123 === 0)
      .map(({ auction, price }) => ({ auction, price })),
});
