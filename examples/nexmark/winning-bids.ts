/**
 * Winning bids: the highest bid of each auction between its opening and its end; among equals the earliest, then the one of
 * the smallest bidder, then the one with the smallest `extra`.
 *
 * Auctions and bids stay one stream, so that a bid comes behind its auction wherever it did so in the source. An auction
 * closes when event time reaches its end; a bid that came before its auction all the same is forgotten when event time
 * reaches the bid, as the auction cannot be older any more. So state holds what is open, and little else.
 */
import type { DataStream, KeyedProcessFunction, KeyedRuntimeContext, SingleOutputStream } from 'millrace';
import type { Auction, Bid } from './events.js';
import { compareTexts } from './text-order.js';

/** What has to be known of an auction; the rest is handed on as it is. */
type Lot = Pick<Auction, 'type' | 'id' | 'dateTime' | 'expires'>;

/** The same of a bid. Without `extra`, equal bids of one bidder are not told apart. */
type Offer = Pick<Bid, 'type' | 'auction' | 'price' | 'dateTime' | 'bidder'> & Partial<Pick<Bid, 'extra'>>;

type AuctionOf<E> = Extract<E, { readonly type: 'auction' }>;
type BidOf<E> = Extract<E, { readonly type: 'bid' }>;

export interface WonAuction<E> {
  readonly auction: AuctionOf<E>;
  readonly bid: BidOf<E>;
}

/** One for each auction that somebody won, when it closes; its timestamp is the end of the auction. Of events on time. */
export function winningBids<E extends Lot | Offer>(events: DataStream<E>): SingleOutputStream<WonAuction<E>> {
  return events.keyBy((event): number => (event.type === 'auction' ? event.id : event.auction)).process<WonAuction<E>>(closeAuctions<E>);
}

const isLot = <E extends Lot | Offer>(event: E): event is AuctionOf<E> => event.type === 'auction';

/** An auction that has not closed, and the bid that wins if no other comes. */
interface Open<E> {
  readonly auction: AuctionOf<E>;
  best: BidOf<E> | null;
}

function closeAuctions<E extends Lot | Offer>(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, E, WonAuction<E>> {
  const open = runtime.valueState<Open<E>>('open');
  /** Bids whose auction is not here yet; each has a timer at its time. */
  const early = runtime.listState<BidOf<E>>('early-bids');
  return {
    processElement(event, { time }) {
      if (isLot(event)) {
        const best = early.get().reduce<BidOf<E> | null>((leader, bid) => (leads(bid, event, leader) ? bid : leader), null);
        early.clear();
        open.update({ auction: event, best });
        time.registerEventTimeTimer(event.expires);
        return;
      }
      const bid = event as BidOf<E>;
      const state = open.value();
      if (state === undefined) {
        early.add(bid);
        time.registerEventTimeTimer(bid.dateTime);
      } else if (leads(bid, state.auction, state.best)) {
        state.best = bid;
        open.update(state);
      }
    },
    onTimer(at, _context, out) {
      const state = open.value();
      if (state === undefined) {
        early.update(early.get().filter(({ dateTime }) => dateTime > at));
        return;
      }
      const { auction, best } = state;
      if (at < auction.expires) return;
      if (best !== null) out.collect({ auction, bid: best });
      open.clear();
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
