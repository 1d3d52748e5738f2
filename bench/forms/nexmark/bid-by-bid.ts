/** By hand: the queries of one bid in and at most one row out. */
import type { Bid } from '../../../examples/nexmark/events.js';
import { nothing, type MakeHandWritten, type Rows } from './by-hand.js';

const onBids =
  (onBid: (bid: Bid, rows: Rows) => void): MakeHandWritten =>
  (rows) => ({
    take(event) {
      if (event.type === 'bid') onBid(event, rows);
    },
    end: nothing,
  });

const q0 = onBids(({ auction, bidder, price, dateTime, extra }, rows) => rows({ auction, bidder, price, dateTime, extra }));

const q1 = onBids(({ auction, bidder, price, dateTime, extra }, rows) => rows({ auction, bidder, price: 0.908 * price, dateTime, extra }));

const q2 = onBids(({ auction, price }, rows) => {
  if (auction % 123 === 0) rows({ auction, price });
});

const sideInput = new Map<number, string>();
for (let key = 0; key < 10_000; key += 1) if (key % 10 !== 3) sideInput.set(key, `side-${key}`);

const q13 = onBids(({ auction, bidder, price, dateTime }, rows) => {
  const value = sideInput.get(auction % 10_000);
  if (value !== undefined) rows({ auction, bidder, price, dateTime, value });
});

const q14 = onBids(({ auction, bidder, price, dateTime, extra }, rows) => {
  const euros = 0.908 * price;
  if (euros <= 1_000_000 || euros >= 50_000_000) return;
  const hour = Math.floor((dateTime % 86_400_000) / 3_600_000);
  const bidTimeType = hour >= 8 && hour <= 18 ? 'dayTime' : hour <= 6 || hour >= 20 ? 'nightTime' : 'otherTime';
  let c_counts = 0;
  for (let at = extra.indexOf('c'); at !== -1; at = extra.indexOf('c', at + 1)) c_counts += 1;
  rows({ auction, bidder, price: euros, bidTimeType, dateTime, extra, c_counts });
});

const channelIds: Readonly<Record<string, string>> = { apple: '0', google: '1', facebook: '2', baidu: '3' };

const q21 = onBids(({ auction, bidder, price, channel, url }, rows) => {
  const channel_id = channelIds[channel.toLowerCase()] ?? /(&|^)channel_id=([^&]*)/.exec(url)?.[2];
  if (channel_id !== undefined) rows({ auction, bidder, price, channel, channel_id });
});

const q22 = onBids(({ auction, bidder, price, channel, url }, rows) => {
  const parts = url.split('/');
  rows({ auction, bidder, price, channel, dir1: parts[3] ?? null, dir2: parts[4] ?? null, dir3: parts[5] ?? null });
});

export const bidByBid = { q0, q1, q2, q13, q14, q21, q22 };
