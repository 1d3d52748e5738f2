/**
 * q9, winning bids: each auction that somebody won, with its winning bid, when it closes.
 *
 *     npm run nexmark -- q9
 */
import { isAuctionOrBid, type Auction, type Bid } from './events.js';
import { defineQuery } from './query.js';
import { winningBids } from './winning-bids.js';

type Row = Omit<Auction, 'type'> &
  Pick<Bid, 'auction' | 'bidder' | 'price'> & { readonly bid_dateTime: number; readonly bid_extra: string };

export default defineQuery<Row>({
  name: 'q9',
  reads: 'on-time',
  rows: (events) =>
    winningBids(events.filter(isAuctionOrBid).map(needed)).map(({ auction, bid }) => ({
      id: auction.id,
      itemName: auction.itemName,
      description: auction.description,
      initialBid: auction.initialBid,
      reserve: auction.reserve,
      dateTime: auction.dateTime,
      expires: auction.expires,
      seller: auction.seller,
      category: auction.category,
      extra: auction.extra,
      auction: bid.auction,
      bidder: bid.bidder,
      price: bid.price,
      bid_dateTime: bid.dateTime,
      bid_extra: bid.extra,
    })),
});

/** Of bids, without the texts that nobody asks for. */
function needed(event: Auction | Bid) {
  if (event.type === 'auction') return event;
  const { type, auction, bidder, price, dateTime, extra } = event;
  return { type, auction, bidder, price, dateTime, extra };
}
