/** Joins without time: every pair, whichever came first. §4.2 */
import { allEvents, auctionsIn, bidsIn, grouped, personsIn, type NexmarkInput, type Row } from './events.js';

export function q3(input: NexmarkInput): Row[] {
  const events = allEvents(input);
  const local = personsIn(events).filter((person) => ['OR', 'ID', 'CA'].includes(person.state));
  const auctions = auctionsIn(events).filter((auction) => auction.category === 10);
  return local.flatMap((person) =>
    auctions
      .filter((auction) => auction.seller === person.id)
      .map((auction) => ({ name: person.name, city: person.city, state: person.state, id: auction.id })),
  );
}

export function q20(input: NexmarkInput): Row[] {
  const events = allEvents(input);
  const bidsOf = new Map(grouped(bidsIn(events), (bid) => bid.auction).map((bids) => [bids[0].auction, bids]));
  return auctionsIn(events)
    .filter((auction) => auction.category === 10)
    .flatMap((auction) =>
      (bidsOf.get(auction.id) ?? []).map((bid) => ({
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
      })),
    );
}
