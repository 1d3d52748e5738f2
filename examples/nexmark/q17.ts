/**
 * q17, auction statistics: bids of each auction and day by rank, and their smallest, largest, average and total price.
 *
 *     npm run nexmark -- q17
 */
import { maxWatermark } from 'millrace';
import { rankOf } from './bid-counts.js';
import { dayOf, dayText } from './calendar.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

/** What is known of an auction and day; bids by rank, in the order of the ranks. */
interface Figures {
  readonly bids: number[];
  min: number;
  max: number;
  sum: number;
}

interface Row {
  readonly auction: number;
  readonly day: string;
  readonly total_bids: number;
  readonly rank1_bids: number;
  readonly rank2_bids: number;
  readonly rank3_bids: number;
  readonly min_price: number;
  readonly max_price: number;
  readonly avg_price: number;
  readonly sum_price: number;
}

export default defineQuery<Row>({
  name: 'q17',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .map(({ auction, price, dateTime }) => ({ auction, day: dayOf(dateTime), price }))
      .keyBy('auction', 'day')
      .process<Row>((runtime) => {
        const figures = runtime.valueState<Figures>('figures');
        return {
          processElement({ price }, { time }) {
            let known = figures.value();
            if (known === undefined) {
              time.registerEventTimeTimer(maxWatermark);
              known = { bids: [0, 0, 0], min: price, max: price, sum: 0 };
            }
            const place = rankOf(price) - 1;
            known.bids[place] = (known.bids[place] ?? 0) + 1;
            known.min = Math.min(known.min, price);
            known.max = Math.max(known.max, price);
            known.sum += price;
            figures.update(known);
          },
          onTimer(_at, context, out) {
            const [auction, day] = context.currentKey();
            const { bids, min, max, sum } = figures.value() as Figures;
            figures.clear();
            const [rank1_bids = 0, rank2_bids = 0, rank3_bids = 0] = bids;
            const total_bids = rank1_bids + rank2_bids + rank3_bids;
            out.collect({
              auction,
              day: dayText(day),
              total_bids,
              rank1_bids,
              rank2_bids,
              rank3_bids,
              min_price: min,
              max_price: max,
              avg_price: Math.floor(sum / total_bids),
              sum_price: sum,
            });
          },
        };
      }),
});
