/**
 * What happens in the auction house: people register, open auctions, and bid.
 *
 * Times are milliseconds since 1970-01-01T00:00Z, prices are cents. References may dangle: a bid may name an auction or a
 * bidder that appears later in the stream, or never. Bids have no id: two equal bids are two bids.
 */
export interface Person {
  readonly type: 'person';
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
}

export interface Auction {
  readonly type: 'auction';
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  /** The last instant at which a bid counts; later than `dateTime`. */
  readonly expires: number;
  /** Id of a person. */
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

export interface Bid {
  readonly type: 'bid';
  /** Id of an auction. */
  readonly auction: number;
  /** Id of a person. */
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** One stream carries all three: they share one event time. */
export type AuctionEvent = Person | Auction | Bid;

export const isBid = (event: AuctionEvent): event is Bid => event.type === 'bid';
export const isAuction = (event: AuctionEvent): event is Auction => event.type === 'auction';
/** Everything but people. */
export const isAuctionOrBid = (event: AuctionEvent): event is Auction | Bid => event.type !== 'person';
export const isPerson = (event: AuctionEvent): event is Person => event.type === 'person';
