/**
 * q18, last bid: the last bid of each bidder for each auction, told once at the end. Of bids of one instant the highest
 * counts, then the one with the greatest channel, url and filler.
 *
 *     npm run nexmark -- q18
 */
import { maxWatermark } from 'millrace';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';
import { compareTexts } from './text-order.js';

type Row = Omit<Bid, 'type'>;

export default defineQuery<Row>({
  name: 'q18',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .keyBy('bidder', 'auction')
      .process<Row>((runtime) => {
        const last = runtime.valueState<Bid>('last-bid');
        return {
          processElement(bid, { time }) {
            const known = last.value();
            if (known === undefined) time.registerEventTimeTimer(maxWatermark);
            if (known === undefined || isLater(bid, known)) last.update(bid);
          },
          onTimer(_at, _context, out) {
            const { auction, bidder, price, channel, url, dateTime, extra } = last.value() as Bid;
            last.clear();
            out.collect({ auction, bidder, price, channel, url, dateTime, extra });
          },
        };
      }),
});

function isLater(bid: Bid, than: Bid): boolean {
  if (bid.dateTime !== than.dateTime) return bid.dateTime > than.dateTime;
  if (bid.price !== than.price) return bid.price > than.price;
  return (compareTexts(bid.channel, than.channel) || compareTexts(bid.url, than.url) || compareTexts(bid.extra, than.extra)) > 0;
}
