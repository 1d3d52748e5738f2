/** Winning bids and what is made of them: §4.3. */
import {
  auctionsIn,
  average,
  bidsIn,
  grouped,
  onTimeEvents,
  textOrder,
  type Auction,
  type Bid,
  type NexmarkInput,
  type Row,
} from './events.js';

interface Sale {
  readonly auction: Auction;
  readonly winner: Bid;
}

function sales(input: NexmarkInput): readonly Sale[] {
  const events = onTimeEvents(input);
  const bidsOf = new Map(grouped(bidsIn(events), (bid) => bid.auction).map((bids) => [bids[0].auction, bids]));
  return auctionsIn(events).flatMap((auction) => {
    const valid = (bidsOf.get(auction.id) ?? []).filter((bid) => bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires);
    const [winner] = valid.sort(
      (a, b) => b.price - a.price || a.dateTime - b.dateTime || a.bidder - b.bidder || textOrder(a.extra, b.extra),
    );
    return winner === undefined ? [] : [{ auction, winner }];
  });
}

export const q9 = (input: NexmarkInput): Row[] =>
  sales(input).map(({ auction, winner }) => ({
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
    auction: winner.auction,
    bidder: winner.bidder,
    price: winner.price,
    bid_dateTime: winner.dateTime,
    bid_extra: winner.extra,
  }));

export const q4 = (input: NexmarkInput): Row[] =>
  grouped(sales(input), ({ auction }) => auction.category).map((ofCategory) => ({
    id: ofCategory[0].auction.category,
    final: average(ofCategory.map(({ winner }) => winner.price)),
  }));

export const q6 = (input: NexmarkInput): Row[] =>
  grouped(sales(input), ({ auction }) => auction.seller).flatMap((ofSeller) => {
    const inOrder = [...ofSeller].sort((a, b) => a.auction.expires - b.auction.expires || a.auction.id - b.auction.id);
    return inOrder.map(({ auction }, place) => ({
      seller: auction.seller,
      auction: auction.id,
      avg_price: average(inOrder.slice(Math.max(0, place - 9), place + 1).map(({ winner }) => winner.price)),
    }));
  });
