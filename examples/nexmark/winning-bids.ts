/**
 * Winning bids: the highest bid of each auction between its opening and its end; among equals the earliest, then the one of
 * the smallest bidder, then the one with the smallest `extra`.
 *
 * Auctions and bids stay one stream, so that a bid comes behind its auction wherever it did so in the source. An auction
 * closes when event time reaches its end; a bid that came before its auction all the same is forgotten some time after event
 * time has reached the bid, as the auction cannot be older any more. So state holds what is open, and little else.
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

/** What is known under the number of an auction until it closes. */
interface Open<E> {
  /** Null: it is not here yet, but bids for it are. */
  auction: AuctionOf<E> | null;
  /** The bid that wins if no other comes. */
  best: BidOf<E> | null;
  /** Bids that came before their auction. One timer looks after them all: hundreds may wait for a popular auction. */
  early: BidOf<E>[];
}

function closeAuctions<E extends Lot | Offer>(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, E, WonAuction<E>> {
  const open = runtime.valueState<Open<E>>('open');
  return {
    processElement(event, { time }) {
      const known = open.value();
      if (isLot(event)) {
        const early = known === undefined ? [] : known.early;
        const best = early.reduce<BidOf<E> | null>((leader, bid) => (leads(bid, event, leader) ? bid : leader), null);
        open.update({ auction: event, best, early: [] });
        time.registerEventTimeTimer(event.expires);
        return;
      }
      const bid = event as BidOf<E>;
      if (known === undefined) {
        open.update({ auction: null, best: null, early: [bid] });
        time.registerEventTimeTimer(bid.dateTime);
      } else if (known.auction === null) {
        known.early.push(bid);
        open.update(known);
      } else if (leads(bid, known.auction, known.best)) {
        known.best = bid;
        open.update(known);
      }
    },
    onTimer(at, { time }, out) {
      const known = open.value();
      if (known === undefined) return;
      const { auction, best, early } = known;
      if (auction === null) {
        const left = early.filter(({ dateTime }) => dateTime > at);
        if (left.length === 0) open.clear();
        else {
          open.update({ auction, best, early: left });
          time.registerEventTimeTimer(left.reduce((latest, { dateTime }) => Math.max(latest, dateTime), at));
        }
        return;
      }
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
