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

interface Figures {
  total_bids: number;
  rank1_bids: number;
  rank2_bids: number;
  rank3_bids: number;
  min_price: number;
  max_price: number;
  sum_price: number;
}

type Row = Readonly<Figures> & { readonly auction: number; readonly day: string; readonly avg_price: number };

const noBids: Figures = {
  total_bids: 0,
  rank1_bids: 0,
  rank2_bids: 0,
  rank3_bids: 0,
  min_price: Infinity,
  max_price: -Infinity,
  sum_price: 0,
};

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
              known = { ...noBids };
            }
            known.total_bids += 1;
            known[`rank${rankOf(price)}_bids`] += 1;
            known.min_price = Math.min(known.min_price, price);
            known.max_price = Math.max(known.max_price, price);
            known.sum_price += price;
            figures.update(known);
          },
          onTimer(_at, context, out) {
            const [auction, day] = context.currentKey();
            const known = figures.value() as Figures;
            out.collect({ auction, day: dayText(day), ...known, avg_price: Math.floor(known.sum_price / known.total_bids) });
          },
        };
      }),
});
