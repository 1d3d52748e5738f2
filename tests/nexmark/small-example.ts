/** Seven events with every case of lateness and ties in them, and the answers reckoned by hand. */
import type { NexmarkInput, Row } from './naive/events.js';

const filler = { channel: 'Apple', url: 'https://x.org/a//c?q=1' };
const bid = (number: number, bidder: number, price: number, dateTime: number) =>
  ({ type: 'bid', auction: 1, bidder, price, ...filler, dateTime, extra: `bid ${number}` }) as const;
const rowOf = ({ type: _, ...row }: ReturnType<typeof bid>) => row;

const auction = {
  type: 'auction',
  id: 1,
  itemName: 'old lamp',
  description: 'brass, rare',
  initialBid: 900,
  reserve: 1_500,
  dateTime: 8_500,
  expires: 12_000,
  seller: 5,
  category: 10,
  extra: 'of the auction',
} as const;
const person = {
  type: 'person',
  id: 5,
  name: 'Ada Fox',
  emailAddress: 'ada@fox.com',
  creditCard: '0123 4567 8901 2345',
  city: 'Salem',
  state: 'OR',
  dateTime: 13_000,
  extra: '',
} as const;

const first = bid(1, 7, 30, 9_000);
const third = bid(3, 6, 30, 9_000);
/** Late: 9,000 is no more than 13,000 less 4,000. */
const late = bid(5, 8, 90, 9_000);
const sixth = bid(6, 7, 20, 12_000);
/** One millisecond after the end of its auction. */
const seventh = bid(7, 7, 99, 12_001);

const split = [first, auction, third, person, late, sixth, seventh];

export const smallExample: NexmarkInput = { splits: [split], watermarkDelayMs: 4_000 };

const highest = ({ auction: of, bidder, price, dateTime, extra }: typeof first): Row => ({ auction: of, bidder, price, dateTime, extra });
const inWindow = (starttime: number, num: number): Row => ({ auction: 1, num, starttime, endtime: starttime + 10_000 });

/** Those that the example of the definition tells. */
export const smallAnswers: Readonly<Record<string, readonly Row[]>> = {
  q3: [{ name: 'Ada Fox', city: 'Salem', state: 'OR', id: 1 }],
  q4: [{ id: 10, final: 30 }],
  q5: [
    inWindow(0, 2),
    inWindow(2_000, 2),
    inWindow(4_000, 4),
    inWindow(6_000, 4),
    inWindow(8_000, 4),
    inWindow(10_000, 2),
    inWindow(12_000, 2),
  ],
  q6: [{ seller: 5, auction: 1, avg_price: 30 }],
  q7: [highest(first), highest(third), highest(seventh)],
  q8: [],
  q9: [
    {
      id: 1,
      itemName: 'old lamp',
      description: 'brass, rare',
      initialBid: 900,
      reserve: 1_500,
      dateTime: 8_500,
      expires: 12_000,
      seller: 5,
      category: 10,
      extra: 'of the auction',
      auction: 1,
      bidder: 6,
      price: 30,
      bid_dateTime: 9_000,
      bid_extra: 'bid 3',
    },
  ],
  q11: [
    { bidder: 7, bid_count: 3, starttime: 9_000, endtime: 22_001 },
    { bidder: 6, bid_count: 1, starttime: 9_000, endtime: 19_000 },
  ],
  q12: [
    { bidder: 6, bid_count: 1 },
    { bidder: 7, bid_count: 3 },
    { bidder: 8, bid_count: 1 },
  ],
  q18: [rowOf(seventh), rowOf(third), rowOf(late)],
  q19: [seventh, late, third, first, sixth].map((one, place) => ({ ...rowOf(one), rank_number: place + 1 })),
  q22: [first, third, late, sixth, seventh].map(({ auction: of, bidder, price, channel }) => ({
    auction: of,
    bidder,
    price,
    channel,
    dir1: 'a',
    dir2: '',
    dir3: 'c?q=1',
  })),
};
