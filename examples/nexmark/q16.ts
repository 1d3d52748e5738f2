/**
 * q16, channel statistics: the figures of q15 for each channel and day, with the last minute in which there was a bid.
 *
 *     npm run nexmark -- q16
 */
import { maxWatermark } from 'millrace';
import { bidCounts, type BidCounts } from './bid-counts.js';
import { dayOf, dayText, minuteOf, minuteText } from './calendar.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

type Row = { readonly channel: string; readonly day: string; readonly minute: string } & Readonly<BidCounts>;

export default defineQuery<Row>({
  name: 'q16',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .map(({ channel, auction, bidder, price, dateTime }) => ({
        channel,
        day: dayOf(dateTime),
        minute: minuteOf(dateTime),
        auction,
        bidder,
        price,
      }))
      .keyBy('channel', 'day')
      .process<Row>((runtime) => {
        const counts = bidCounts(runtime);
        const lastMinute = runtime.valueState<number>('last-minute');
        return {
          processElement(bid, { time }) {
            const last = lastMinute.value();
            if (last === undefined) time.registerEventTimeTimer(maxWatermark);
            if (last === undefined || bid.minute > last) lastMinute.update(bid.minute);
            counts.add(bid);
          },
          onTimer(_at, context, out) {
            const [channel, day] = context.currentKey();
            out.collect({ channel, day: dayText(day), minute: minuteText(lastMinute.value() as number), ...counts.take() });
            lastMinute.clear();
          },
        };
      }),
});
