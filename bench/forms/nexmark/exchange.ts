/** What two threads by hand send each other: of each event the key it goes by, and the fields that its query needs. */
import type { Auction, AuctionEvent, Bid, Person } from '../../../examples/nexmark/events.js';

export interface Sent {
  /** Events of one key go to one thread. */
  readonly key: number;
  readonly event: Partial<Person> | Partial<Auction> | Partial<Bid>;
}

/** Undefined: the query does not need the event. */
export type Route = (event: AuctionEvent) => Sent | undefined;

const whole: Route = (event) =>
  event.type === 'bid' ? { key: event.auction, event } : event.type === 'auction' ? { key: event.id, event } : undefined;
const bidders: Route = (event) => {
  if (event.type !== 'bid') return undefined;
  const { type, bidder, dateTime } = event;
  return { key: bidder, event: { type, bidder, dateTime } };
};

/** Of the queries that exchange once. */
export const routes: Readonly<Record<string, Route>> = {
  q3: (event) => {
    if (event.type === 'person') {
      const { type, id, name, city, state } = event;
      return state === 'OR' || state === 'ID' || state === 'CA' ? { key: id, event: { type, id, name, city, state } } : undefined;
    }
    if (event.type !== 'auction' || event.category !== 10) return undefined;
    const { type, id, seller, category } = event;
    return { key: seller, event: { type, id, seller, category } };
  },
  q8: (event) => {
    if (event.type === 'bid') return undefined;
    if (event.type === 'person')
      return { key: event.id, event: { type: event.type, id: event.id, name: event.name, dateTime: event.dateTime } };
    return { key: event.seller, event: { type: event.type, seller: event.seller, dateTime: event.dateTime } };
  },
  q9: whole,
  q11: bidders,
  q12: bidders,
  q17: (event) => {
    if (event.type !== 'bid') return undefined;
    const { type, auction, price, dateTime } = event;
    return { key: auction, event: { type, auction, price, dateTime } };
  },
  q18: (event) => (event.type === 'bid' ? { key: event.bidder ^ event.auction, event } : undefined),
  q19: (event) => (event.type === 'bid' ? { key: event.auction, event } : undefined),
  q20: whole,
};
