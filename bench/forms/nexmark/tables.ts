/** By hand: tables that are told at the end. */
import type { Bid } from '../../../examples/nexmark/events.js';
import type { MakeHandWritten, Rows } from './by-hand.js';

const dayOf = (ms: number): number => Math.floor(ms / 86_400_000);
const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);
const rankOf = (price: number): number => (price < 10_000 ? 0 : price < 1_000_000 ? 1 : 2);

/** A table with an entry for each key, that a bid makes or changes. */
function table<K, Entry>(options: {
  readonly keyOf: (bid: Bid) => K;
  readonly add: (entry: Entry | undefined, bid: Bid) => Entry;
  readonly tell: (key: K, entry: Entry, rows: Rows) => void;
}): MakeHandWritten {
  const { keyOf, add, tell } = options;
  return (rows) => {
    const entries = new Map<K, Entry>();
    return {
      take(event) {
        if (event.type !== 'bid') return;
        const key = keyOf(event);
        const entry = entries.get(key);
        const next = add(entry, event);
        if (next !== entry) entries.set(key, next);
      },
      end() {
        for (const [key, entry] of entries) tell(key, entry, rows);
      },
    };
  };
}

interface Counts {
  readonly bids: [number, number, number];
  readonly bidders: [Set<number>, Set<number>, Set<number>];
  readonly auctions: [Set<number>, Set<number>, Set<number>];
  readonly allBidders: Set<number>;
  readonly allAuctions: Set<number>;
  minute: number;
}

function addCounts(known: Counts | undefined, { auction, bidder, price, dateTime }: Bid): Counts {
  const counts = known ?? {
    bids: [0, 0, 0],
    bidders: [new Set(), new Set(), new Set()],
    auctions: [new Set(), new Set(), new Set()],
    allBidders: new Set(),
    allAuctions: new Set(),
    minute: 0,
  };
  const rank = rankOf(price) as 0 | 1 | 2;
  counts.bids[rank] += 1;
  counts.bidders[rank].add(bidder);
  counts.auctions[rank].add(auction);
  counts.allBidders.add(bidder);
  counts.allAuctions.add(auction);
  const minute = Math.floor((dateTime % 86_400_000) / 60_000);
  if (minute > counts.minute) counts.minute = minute;
  return counts;
}

const shown = ({ bids, bidders, auctions, allBidders, allAuctions }: Counts): object => ({
  total_bids: bids[0] + bids[1] + bids[2],
  rank1_bids: bids[0],
  rank2_bids: bids[1],
  rank3_bids: bids[2],
  total_bidders: allBidders.size,
  rank1_bidders: bidders[0].size,
  rank2_bidders: bidders[1].size,
  rank3_bidders: bidders[2].size,
  total_auctions: allAuctions.size,
  rank1_auctions: auctions[0].size,
  rank2_auctions: auctions[1].size,
  rank3_auctions: auctions[2].size,
});

const q15 = table<number, Counts>({
  keyOf: ({ dateTime }) => dayOf(dateTime),
  add: addCounts,
  tell: (day, counts, rows) => rows({ day: dayText(day), ...shown(counts) }),
});

const q16 = table<string, Counts>({
  keyOf: ({ channel, dateTime }) => `${dayOf(dateTime)} ${channel}`,
  add: addCounts,
  tell: (key, counts, rows) =>
    rows({ channel: key.slice(key.indexOf(' ') + 1), day: dayText(parseInt(key, 10)), minute: counts.minute, ...shown(counts) }),
});

interface Figures {
  readonly bids: [number, number, number];
  min: number;
  max: number;
  sum: number;
}

const q17 = table<string, Figures>({
  keyOf: ({ auction, dateTime }) => `${dayOf(dateTime)} ${auction}`,
  add: (known, { price }) => {
    const figures = known ?? { bids: [0, 0, 0], min: Infinity, max: -Infinity, sum: 0 };
    figures.bids[rankOf(price) as 0 | 1 | 2] += 1;
    figures.min = Math.min(figures.min, price);
    figures.max = Math.max(figures.max, price);
    figures.sum += price;
    return figures;
  },
  tell: (key, { bids, min, max, sum }, rows) => {
    const total_bids = bids[0] + bids[1] + bids[2];
    rows({
      auction: Number(key.slice(key.indexOf(' ') + 1)),
      day: dayText(parseInt(key, 10)),
      total_bids,
      rank1_bids: bids[0],
      rank2_bids: bids[1],
      rank3_bids: bids[2],
      min_price: min,
      max_price: max,
      avg_price: Math.floor(sum / total_bids),
      sum_price: sum,
    });
  },
});

function isLater(bid: Bid, than: Bid): boolean {
  if (bid.dateTime !== than.dateTime) return bid.dateTime > than.dateTime;
  if (bid.price !== than.price) return bid.price > than.price;
  if (bid.channel !== than.channel) return bid.channel > than.channel;
  return bid.url === than.url ? bid.extra > than.extra : bid.url > than.url;
}

const rowOf = ({ auction, bidder, price, channel, url, dateTime, extra }: Bid): object => ({
  auction,
  bidder,
  price,
  channel,
  url,
  dateTime,
  extra,
});

const q18 = table<string, Bid>({
  keyOf: ({ bidder, auction }) => `${bidder} ${auction}`,
  add: (known, bid) => (known === undefined || isLater(bid, known) ? bid : known),
  tell: (_key, bid, rows) => rows(rowOf(bid)),
});

function ranksBefore(bid: Bid, other: Bid): boolean {
  if (bid.price !== other.price) return bid.price > other.price;
  if (bid.dateTime !== other.dateTime) return bid.dateTime < other.dateTime;
  if (bid.bidder !== other.bidder) return bid.bidder < other.bidder;
  if (bid.channel !== other.channel) return bid.channel < other.channel;
  return bid.url === other.url ? bid.extra < other.extra : bid.url < other.url;
}

const q19 = table<number, Bid[]>({
  keyOf: ({ auction }) => auction,
  add: (highest = [], bid) => {
    let place = highest.length;
    while (place > 0 && ranksBefore(bid, highest[place - 1] as Bid)) place -= 1;
    if (place === 10) return highest;
    highest.splice(place, 0, bid);
    if (highest.length > 10) highest.pop();
    return highest;
  },
  tell: (_auction, highest, rows) => highest.forEach((bid, place) => rows({ ...rowOf(bid), rank_number: place + 1 })),
});

export const tables = { q15, q16, q17, q18, q19 };
