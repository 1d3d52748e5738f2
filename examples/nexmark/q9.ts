/**
 * q9, winning bids: each auction that somebody won, with its winning bid, when it closes.
 *
 *     npm run nexmark -- q9
 */
import { isAuction, isBid, type Auction, type Bid } from './events.js';
import { defineQuery } from './query.js';
import { winningBids } from './winning-bids.js';

type Row = Omit<Auction, 'type'> &
  Pick<Bid, 'auction' | 'bidder' | 'price'> & { readonly bid_dateTime: number; readonly bid_extra: string };

export default defineQuery<Row>({
  name: 'q9',
  reads: 'on-time',
  rows: (events) =>
    winningBids(events.filter(isAuction), events.filter(isBid).select('auction', 'bidder', 'price', 'dateTime', 'extra')).map(
      ({ auction: { type: _, ...auction }, bid }) => ({
        ...auction,
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        bid_dateTime: bid.dateTime,
        bid_extra: bid.extra,
      }),
    ),
});
