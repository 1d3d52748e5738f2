/**
 * Winning bids: the highest bid of each auction between its opening and its end; among equals the earliest, then the one of
 * the smallest bidder, then the one with the smallest `extra`.
 *
 * An auction closes when event time reaches its end; a bid that came before its auction is forgotten when event time
 * reaches the bid, as the auction cannot be older any more. So state holds what is open, and little else.
 */
import type { DataStream, KeyedCoProcessFunction, KeyedRuntimeContext, SingleOutputStream } from 'millrace';
import type { Auction, Bid } from './events.js';
import { compareTexts } from './text-order.js';

/** What has to be known of an auction; the rest is handed on as it is. */
type Lot = Pick<Auction, 'id' | 'dateTime' | 'expires'>;

/** The same of a bid. Without `extra`, equal bids of one bidder are not told apart. */
type Offer = Pick<Bid, 'auction' | 'price' | 'dateTime' | 'bidder'> & Partial<Pick<Bid, 'extra'>>;

export interface WonAuction<A, B> {
  readonly auction: A;
  readonly bid: B;
}

/** One for each auction that somebody won, when it closes; its timestamp is the end of the auction. Of events on time. */
export function winningBids<A extends Lot, B extends Offer>(
  auctions: DataStream<A>,
  bids: DataStream<B>,
): SingleOutputStream<WonAuction<A, B>> {
  const byId = auctions.uses('id').keyBy(({ id }): number => id);
  const byAuction = bids.uses('auction').keyBy(({ auction }): number => auction);
  return byId.connect(byAuction).process<WonAuction<A, B>>(closeAuctions<A, B>);
}

function closeAuctions<A extends Lot, B extends Offer>(
  runtime: KeyedRuntimeContext,
): KeyedCoProcessFunction<number, A, B, WonAuction<A, B>> {
  const open = runtime.valueState<A>('auction');
  const best = runtime.valueState<B>('best-bid');
  /** Bids whose auction is not here yet; a timer stands at the earliest. */
  const early = runtime.listState<B>('early-bids');
  const consider = (bid: B, { dateTime, expires }: A): void => {
    if (bid.dateTime < dateTime || bid.dateTime > expires) return;
    const leader = best.value();
    if (leader === undefined || isBetter(bid, leader)) best.update(bid);
  };
  return {
    processElement1(auction, { time }) {
      open.update(auction);
      for (const bid of early.get()) consider(bid, auction);
      early.clear();
      time.registerEventTimeTimer(auction.expires);
    },
    processElement2(bid, { time }) {
      const auction = open.value();
      if (auction !== undefined) return consider(bid, auction);
      if (early.get().every(({ dateTime }) => bid.dateTime < dateTime)) time.registerEventTimeTimer(bid.dateTime);
      early.add(bid);
    },
    onTimer(at, { time }, out) {
      const auction = open.value();
      if (auction !== undefined) {
        if (at < auction.expires) return;
        const bid = best.value();
        if (bid !== undefined) out.collect({ auction, bid });
        open.clear();
        best.clear();
        return;
      }
      const kept = early.get().filter(({ dateTime }) => dateTime > at);
      early.update(kept);
      const next = kept.reduce((earliest, { dateTime }) => Math.min(earliest, dateTime), Infinity);
      if (next < Infinity) time.registerEventTimeTimer(next);
    },
  };
}

function isBetter(bid: Offer, than: Offer): boolean {
  if (bid.price !== than.price) return bid.price > than.price;
  if (bid.dateTime !== than.dateTime) return bid.dateTime < than.dateTime;
  if (bid.bidder !== than.bidder) return bid.bidder < than.bidder;
  return compareTexts(bid.extra ?? '', than.extra ?? '') < 0;
}
