/**
 * q20, expand bids: every bid with its auction, for auctions of category 10. Whichever comes first waits in state for the
 * other; for ever, as there is no condition on time.
 *
 *     npm run nexmark -- q20
 */
import type { KeyedProcessFunction, KeyedRuntimeContext } from 'millrace';
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
function join(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Auction | Bid, Row> {
  const auction = runtime.valueState<Auction | 'other'>('auction');
  const waiting = runtime.listState<Bid>('bids-waiting');
  return {
    processElement(event, _context, out) {
      if (isBid(event)) {
        const known = auction.value();
        if (known === undefined) waiting.add(event);
        else if (known !== 'other') out.collect(expand(event, known));
        return;
      }
      const isWanted = event.category === 10;
      auction.update(isWanted ? event : 'other');
      if (isWanted) for (const bid of waiting.get()) out.collect(expand(bid, event));
      waiting.clear();
    },
  };
}

export default defineQuery<Row>({
  name: 'q20',
  reads: 'all',
  rows: (events) =>
    events
      .filter((event): event is Auction | Bid => isBid(event) || isAuction(event))
      .keyBy((event) => (isBid(event) ? event.auction : event.id))
      .process(join),
});
