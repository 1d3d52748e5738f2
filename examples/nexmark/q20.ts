/**
 * q20, expand bids: every bid with its auction, for auctions of category 10. Whichever comes first waits in state for the
 * other; for ever, as there is no condition on time.
 *
 *     npm run nexmark -- q20
 */
import type { KeyedCoProcessFunction, KeyedRuntimeContext } from 'millrace';
import { isAuction, isBid, type Auction, type Bid } from './events.js';
import { defineQuery } from './query.js';

interface Row extends Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel' | 'url'> {
  readonly bid_dateTime: number;
  readonly bid_extra: string;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly auction_dateTime: number;
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly auction_extra: string;
}

function expand(bid: Bid, auction: Auction): Row {
  return {
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    channel: bid.channel,
    url: bid.url,
    bid_dateTime: bid.dateTime,
    bid_extra: bid.extra,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    auction_dateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    auction_extra: auction.extra,
  };
}

/** An auction of another category is remembered too, as `other`: its bids need not wait. */
function join(runtime: KeyedRuntimeContext): KeyedCoProcessFunction<number, Auction, Bid, Row> {
  const auction = runtime.valueState<Auction | 'other'>('auction');
  const waiting = runtime.listState<Bid>('bids-waiting');
  return {
    processElement1(opened, _context, out) {
      const isWanted = opened.category === 10;
      auction.update(isWanted ? opened : 'other');
      if (isWanted) for (const bid of waiting.get()) out.collect(expand(bid, opened));
      waiting.clear();
    },
    processElement2(bid, _context, out) {
      const known = auction.value();
      if (known === undefined) waiting.add(bid);
      else if (known !== 'other') out.collect(expand(bid, known));
    },
  };
}

export default defineQuery<Row>({
  name: 'q20',
  reads: 'all',
  rows(events) {
    const auctions = events.filter(isAuction).keyBy('id');
    const bids = events.filter(isBid).keyBy('auction');
    return auctions.connect(bids).process(join);
  },
});
