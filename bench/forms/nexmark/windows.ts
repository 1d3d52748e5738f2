/** By hand: windows and sessions. */
import type { Bid, Person } from '../../../examples/nexmark/events.js';
import type { MakeHandWritten } from './by-hand.js';

const size = 10_000;
const slide = 2_000;

/** Counts of the slices that a window is made of; a window ends with every slice. */
const q5: MakeHandWritten = (rows, delayMs) => {
  const slices = new Map<number, Map<number, number>>();
  let nextEnd: number | undefined;
  let latest = -Infinity;
  const fire = (end: number): void => {
    const counts = new Map<number, number>();
    for (let start = end - size; start < end; start += slide)
      for (const [auction, count] of slices.get(start) ?? []) counts.set(auction, (counts.get(auction) ?? 0) + count);
    let most = 0;
    for (const count of counts.values()) if (count > most) most = count;
    for (const [auction, num] of counts) if (num === most) rows({ auction, num, starttime: end - size, endtime: end });
    slices.delete(end - size);
  };
  const advance = (watermark: number): void => {
    if (nextEnd === undefined) return;
    for (; nextEnd - 1 <= watermark && slices.size > 0; nextEnd += slide) fire(nextEnd);
  };
  return {
    take(event) {
      if (event.dateTime > latest) {
        latest = event.dateTime;
        advance(latest - delayMs - 1);
      }
      if (event.type !== 'bid') return;
      const start = event.dateTime - (event.dateTime % slide);
      nextEnd ??= start + slide;
      let counts = slices.get(start);
      if (counts === undefined) slices.set(start, (counts = new Map()));
      counts.set(event.auction, (counts.get(event.auction) ?? 0) + 1);
    },
    end: () => advance(Infinity),
  };
};

const q7: MakeHandWritten = (rows, delayMs) => {
  const windows = new Map<number, Bid[]>();
  let latest = -Infinity;
  const advance = (watermark: number): void => {
    for (const [start, bids] of windows) {
      if (start + size - 1 > watermark) continue;
      for (const { auction, bidder, price, dateTime, extra } of bids) rows({ auction, bidder, price, dateTime, extra });
      windows.delete(start);
    }
  };
  return {
    take(event) {
      if (event.dateTime > latest) {
        latest = event.dateTime;
        advance(latest - delayMs - 1);
      }
      if (event.type !== 'bid') return;
      const start = event.dateTime - (event.dateTime % size);
      const highest = windows.get(start);
      if (highest === undefined || event.price > (highest[0] as Bid).price) windows.set(start, [event]);
      else if (event.price === (highest[0] as Bid).price) highest.push(event);
    },
    end: () => advance(Infinity),
  };
};

interface Registrations {
  readonly persons: Person[];
  readonly sellers: Set<number>;
}

const q8: MakeHandWritten = (rows, delayMs) => {
  const windows = new Map<number, Registrations>();
  let latest = -Infinity;
  const advance = (watermark: number): void => {
    for (const [stime, { persons, sellers }] of windows) {
      if (stime + size - 1 > watermark) continue;
      for (const { id, name } of persons) if (sellers.has(id)) rows({ id, name, stime });
      windows.delete(stime);
    }
  };
  return {
    take(event) {
      if (event.dateTime > latest) {
        latest = event.dateTime;
        advance(latest - delayMs - 1);
      }
      if (event.type === 'bid') return;
      const start = event.dateTime - (event.dateTime % size);
      let window = windows.get(start);
      if (window === undefined) windows.set(start, (window = { persons: [], sellers: new Set() }));
      if (event.type === 'person') window.persons.push(event);
      else window.sellers.add(event.seller);
    },
    end: () => advance(Infinity),
  };
};

interface Session {
  readonly bidder: number;
  bid_count: number;
  readonly starttime: number;
  endtime: number;
}

/** Sessions that have ended are looked for once in every gap of event time; they are told late then, but each once. */
const q11: MakeHandWritten = (rows, delayMs) => {
  const sessions = new Map<number, Session>();
  let latest = -Infinity;
  let sweepAt = -Infinity;
  const advance = (watermark: number): void => {
    if (watermark < sweepAt) return;
    sweepAt = watermark + size;
    for (const [bidder, session] of sessions) {
      if (session.endtime - 1 > watermark) continue;
      rows(session);
      sessions.delete(bidder);
    }
  };
  return {
    take(event) {
      if (event.dateTime > latest) {
        latest = event.dateTime;
        advance(latest - delayMs - 1);
      }
      if (event.type !== 'bid') return;
      const { bidder, dateTime } = event;
      const session = sessions.get(bidder);
      if (session !== undefined && dateTime <= session.endtime) {
        session.bid_count += 1;
        session.endtime = dateTime + size;
        return;
      }
      if (session !== undefined) rows(session);
      sessions.set(bidder, { bidder, bid_count: 1, starttime: dateTime, endtime: dateTime + size });
    },
    end: () => advance(Infinity),
  };
};

/** By the wall clock, which is looked at for every bid. */
const q12: MakeHandWritten = (rows) => {
  let counts = new Map<number, number>();
  let start = 0;
  const fire = (): void => {
    for (const [bidder, bid_count] of counts) rows({ bidder, bid_count, starttime: start, endtime: start + size });
    counts = new Map();
  };
  return {
    take(event) {
      if (event.type !== 'bid') return;
      const now = Date.now();
      if (now >= start + size) {
        fire();
        start = now - (now % size);
      }
      counts.set(event.bidder, (counts.get(event.bidder) ?? 0) + 1);
    },
    end: fire,
  };
};

export const windows = { q5, q7, q8, q11, q12 };
