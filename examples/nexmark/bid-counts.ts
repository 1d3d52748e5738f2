/** The twelve counts of the reports q15 and q16: bids, and distinct bidders and auctions, by rank of the price. */
import type { KeyedRuntimeContext } from 'millrace';
import type { Bid } from './events.js';

export interface BidCounts {
  readonly total_bids: number;
  readonly rank1_bids: number;
  readonly rank2_bids: number;
  readonly rank3_bids: number;
  readonly total_bidders: number;
  readonly rank1_bidders: number;
  readonly rank2_bidders: number;
  readonly rank3_bidders: number;
  readonly total_auctions: number;
  readonly rank1_auctions: number;
  readonly rank2_auctions: number;
  readonly rank3_auctions: number;
}

type Counted = Pick<Bid, 'auction' | 'bidder' | 'price'>;

/** Below 100 dollars, below 10,000 dollars, and from there on. */
export function rankOf(price: number): 1 | 2 | 3 {
  if (price < 10_000) return 1;
  return price < 1_000_000 ? 2 : 3;
}

/** The counts of a key while there are more bids to come; those by rank in the order of the ranks. */
interface Tally {
  readonly bids: number[];
  readonly bidders: number[];
  readonly auctions: number[];
  allBidders: number;
  allAuctions: number;
}

const noBids = (): Tally => ({ bids: [0, 0, 0], bidders: [0, 0, 0], auctions: [0, 0, 0], allBidders: 0, allAuctions: 0 });

/** The counts of a key, in state. Who was seen at which ranks is remembered as bits: 1, 2 and 4. */
export function bidCounts(runtime: KeyedRuntimeContext) {
  const tally = runtime.valueState<Tally>('tally');
  const bidderRanks = runtime.mapState<number, number>('bidder-ranks');
  const auctionRanks = runtime.mapState<number, number>('auction-ranks');
  return {
    isEmpty: (): boolean => tally.value() === undefined,
    /** The counts, and forgets them. */
    take(): BidCounts {
      const counts = shown(tally.value() ?? noBids());
      for (const state of [tally, bidderRanks, auctionRanks]) state.clear();
      return counts;
    },
    add({ auction, bidder, price }: Counted): void {
      const known = tally.value() ?? noBids();
      const place = rankOf(price) - 1;
      const bit = 1 << place;
      addTo(known.bids, place);
      const ofBidder = bidderRanks.get(bidder) ?? 0;
      if ((ofBidder & bit) === 0) {
        bidderRanks.put(bidder, ofBidder | bit);
        addTo(known.bidders, place);
        if (ofBidder === 0) known.allBidders += 1;
      }
      const ofAuction = auctionRanks.get(auction) ?? 0;
      if ((ofAuction & bit) === 0) {
        auctionRanks.put(auction, ofAuction | bit);
        addTo(known.auctions, place);
        if (ofAuction === 0) known.allAuctions += 1;
      }
      tally.update(known);
    },
  };
}

function addTo(counts: number[], place: number): void {
  counts[place] = (counts[place] ?? 0) + 1;
}

function shown({ bids, bidders, auctions, allBidders, allAuctions }: Tally): BidCounts {
  const [rank1_bids = 0, rank2_bids = 0, rank3_bids = 0] = bids;
  const [rank1_bidders = 0, rank2_bidders = 0, rank3_bidders = 0] = bidders;
  const [rank1_auctions = 0, rank2_auctions = 0, rank3_auctions = 0] = auctions;
  return {
    total_bids: rank1_bids + rank2_bids + rank3_bids,
    rank1_bids,
    rank2_bids,
    rank3_bids,
    total_bidders: allBidders,
    rank1_bidders,
    rank2_bidders,
    rank3_bidders,
    total_auctions: allAuctions,
    rank1_auctions,
    rank2_auctions,
    rank3_auctions,
  };
}
