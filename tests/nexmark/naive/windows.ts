/** Queries over windows: §4.4. */
import { allEvents, auctionsIn, bidsIn, grouped, onTimeEvents, personsIn, type NexmarkInput, type Row } from './events.js';

const size = 10_000;
const slide = 2_000;

/** Starts of the windows of this slide that hold a moment. */
function windowsAt(time: number, every: number): readonly number[] {
  const last = time - (((time % every) + every) % every);
  const starts: number[] = [];
  for (let start = last; start > time - size; start -= every) starts.push(start);
  return starts;
}

export function q5(input: NexmarkInput): Row[] {
  const placed = bidsIn(onTimeEvents(input)).flatMap((bid) => windowsAt(bid.dateTime, slide).map((start) => ({ start, bid })));
  return grouped(placed, ({ start }) => start).flatMap((inWindow) => {
    const counts = grouped(inWindow, ({ bid }) => bid.auction).map((ofAuction) => ({
      auction: ofAuction[0].bid.auction,
      num: ofAuction.length,
    }));
    const most = counts.reduce((highest, { num }) => Math.max(highest, num), 0);
    const { start } = inWindow[0];
    return counts.filter(({ num }) => num === most).map((count) => ({ ...count, starttime: start, endtime: start + size }));
  });
}

export const q7 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(onTimeEvents(input)), (bid) => windowsAt(bid.dateTime, size)[0] as number).flatMap((inWindow) => {
    const highest = inWindow.reduce((most, { price }) => Math.max(most, price), 0);
    return inWindow
      .filter(({ price }) => price === highest)
      .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }));
  });

export function q8(input: NexmarkInput): Row[] {
  const events = onTimeEvents(input);
  const windowOf = (time: number): number => windowsAt(time, size)[0] as number;
  const sellersOf = new Set(auctionsIn(events).map((auction) => `${auction.seller} in ${windowOf(auction.dateTime)}`));
  return personsIn(events)
    .filter((person) => sellersOf.has(`${person.id} in ${windowOf(person.dateTime)}`))
    .map((person) => ({ id: person.id, name: person.name, stime: windowOf(person.dateTime) }));
}

export const q11 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(onTimeEvents(input)), ({ bidder }) => bidder).flatMap((ofBidder) => {
    const times = ofBidder.map(({ dateTime }) => dateTime).sort((a, b) => a - b);
    const isFirst = (place: number): boolean => place === 0 || (times[place] as number) - (times[place - 1] as number) > size;
    const starts = times.flatMap((_, place) => (isFirst(place) ? [place] : []));
    return starts.map((from, index) => {
      const session = times.slice(from, starts[index + 1]);
      return {
        bidder: ofBidder[0].bidder,
        bid_count: session.length,
        starttime: session[0] as number,
        endtime: (session.at(-1) as number) + size,
      };
    });
  });

/** Only the sum for each bidder is defined: which bid falls into which window is chance. */
export const q12 = (input: NexmarkInput): Row[] =>
  grouped(bidsIn(allEvents(input)), ({ bidder }) => bidder).map((ofBidder) => ({
    bidder: ofBidder[0].bidder,
    bid_count: ofBidder.length,
  }));
