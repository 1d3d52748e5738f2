/**
 * q15, bidding statistics: bids, bidders and auctions of each day, by rank of the price, told once at the end.
 *
 *     npm run nexmark -- q15
 */
import { maxWatermark } from 'millrace';
import { bidCounts, type BidCounts } from './bid-counts.js';
import { dayOf, dayText } from './calendar.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

type Row = { readonly day: string } & Readonly<BidCounts>;

export default defineQuery<Row>({
  name: 'q15',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .map(({ auction, bidder, price, dateTime }) => ({ day: dayOf(dateTime), auction, bidder, price }))
      .keyBy('day')
      .process<Row>((runtime) => {
        const counts = bidCounts(runtime);
        return {
          processElement(bid, { time }) {
            if (counts.isEmpty()) time.registerEventTimeTimer(maxWatermark);
            counts.add(bid);
          },
          onTimer: (_at, context, out) => out.collect({ day: dayText(context.currentKey()), ...counts.take() }),
        };
      }),
});
