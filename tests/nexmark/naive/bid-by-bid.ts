/** Queries of one bid in and at most one row out: §4.1. */
import { allEvents, bidsIn, type NexmarkInput, type Row } from './events.js';

/** 0.908 times a price, with its three decimals. */
const inEuros = (price: number): number => (price * 908) / 1_000;

export const q0 = (input: NexmarkInput): Row[] =>
  bidsIn(allEvents(input)).map((bid) => ({
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    dateTime: bid.dateTime,
    extra: bid.extra,
  }));

export const q1 = (input: NexmarkInput): Row[] => q0(input).map((row) => ({ ...row, price: inEuros(row['price'] as number) }));

export const q2 = (input: NexmarkInput): Row[] =>
  bidsIn(allEvents(input))
    .filter((bid) => bid.auction % 123 === 0)
    .map((bid) => ({ auction: bid.auction, price: bid.price }));

/** With the names of the directories its row lies in. */
export const q10 = (input: NexmarkInput): Row[] =>
  q0(input).map((row) => {
    const time = new Date(row['dateTime'] as number).toISOString();
    return { ...row, dt: time.slice(0, 10), hm: time.slice(11, 16).replace(':', '-') };
  });

export function q13(input: NexmarkInput): Row[] {
  return bidsIn(allEvents(input)).flatMap((bid) => {
    const key = bid.auction % 10_000;
    if (String(key).endsWith('3')) return [];
    return [{ auction: bid.auction, bidder: bid.bidder, price: bid.price, dateTime: bid.dateTime, value: `side-${key}` }];
  });
}

const timesOfDay = Array.from({ length: 24 }, (_, hour) =>
  hour >= 8 && hour <= 18 ? 'dayTime' : hour === 7 || hour === 19 ? 'otherTime' : 'nightTime',
);

export const q14 = (input: NexmarkInput): Row[] =>
  bidsIn(allEvents(input))
    .filter((bid) => bid.price >= 1_101_322 && bid.price <= 55_066_079)
    .map((bid) => ({
      auction: bid.auction,
      bidder: bid.bidder,
      price: inEuros(bid.price),
      bidTimeType: timesOfDay[new Date(bid.dateTime).getUTCHours()],
      dateTime: bid.dateTime,
      extra: bid.extra,
      c_counts: bid.extra.split('c').length - 1,
    }));

export function q21(input: NexmarkInput): Row[] {
  return bidsIn(allEvents(input)).flatMap((bid) => {
    const known = ['apple', 'google', 'facebook', 'baidu'].findIndex((name) => isSameIgnoringAsciiCase(name, bid.channel));
    const fromUrl = bid.url.split('&').find((part) => part.startsWith('channel_id='));
    const id = known === -1 ? fromUrl?.slice('channel_id='.length) : String(known);
    return id === undefined ? [] : [{ auction: bid.auction, bidder: bid.bidder, price: bid.price, channel: bid.channel, channel_id: id }];
  });
}

/** `lower` is lower case; letters beyond ASCII have no case here: K (the Kelvin sign) is no k. */
function isSameIgnoringAsciiCase(lower: string, text: string): boolean {
  if (lower.length !== text.length) return false;
  return Array.from(lower).every((letter, at) => text[at] === letter || text[at] === letter.toUpperCase());
}

export const q22 = (input: NexmarkInput): Row[] =>
  bidsIn(allEvents(input)).map((bid) => {
    const [, , , dir1 = null, dir2 = null, dir3 = null] = bid.url.split('/') as (string | undefined)[];
    return { auction: bid.auction, bidder: bid.bidder, price: bid.price, channel: bid.channel, dir1, dir2, dir3 };
  });
