/**
 * q10, log to files: every bid in a file of its minute, exactly once: `dt=2015-07-15/hm=00-03/part-…` below the output folder.
 * A late bid goes to the folder of its own, old minute.
 *
 *     npm run nexmark -- q10 --output /tmp/bids
 */
import { fileSink } from 'millrace';
import { dayOf, dayText, minuteOf, minuteText } from './calendar.js';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime' | 'extra'>;

/** With a hyphen: a colon is awkward in names of files. */
function partitionOf({ dateTime }: Row): string {
  return `dt=${dayText(dayOf(dateTime))}/hm=${minuteText(minuteOf(dateTime)).replace(':', '-')}`;
}

export default defineQuery<Row>({
  name: 'q10',
  reads: 'all',
  rows: (events) =>
    events.filter(isBid).map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra })),
  sinkTo: (output) => fileSink(output, { suffix: '.ndjson', partitionBy: partitionOf }),
});
