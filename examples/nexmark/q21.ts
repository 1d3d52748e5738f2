/**
 * q21, channel ids: bids with the id of their channel, by its name or out of the url.
 *
 *     npm run nexmark -- q21
 */
import { isBid, type Bid } from './events.js';
import { defineQuery } from './query.js';

type Row = Pick<Bid, 'auction' | 'bidder' | 'price' | 'channel'> & { readonly channel_id: string };

const knownIds: ReadonlyMap<string, string> = new Map([
  ['apple', '0'],
  ['google', '1'],
  ['facebook', '2'],
  ['baidu', '3'],
]);

const idInUrl = /(&|^)channel_id=([^&]*)/;
const asciiCapitals = /[A-Z]+/g;

/** Undefined when neither tells it. */
function channelId({ channel, url }: Bid): string | undefined {
  const name = channel.replace(asciiCapitals, (capitals) => capitals.toLowerCase());
  return knownIds.get(name) ?? idInUrl.exec(url)?.[2];
}

export default defineQuery<Row>({
  name: 'q21',
  reads: 'all',
  rows: (events) =>
    events.filter(isBid).flatMap<Row>((bid, out) => {
      const id = channelId(bid);
      if (id !== undefined)
        out.collect({ auction: bid.auction, bidder: bid.bidder, price: bid.price, channel: bid.channel, channel_id: id });
    }),
});
