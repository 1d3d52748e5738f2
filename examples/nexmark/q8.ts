/**
 * q8, new sellers: people who registered and opened an auction within the same ten seconds, told once however many they opened.
 *
 *     npm run nexmark -- q8
 */
import { TumblingEventTimeWindows, type AggregateFunction } from 'millrace';
import { isAuction, isPerson, type Person } from './events.js';
import { defineQuery } from './query.js';

interface Row extends Pick<Person, 'id' | 'name'> {
  /** Start of the window. */
  readonly stime: number;
}

/** Somebody who registered has a name; somebody who opened an auction has none. */
interface Presence {
  readonly id: number;
  readonly name: string | null;
}

interface Activity {
  name: string | null;
  hasOpened: boolean;
}

const activity: AggregateFunction<Presence, Activity, Activity> = {
  createAccumulator: () => ({ name: null, hasOpened: false }),
  add({ name }, known) {
    if (name === null) known.hasOpened = true;
    else known.name = name;
    return known;
  },
  getResult: (known) => known,
  merge: (one, other) => ({ name: one.name ?? other.name, hasOpened: one.hasOpened || other.hasOpened }),
};

export default defineQuery<Row>({
  name: 'q8',
  reads: 'on-time',
  rows(events) {
    const registered = events.filter(isPerson).map(({ id, name }): Presence => ({ id, name }));
    const opened = events.filter(isAuction).map(({ seller }): Presence => ({ id: seller, name: null }));
    return registered
      .union(opened)
      .keyBy('id')
      .window(TumblingEventTimeWindows.of('10 s'))
      .aggregate<Activity, Activity, Row>(activity, (id, { window }, [known], out) => {
        if (known !== undefined && known.name !== null && known.hasOpened) out.collect({ id, name: known.name, stime: window.start });
      });
  },
});
