/** By hand: joins without time, and winning bids. */
import type { Auction, Bid, Person } from '../../../examples/nexmark/events.js';
import { DueQueue, nothing, type HandWritten, type MakeHandWritten } from './by-hand.js';

const q3: MakeHandWritten = (rows) => {
  const sellers = new Map<number, Person>();
  const waiting = new Map<number, number[]>();
  const join = ({ name, city, state }: Person, id: number): void => rows({ name, city, state, id });
  return {
    take(event) {
      if (event.type === 'person') {
        if (event.state !== 'OR' && event.state !== 'ID' && event.state !== 'CA') return;
        sellers.set(event.id, event);
        for (const id of waiting.get(event.id) ?? []) join(event, id);
        waiting.delete(event.id);
      } else if (event.type === 'auction' && event.category === 10) {
        const seller = sellers.get(event.seller);
        if (seller !== undefined) return join(seller, event.id);
        const others = waiting.get(event.seller);
        if (others === undefined) waiting.set(event.seller, [event.id]);
        else others.push(event.id);
      }
    },
    end: nothing,
  };
};

const q20: MakeHandWritten = (rows) => {
  const auctions = new Map<number, Auction | null>();
  const waiting = new Map<number, Bid[]>();
  const join = (bid: Bid, auction: Auction): void =>
    rows({
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
    });
  return {
    take(event) {
      if (event.type === 'bid') {
        const auction = auctions.get(event.auction);
        if (auction === undefined) {
          const others = waiting.get(event.auction);
          if (others === undefined) waiting.set(event.auction, [event]);
          else others.push(event);
        } else if (auction !== null) join(event, auction);
      } else if (event.type === 'auction') {
        const isWanted = event.category === 10;
        auctions.set(event.id, isWanted ? event : null);
        if (isWanted) for (const bid of waiting.get(event.id) ?? []) join(bid, event);
        waiting.delete(event.id);
      }
    },
    end: nothing,
  };
};

interface Open {
  readonly auction: Auction;
  best: Bid | undefined;
}

function isBetter(bid: Bid, than: Bid): boolean {
  if (bid.price !== than.price) return bid.price > than.price;
  if (bid.dateTime !== than.dateTime) return bid.dateTime < than.dateTime;
  if (bid.bidder !== than.bidder) return bid.bidder < than.bidder;
  return bid.extra < than.extra;
}

/** Hands on each auction with its winning bid when event time has passed its end, in the order of their ends. */
function winningBids(delayMs: number, won: (auction: Auction, bid: Bid) => void): HandWritten {
  const open = new Map<number, Open>();
  const closing = new DueQueue<Open>();
  const early = new Map<number, Bid[]>();
  const forgetting = new DueQueue<number>();
  let latest = -Infinity;
  const consider = (state: Open, bid: Bid): void => {
    if (bid.dateTime < state.auction.dateTime || bid.dateTime > state.auction.expires) return;
    if (state.best === undefined || isBetter(bid, state.best)) state.best = bid;
  };
  const advance = (watermark: number): void => {
    for (let due = closing.poll(watermark); due !== undefined; due = closing.poll(watermark)) {
      open.delete(due.auction.id);
      if (due.best !== undefined) won(due.auction, due.best);
    }
    for (let id = forgetting.poll(watermark); id !== undefined; id = forgetting.poll(watermark)) early.delete(id);
  };
  return {
    take(event) {
      if (event.dateTime > latest) {
        latest = event.dateTime;
        advance(latest - delayMs - 1);
      }
      if (event.type === 'bid') {
        const state = open.get(event.auction);
        if (state !== undefined) return consider(state, event);
        const others = early.get(event.auction);
        if (others !== undefined) return void others.push(event);
        early.set(event.auction, [event]);
        forgetting.push(event.dateTime, event.auction);
      } else if (event.type === 'auction') {
        const state: Open = { auction: event, best: undefined };
        open.set(event.id, state);
        closing.push(event.expires, state);
        for (const bid of early.get(event.id) ?? []) consider(state, bid);
        early.delete(event.id);
      }
    },
    end: () => advance(Infinity),
  };
}

const q9: MakeHandWritten = (rows, delayMs) =>
  winningBids(delayMs, (auction, bid) =>
    rows({
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
    }),
  );

const q4: MakeHandWritten = (rows, delayMs) => {
  const sums = new Map<number, { price: number; auctions: number }>();
  const winners = winningBids(delayMs, ({ category }, { price }) => {
    const sum = sums.get(category);
    if (sum === undefined) sums.set(category, { price, auctions: 1 });
    else {
      sum.price += price;
      sum.auctions += 1;
    }
  });
  return {
    take: winners.take,
    end() {
      winners.end();
      for (const [id, { price, auctions }] of sums) rows({ id, final: Math.floor(price / auctions) });
    },
  };
};

/** Winners come in the order of their ends; those of one instant are not told apart here. */
const q6: MakeHandWritten = (rows, delayMs) => {
  const lastPrices = new Map<number, number[]>();
  return winningBids(delayMs, ({ seller, id }, { price }) => {
    let prices = lastPrices.get(seller);
    if (prices === undefined) lastPrices.set(seller, (prices = []));
    prices.push(price);
    if (prices.length > 10) prices.shift();
    let sum = 0;
    for (const one of prices) sum += one;
    rows({ seller, auction: id, avg_price: Math.floor(sum / prices.length) });
  });
};

export const joins = { q3, q20, q9, q4, q6 };
