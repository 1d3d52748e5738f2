/**
 * q3, local items: who sells in category 10 in Oregon, Idaho or California, and what. Whichever comes first, the seller or the
 * auction, waits in state for the other; for ever, as there is no condition on time.
 *
 *     npm run nexmark -- q3
 */
import type { KeyedCoProcessFunction, KeyedRuntimeContext } from 'millrace';
import { isAuction, isPerson, type Auction, type Person } from './events.js';
import { defineQuery } from './query.js';

type Seller = Pick<Person, 'id' | 'name' | 'city' | 'state'>;
type Item = Pick<Auction, 'id' | 'seller'>;
type Row = Pick<Person, 'name' | 'city' | 'state'> & Pick<Auction, 'id'>;

const localStates: ReadonlySet<string> = new Set(['OR', 'ID', 'CA']);

function join(runtime: KeyedRuntimeContext): KeyedCoProcessFunction<number, Seller, Item, Row> {
  const seller = runtime.valueState<Seller>('seller');
  const waiting = runtime.listState<number>('items-waiting');
  return {
    processElement1(person, _context, out) {
      seller.update(person);
      const { name, city, state } = person;
      for (const id of waiting.get()) out.collect({ name, city, state, id });
      waiting.clear();
    },
    processElement2({ id }, _context, out) {
      const known = seller.value();
      if (known === undefined) waiting.add(id);
      else out.collect({ name: known.name, city: known.city, state: known.state, id });
    },
  };
}

export default defineQuery<Row>({
  name: 'q3',
  reads: 'all',
  rows(events) {
    const sellers = events
      .filter(isPerson)
      .filter(({ state }) => localStates.has(state))
      .select('id', 'name', 'city', 'state');
    const items = events
      .filter(isAuction)
      .filter(({ category }) => category === 10)
      .select('id', 'seller');
    return sellers.keyBy('id').connect(items.keyBy('seller')).process(join);
  },
});
