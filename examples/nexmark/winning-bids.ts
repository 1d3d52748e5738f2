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

/** An auction that has not closed, and the bid that wins if no other comes. */
interface Open<A, B> {
  readonly auction: A;
  best: B | null;
}

function closeAuctions<A extends Lot, B extends Offer>(
  runtime: KeyedRuntimeContext,
): KeyedCoProcessFunction<number, A, B, WonAuction<A, B>> {
  const open = runtime.valueState<Open<A, B>>('open');
  /** Bids whose auction is not here yet; a timer stands at the earliest. */
  const early = runtime.listState<B>('early-bids');
  return {
    processElement1(auction, { time }) {
      const best = early.get().reduce<B | null>((leader, bid) => (leads(bid, auction, leader) ? bid : leader), null);
      early.clear();
      open.update({ auction, best });
      time.registerEventTimeTimer(auction.expires);
    },
    processElement2(bid, { time }) {
      const state = open.value();
      if (state === undefined) {
        if (early.get().every(({ dateTime }) => bid.dateTime < dateTime)) time.registerEventTimeTimer(bid.dateTime);
        early.add(bid);
      } else if (leads(bid, state.auction, state.best)) {
        state.best = bid;
        open.update(state);
      }
    },
    onTimer(at, { time }, out) {
      const state = open.value();
      if (state !== undefined) {
        const { auction, best } = state;
        if (at < auction.expires) return;
        if (best !== null) out.collect({ auction, bid: best });
        return open.clear();
      }
      const kept = early.get().filter(({ dateTime }) => dateTime > at);
      early.update(kept);
      const next = kept.reduce((earliest, { dateTime }) => Math.min(earliest, dateTime), Infinity);
      if (next < Infinity) time.registerEventTimeTimer(next);
    },
  };
}

/** Whether a bid counts for the auction, and beats the one that led so far. */
function leads(bid: Offer, { dateTime, expires }: Lot, leader: Offer | null): boolean {
  return bid.dateTime >= dateTime && bid.dateTime <= expires && (leader === null || isBetter(bid, leader));
}

function isBetter(bid: Offer, than: Offer): boolean {
  if (bid.price !== than.price) return bid.price > than.price;
  if (bid.dateTime !== than.dateTime) return bid.dateTime < than.dateTime;
  if (bid.bidder !== than.bidder) return bid.bidder < than.bidder;
  return compareTexts(bid.extra ?? '', than.extra ?? '') < 0;
}
