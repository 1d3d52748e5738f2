/**
 * Winning bids: the highest bid of each auction between its opening and its end; among equals the earliest, then the one of
 * the smallest bidder, then the one with the smallest `extra`.
 *
 * An auction closes when event time reaches its end; a bid that came before its auction is forgotten when event time
 * reaches the bid, as the auction cannot be older any more. So state holds what is open, and little else.
 */
import type { DataStream, KeyedProcessFunction, KeyedRuntimeContext, SingleOutputStream } from 'millrace';
import { isAuction, isBid, type Auction, type AuctionEvent, type Bid } from './events.js';
import { compareTexts } from './text-order.js';

export interface WonAuction {
  readonly auction: Auction;
  readonly bid: Bid;
}

/** One for each auction that somebody won, when it closes; its timestamp is the end of the auction. */
export function winningBids(onTime: DataStream<AuctionEvent>): SingleOutputStream<WonAuction> {
  return onTime
    .filter((event): event is Auction | Bid => isBid(event) || isAuction(event))
    .keyBy((event) => (isBid(event) ? event.auction : event.id))
    .process(closeAuctions);
}

function closeAuctions(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Auction | Bid, WonAuction> {
  const open = runtime.valueState<Auction>('auction');
  const best = runtime.valueState<Bid>('best-bid');
  /** Bids whose auction is not here yet; a timer stands at the earliest. */
  const early = runtime.listState<Bid>('early-bids');
  const consider = (bid: Bid, { dateTime, expires }: Auction): void => {
    if (bid.dateTime < dateTime || bid.dateTime > expires) return;
    const leader = best.value();
    if (leader === undefined || isBetter(bid, leader)) best.update(bid);
  };
  return {
    processElement(event, { time }) {
      if (isAuction(event)) {
        open.update(event);
        for (const bid of early.get()) consider(bid, event);
        early.clear();
        time.registerEventTimeTimer(event.expires);
        return;
      }
      const auction = open.value();
      if (auction !== undefined) return consider(event, auction);
      if (early.get().every(({ dateTime }) => event.dateTime < dateTime)) time.registerEventTimeTimer(event.dateTime);
      early.add(event);
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

function isBetter(bid: Bid, than: Bid): boolean {
  if (bid.price !== than.price) return bid.price > than.price;
  if (bid.dateTime !== than.dateTime) return bid.dateTime < than.dateTime;
  if (bid.bidder !== than.bidder) return bid.bidder < than.bidder;
  return compareTexts(bid.extra, than.extra) < 0;
}
