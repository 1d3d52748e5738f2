/**
 * q6, average closing price by seller: for each auction that somebody won, the average of the seller's last ten winning
 * prices. Auctions of a seller count in the order in which they end, not in the order they are heard of: they wait in state
 * until event time has passed their end.
 *
 *     npm run nexmark -- q6
 */
import type { KeyedProcessFunction, KeyedRuntimeContext } from 'millrace';
import { isAuctionOrBid, type Auction, type Bid } from './events.js';
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

/** What is known of a seller. */
interface Sales {
  /** Of auctions whose end event time has not passed. */
  waiting: Sale[];
  readonly lastPrices: number[];
}

function averageOfLast(runtime: KeyedRuntimeContext): KeyedProcessFunction<number, Sale, Row> {
  const state = runtime.valueState<Sales>('sales');
  return {
    processElement(sale, { time }) {
      const sales = state.value() ?? { waiting: [], lastPrices: [] };
      sales.waiting.push(sale);
      state.update(sales);
      time.registerEventTimeTimer(sale.expires);
    },
    onTimer(at, _context, out) {
      const sales = state.value() as Sales;
      const { waiting, lastPrices } = sales;
      sales.waiting = waiting.filter(({ expires }) => expires > at);
      for (const { seller, auction, price } of waiting.filter(({ expires }) => expires <= at).sort(byEnd)) {
        lastPrices.push(price);
        if (lastPrices.length > salesPerAverage) lastPrices.shift();
        const sum = lastPrices.reduce((total, one) => total + one, 0);
        out.collect({ seller, auction, avg_price: Math.floor(sum / lastPrices.length) });
      }
      state.update(sales);
    },
  };
}

const byEnd = (a: Sale, b: Sale): number => a.expires - b.expires || a.auction - b.auction;

export default defineQuery<Row>({
  name: 'q6',
  reads: 'on-time',
  rows: (events) =>
    winningBids(events.filter(isAuctionOrBid).map(needed))
      .map(({ auction, bid }): Sale => ({ seller: auction.seller, auction: auction.id, expires: auction.expires, price: bid.price }))
      .keyBy('seller')
      .process(averageOfLast),
});

function needed(event: Auction | Bid) {
  if (event.type === 'auction') {
    const { type, id, seller, dateTime, expires } = event;
    return { type, id, seller, dateTime, expires };
  }
  const { type, auction, bidder, price, dateTime } = event;
  return { type, auction, bidder, price, dateTime };
}
