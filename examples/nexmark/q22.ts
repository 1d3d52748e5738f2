/**
 * q22, URL directories: the first three parts of the path of every bid's url; null where there is none.
 *
 *     npm run nexmark -- q22
 */
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

interface Row extends Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel'> {
  readonly dir1: string | null;
  readonly dir2: string | null;
  readonly dir3: string | null;
}

export default defineQuery<Row>({
  name: 'q22',
  reads: 'all',
  rows: (events) =>
    events.filter(isBid).map(({ auction, bidder, price, channel, url }) => {
      // https: / (empty) / host / …
      const parts = url.split('/');
      return { auction, bidder, price, channel, dir1: parts[3] ?? null, dir2: parts[4] ?? null, dir3: parts[5] ?? null };
    }),
});
