/**
 * q19, ten highest bids: of each auction, told once at the end. Of equal prices the earliest comes first, then the order of
 * bidder, channel, url and filler.
 *
 *     npm run nexmark -- q19
 */
import { maxWatermark } from 'millrace';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';
import { compareTexts } from './text-order.js';

type Row = Omit<Bid, 'type'> & { readonly rank_number: number };

const ranks = 10;

export default defineQuery<Row>({
  name: 'q19',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .keyBy('auction')
      .process<Row>((runtime) => {
        const highest = runtime.valueState<Bid[]>('highest-bids');
        return {
          processElement(bid, { time }) {
            const known = highest.value();
            if (known === undefined) {
              time.registerEventTimeTimer(maxWatermark);
              return highest.update([bid]);
            }
            if (known.length === ranks && compare(bid, known[ranks - 1] as Bid) >= 0) return;
            const place = known.findIndex((other) => compare(bid, other) < 0);
            known.splice(place === -1 ? known.length : place, 0, bid);
            if (known.length > ranks) known.pop();
            highest.update(known);
          },
          onTimer(_at, _context, out) {
            const known = highest.value() as Bid[];
            highest.clear();
            for (const [place, { auction, bidder, price, channel, url, dateTime, extra }] of known.entries())
              out.collect({ auction, bidder, price, channel, url, dateTime, extra, rank_number: place + 1 });
          },
        };
      }),
});

/** Negative when `a` ranks before `b`. */
function compare(a: Bid, b: Bid): number {
  return (
    b.price - a.price ||
    a.dateTime - b.dateTime ||
    a.bidder - b.bidder ||
    compareTexts(a.channel, b.channel) ||
    compareTexts(a.url, b.url) ||
    compareTexts(a.extra, b.extra)
  );
}
