/**
 * q3, local items: who sells in category 10 in Oregon, Idaho or California, and what. Whichever comes first, the seller or the
 * auction, waits in state for the other; for ever, as there is no condition on time.
 *
 *     npm run nexmark -- q3
 */
import type { KeyedProcessFunction, KeyedRuntimeContext } from 'millrace';
import { isAuction, isPerson, type Auction, type AuctionEvent, type Person } from './events.js';
import { defineQuery } from './query.js';

type Seller = Pick<Person, 'name' | 'city' | 'state'>;
type Row = Seller & Pick<Auction, 'id'>;

const localStates: ReadonlySet<string> = new Set(['OR', 'ID', 'CA']);

const isLocal = (event: AuctionEvent): event is Person | Auction =>
  (isPerson(event) && localStates.has(event.state)) || (isAuction(event) && event.category === 10);

function join(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Person | Auction, Row> {
  const seller = runtime.valueState<Seller>('seller');
  const waiting = runtime.listState<number>('auctions-waiting');
  return {
    processElement(event, _context, out) {
      if (isAuction(event)) {
        const known = seller.value();
        if (known === undefined) waiting.add(event.id);
        else out.collect({ ...known, id: event.id });
        return;
      }
      const { name, city, state } = event;
      seller.update({ name, city, state });
      for (const id of waiting.get()) out.collect({ name, city, state, id });
      waiting.clear();
    },
  };
}

export default defineQuery<Row>({
  name: 'q3',
  reads: 'all',
  rows: (events) =>
    events
      .filter(isLocal)
      .keyBy((event) => (isAuction(event) ? event.seller : event.id))
      .process(join),
});
