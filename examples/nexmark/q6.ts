/**
 * q6, average closing price by seller: for each auction that somebody won, the average of the seller's last ten winning
 * prices. Auctions of a seller count in the order in which they end, not in the order they are heard of: they wait in state
 * until event time has passed their end.
 *
 *     npm run nexmark -- q6
 */
import type { KeyedProcessFunction, KeyedRuntimeContext } from 'millrace';
import { isAuction, isBid } from './events.js';
import { defineQuery } from './query.js';
import { winningBids } from './winning-bids.js';

interface Row {
  readonly seller: number;
  readonly auction: number;
  readonly avg_price: number;
}

interface Sale {
  readonly seller: number;
  readonly auction: number;
  readonly expires: number;
  readonly price: number;
}

const salesPerAverage = 10;

function averageOfLast(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Sale, Row> {
  const waiting = runtime.listState<Sale>('waiting');
  const lastPrices = runtime.valueState<readonly number[]>('last-prices');
  return {
    processElement(sale, { time }) {
      waiting.add(sale);
      time.registerEventTimeTimer(sale.expires);
    },
    onTimer(at, _context, out) {
      const sales = waiting.get();
      waiting.update(sales.filter(({ expires }) => expires > at));
      let prices = lastPrices.value() ?? [];
      for (const { seller, auction, price } of sales.filter(({ expires }) => expires <= at).sort(byEnd)) {
        prices = [...prices, price].slice(-salesPerAverage);
        const sum = prices.reduce((total, one) => total + one, 0);
        out.collect({ seller, auction, avg_price: Math.floor(sum / prices.length) });
      }
      lastPrices.update(prices);
    },
  };
}

const byEnd = (a: Sale, b: Sale): number => a.expires - b.expires || a.auction - b.auction;

export default defineQuery<Row>({
  name: 'q6',
  reads: 'on-time',
  rows(events) {
    const auctions = events.filter(isAuction).select('id', 'seller', 'dateTime', 'expires');
    const bids = events.filter(isBid).select('auction', 'bidder', 'price', 'dateTime');
    return winningBids(auctions, bids)
      .map(({ auction, bid }): Sale => ({ seller: auction.seller, auction: auction.id, expires: auction.expires, price: bid.price }))
      .keyBy('seller')
      .process(averageOfLast);
  },
});
