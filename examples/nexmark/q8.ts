/**
 * q8, new sellers: people who registered and opened an auction within the same ten seconds, told once however many they opened.
 *
 *     npm run nexmark -- q8
 */
import { TumblingEventTimeWindows } from 'millrace';
import { isAuction, isPerson, type Person } from './events.js';
import { defineQuery } from './query.js';

interface Row extends Pick<Person, 'id' | 'name'> {
  /** Start of the window. */
  readonly stime: number;
}

export default defineQuery<Row>({
  name: 'q8',
  reads: 'on-time',
  rows(events) {
    const registered = events.filter(isPerson).select('id', 'name');
    const opened = events.filter(isAuction).select('seller');
    return registered
      .coGroup(opened)
      .where('id')
      .equalTo('seller')
      .window(TumblingEventTimeWindows.of('10 s'))
      .apply<Row>((persons, auctions, out, { start }) => {
        if (auctions.length > 0) for (const { id, name } of persons) out.collect({ id, name, stime: start });
      });
  },
});
