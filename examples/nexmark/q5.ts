/**
 * q5, hot items: the auctions with the most bids of the last ten seconds, every two seconds. Bids are counted by auction in
 * sliding windows; counts of one window then meet, and the greatest are told, all of them where several are equal.
 *
 *     npm run nexmark -- q5
 */
import { SlidingEventTimeWindows, TumblingEventTimeWindows, type AggregateFunction } from 'millrace';
import { count } from './count.js';
import { isBid } from './events.js';
import { defineQuery } from './query.js';

interface Row {
  readonly auction: number;
  readonly num: number;
  readonly starttime: number;
  readonly endtime: number;
}

/** The rows with the greatest `num`. */
const greatest: AggregateFunction<Row, readonly Row[], readonly Row[]> = {
  createAccumulator: () => [],
  add: (row, rows) => merge(rows, [row]),
  getResult: (rows) => rows,
  merge,
};

function merge(one: readonly Row[], other: readonly Row[]): readonly Row[] {
  const difference = (one[0]?.num ?? 0) - (other[0]?.num ?? 0);
  if (difference !== 0) return difference > 0 ? one : other;
  return [...one, ...other];
}

export default defineQuery<Row>({
  name: 'q5',
  reads: 'on-time',
  rows: (events) =>
    events
      .filter(isBid)
      .select('auction')
      .keyBy('auction')
      .window(SlidingEventTimeWindows.of('10 s', '2 s'))
      .preAggregate()
      .aggregate<number, number, Row>(count, (auction, { window }, [num = 0], out) =>
        out.collect({ auction, num, starttime: window.start, endtime: window.end }),
      )
      .keyBy('endtime')
      // Counts have the last time of their window: those of one window, and no others, meet in this one.
      .window(TumblingEventTimeWindows.of('2 s'))
      .preAggregate()
      .aggregate(greatest)
      .flatMap((rows) => rows),
});
