/** The twelve counts of the reports q15 and q16: bids, and distinct bidders and auctions, by rank of the price. */
import type { KeyedRuntimeContext } from 'millrace';
import type { Bid } from './events.js';

export interface BidCounts {
  total_bids: number;
  rank1_bids: number;
  rank2_bids: number;
  rank3_bids: number;
  total_bidders: number;
  rank1_bidders: number;
  rank2_bidders: number;
  rank3_bidders: number;
  total_auctions: number;
  rank1_auctions: number;
  rank2_auctions: number;
  rank3_auctions: number;
}

type Counted = Pick<Bid, 'auction' | 'bidder' | 'price'>;

/** Below 100 dollars, below 10,000 dollars, and from there on. */
export function rankOf(price: number): 1 | 2 | 3 {
  if (price < 10_000) return 1;
  return price < 1_000_000 ? 2 : 3;
}

const noBids: BidCounts = {
  total_bids: 0,
  rank1_bids: 0,
  rank2_bids: 0,
  rank3_bids: 0,
  total_bidders: 0,
  rank1_bidders: 0,
  rank2_bidders: 0,
  rank3_bidders: 0,
  total_auctions: 0,
  rank1_auctions: 0,
  rank2_auctions: 0,
  rank3_auctions: 0,
};

/** The counts of a key, in state. Who was seen at which ranks is remembered as bits: 1, 2 and 4. */
export function bidCounts(runtime: KeyedRuntimeContext) {
  const counts = runtime.valueState<BidCounts>('counts');
  const bidderRanks = runtime.mapState<number, number>('bidder-ranks');
  const auctionRanks = runtime.mapState<number, number>('auction-ranks');
  return {
    isEmpty: (): boolean => counts.value() === undefined,
    get: (): BidCounts => counts.value() ?? noBids,
    add({ auction, bidder, price }: Counted): void {
      const known = counts.value() ?? { ...noBids };
      const rank = rankOf(price);
      const bit = 1 << (rank - 1);
      known.total_bids += 1;
      known[`rank${rank}_bids`] += 1;
      const ofBidder = bidderRanks.get(bidder) ?? 0;
      if ((ofBidder & bit) === 0) {
        bidderRanks.put(bidder, ofBidder | bit);
        known[`rank${rank}_bidders`] += 1;
        if (ofBidder === 0) known.total_bidders += 1;
      }
      const ofAuction = auctionRanks.get(auction) ?? 0;
      if ((ofAuction & bit) === 0) {
        auctionRanks.put(auction, ofAuction | bit);
        known[`rank${rank}_auctions`] += 1;
        if (ofAuction === 0) known.total_auctions += 1;
      }
      counts.update(known);
    },
  };
}
