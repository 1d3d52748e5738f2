/**
 * q13, side input: bids with a text looked up by their auction. Each subtask has the whole table before its first bid: `open`
 * is waited for. A function of its own for each subtask, made by `withSideInput`, keeps it.
 *
 *     npm run nexmark -- q13
 */
import type { ProcessFunction } from 'millrace';
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'dateTime'> & { readonly value: string };

const keys = 10_000;

/** Stands for a file or a service: keys from 0 to 9,999, without those that end in 3. */
async function* sideInput(): AsyncGenerator<readonly [key: number, value: string]> {
  for (let key = 0; key < keys; key += 1) if (key % 10 !== 3) yield [key, `side-${key}`];
}

function withSideInput(): ProcessFunction<Bid, Row> {
  const values = new Map<number, string>();
  return {
    async open() {
      for await (const [key, value] of sideInput()) values.set(key, value);
    },
    processElement({ auction, bidder, price, dateTime }, _context, out) {
      const value = values.get(auction % keys);
      if (value !== undefined) out.collect({ auction, bidder, price, dateTime, value });
    },
  };
}

export default defineQuery<Row>({ name: 'q13', reads: 'all', rows: (events) => events.filter(isBid).process(withSideInput) });
