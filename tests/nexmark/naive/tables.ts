/** Tables as they stand at the end of the input: §4.5. */
import { allEvents, average, bidsIn, grouped, sum, textOrder, type Bid, type NexmarkInput, type Row } from './events.js';

const dayOf = (bid: Bid): string => new Date(bid.dateTime).toISOString().slice(0, 10);
const minuteOf = (bid: Bid): string => new Date(bid.dateTime).toISOString().slice(11, 16);

const ranks: readonly (readonly [name: string, isInRank: (bid: Bid) => boolean])[] = [
  ['total', () => true],
  ['rank1', ({ price }) => price < 10_000],
  ['rank2', ({ price }) => price >= 10_000 && price < 1_000_000],
  ['rank3', ({ price }) => price >= 1_000_000],
];

const counted: readonly (readonly [name: string, count: (bids: readonly Bid[]) => number])[] = [
  ['bids', (bids) => bids.length],
  ['bidders', (bids) => new Set(bids.map(({ bidder }) => bidder)).size],
  ['auctions', (bids) => new Set(bids.map(({ auction }) => auction)).size],
];

function countsOf(bids: readonly Bid[], which: typeof counted): Row {
  return Object.fromEntries(which.flatMap(([what, count]) => ranks.map(([rank, isIn]) => [`${rank}_${what}`, count(bids.filter(isIn))])));
}

export const q15 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), dayOf).map((bids) => ({ day: dayOf(bids[0]), ...countsOf(bids, counted) }));

export const q16 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), (bid) => `${dayOf(bid)} ${bid.channel}`).map((bids) => ({
    channel: bids[0].channel,
    day: dayOf(bids[0]),
    minute: bids.map(minuteOf).sort().at(-1),
    ...countsOf(bids, counted),
  }));

export const q17 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), (bid) => `${dayOf(bid)} ${bid.auction}`).map((bids) => {
    const prices = bids.map(({ price }) => price).sort((a, b) => a - b);
    return {
      auction: bids[0].auction,
      day: dayOf(bids[0]),
      ...countsOf(bids, counted.slice(0, 1)),
      min_price: prices[0],
      max_price: prices.at(-1),
      avg_price: average(prices),
      sum_price: sum(prices),
    };
  });

function withoutType(bid: Bid): Row {
  const { type: _, ...row } = bid;
  return row;
}

export const q18 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), ({ bidder, auction }) => `${bidder} ${auction}`).map((bids) => {
    const inOrder = [...bids].sort(
      (a, b) =>
        a.dateTime - b.dateTime ||
        a.price - b.price ||
        textOrder(a.channel, b.channel) ||
        textOrder(a.url, b.url) ||
        textOrder(a.extra, b.extra),
    );
    return withoutType(inOrder.at(-1) as Bid);
  });

export const q19 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), ({ auction }) => auction).flatMap((bids) => {
    const inOrder = [...bids].sort(
      (a, b) =>
        b.price - a.price ||
        a.dateTime - b.dateTime ||
        a.bidder - b.bidder ||
        textOrder(a.channel, b.channel) ||
        textOrder(a.url, b.url) ||
        textOrder(a.extra, b.extra),
    );
    return inOrder.slice(0, 10).map((bid, place) => ({ ...withoutType(bid), rank_number: place + 1 }));
  });
