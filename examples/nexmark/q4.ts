/**
 * q4, average closing price: for each category, the average of the winning prices of its auctions, told once at the end.
 *
 *     npm run nexmark -- q4
 */
import { maxWatermark, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { isAuctionOrBid, type Auction, type Bid } from './events.js';
import { defineQuery } from './query.js';
import { winningBids } from './winning-bids.js';

interface Row {
  /** The category. */
  readonly id: number;
  readonly final: number;
}

interface Sum {
  price: number;
  auctions: number;
}

type Sale = { readonly category: number; readonly price: number };

function average(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Sale, Row> {
  const sum = runtime.valueState<Sum>('sum');
  return {
    processElement({ price }, { time }) {
      let known = sum.value();
      if (known === undefined) {
        time.registerEventTimeTimer(maxWatermark);
        known = { price: 0, auctions: 0 };
      }
      known.price += price;
      known.auctions += 1;
      sum.update(known);
    },
    onTimer(_at, context, out) {
      const { price, auctions } = sum.value() as Sum;
      sum.clear();
      out.collect({ id: context.currentKey(), final: Math.floor(price / auctions) });
    },
  };
}

export default defineQuery<Row>({
  name: 'q4',
  reads: 'on-time',
  rows: (events) =>
    winningBids(events.filter(isAuctionOrBid).map(needed))
      .map(({ auction, bid }): Sale => ({ category: auction.category, price: bid.price }))
      .keyBy('category')
      .process(average),
});

function needed(event: Auction | Bid) {
  if (event.type === 'auction') {
    const { type, id, category, dateTime, expires } = event;
    return { type, id, category, dateTime, expires };
  }
  const { type, auction, bidder, price, dateTime } = event;
  return { type, auction, bidder, price, dateTime };
}
