/**
 * q4, average closing price: for each category, the average of the winning prices of its auctions, told once at the end.
 *
 *     npm run nexmark -- q4
 */
import { maxWatermark, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { isAuction, isBid } from './events.js';
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
      const known = sum.value();
      if (known === undefined) time.registerEventTimeTimer(maxWatermark);
      sum.update({ price: (known?.price ?? 0) + price, auctions: (known?.auctions ?? 0) + 1 });
    },
    onTimer(_at, context, out) {
      const { price, auctions } = sum.value() as Sum;
      out.collect({ id: context.currentKey(), final: Math.floor(price / auctions) });
    },
  };
}

export default defineQuery<Row>({
  name: 'q4',
  reads: 'on-time',
  rows(events) {
    const auctions = events.filter(isAuction).select('id', 'category', 'dateTime', 'expires');
    const bids = events.filter(isBid).select('auction', 'bidder', 'price', 'dateTime');
    return winningBids(auctions, bids)
      .map(({ auction, bid }): Sale => ({ category: auction.category, price: bid.price }))
      .keyBy('category')
      .process(average);
  },
});
