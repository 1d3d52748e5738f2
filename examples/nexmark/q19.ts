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

type Ranked = Omit<Bid, 'type'>;
type Row = Ranked & { readonly rank_number: number };

const ranks = 10;

export default defineQuery<Row>({
  name: 'q19',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .map(({ type: _, ...bid }): Ranked => bid)
      .keyBy('auction')
      .process<Row>((runtime) => {
        const highest = runtime.valueState<readonly Ranked[]>('highest-bids');
        return {
          processElement(bid, { time }) {
            const known = highest.value();
            if (known === undefined) {
              time.registerEventTimeTimer(maxWatermark);
              return highest.update([bid]);
            }
            if (known.length === ranks && compare(bid, known[ranks - 1] as Ranked) >= 0) return;
            const place = known.findIndex((other) => compare(bid, other) < 0);
            highest.update(known.toSpliced(place === -1 ? known.length : place, 0, bid).slice(0, ranks));
          },
          onTimer(_at, _context, out) {
            for (const [place, bid] of (highest.value() ?? []).entries()) out.collect({ ...bid, rank_number: place + 1 });
          },
        };
      }),
});

/** Negative when `a` ranks before `b`. */
function compare(a: Ranked, b: Ranked): number {
  return (
    b.price - a.price ||
    a.dateTime - b.dateTime ||
    a.bidder - b.bidder ||
    compareTexts(a.channel, b.channel) ||
    compareTexts(a.url, b.url) ||
    compareTexts(a.extra, b.extra)
  );
}
