/**
 * q12, processing-time windows: how often each bidder bid in every ten seconds by the clock. What falls into which window is
 * chance, but every bid is counted once: windows that are open when the input ends are told then.
 *
 *     npm run nexmark -- q12
 */
import { ProcessingTimeTrigger, TumblingProcessingTimeWindows } from 'millrace';
import { count } from './count.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

interface Row {
  readonly bidder: number;
  readonly bid_count: number;
  readonly starttime: number;
  readonly endtime: number;
}

export default defineQuery<Row>({
  name: 'q12',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isBid)
      .select('bidder')
      .keyBy('bidder')
      .window(TumblingProcessingTimeWindows.of('10 s'))
      .trigger(ProcessingTimeTrigger.createWithEndOfStream())
      .aggregate<number, number, Row>(count, (bidder, { window }, [bid_count = 0], out) =>
        out.collect({ bidder, bid_count, starttime: window.start, endtime: window.end }),
      ),
});
