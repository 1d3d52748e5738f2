/**
 * q14, calculation: bids of a middling price, by the time of day, with the number of `c` in their filler.
 *
 *     npm run nexmark -- q14
 */
import { hourOf } from './calendar.js';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'> & { readonly bidTimeType: string; readonly c_counts: number };

const eurosPerDollar = 0.908;

function timeOfDay(ms: number): string {
  const hour = hourOf(ms);
  if (hour >= 8 && hour <= 18) return 'dayTime';
  return hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime';
}

function count(text: string, letter: string): number {
  let times = 0;
  for (let at = text.indexOf(letter); at !== -1; at = text.indexOf(letter, at + 1)) times += 1;
  return times;
}

export default defineQuery<Row>({
  name: 'q14',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .filter(({ price }) => eurosPerDollar * price > 1_000_000 && eurosPerDollar * price < 50_000_000)
      .map(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price: eurosPerDollar * price,
        bidTimeType: timeOfDay(dateTime),
        dateTime,
        extra,
        c_counts: count(extra, 'c'),
      })),
});
