/** Records of the codec benchmark: made beforehand, so that only the codec is measured. */

/** Nexmark's: seven fields, about a hundred bytes. */
export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

/** Records made. Few enough to stay in a cache: a record that is sent was made, or read, a moment before. */
export const recordsMade = 1_024;

const stride = 7_919;
const startAt = 1_700_000_000_000;
const letters = 'abcdefghijklmnopqrstuvwxyz';
const hot = ['Google', 'Facebook', 'Baidu', 'Apple'];

function spread(n: number, below: number): number {
  return (n * stride) % below;
}

/** Whole in memory, as texts read from a file or made by a parser are; a template would leave a rope. */
function whole(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function filler(n: number): string {
  let text = '';
  for (let index = 0; index < 12 + (n % 21); index += 1) text += letters[(n * (index + 3) + index * index) % letters.length];
  return whole(text);
}

function bid(n: number): Bid {
  const isHot = n % 2 === 0;
  const channel = spread(n, 10_000);
  return {
    auction: 1_000 + spread(n, 9_000),
    bidder: 1_000 + spread(n, 4_000),
    price: 100 + spread(n, 10_000_000),
    channel: isHot ? (hot[spread(n, 4)] as string) : whole(`channel-${channel}`),
    url: whole(`https://www.nexmark.com/${letters[n % 26]}/${letters[(n >> 2) % 26]}/item.htm?query=1`),
    dateTime: startAt + n * 3,
    extra: filler(n),
  };
}

const vocabulary = Array.from({ length: 5_000 }, (_, n) => whole(letters.slice(n % 17, (n % 17) + 2) + spread(n, 5_000).toString(36)));

/** Kinds of records, by name. */
export const recordKinds: Readonly<Record<string, (n: number) => Record<string, unknown>>> = {
  bid: (n) => ({ ...bid(n) }),
  word: (n) => ({ word: vocabulary[spread(n, 5_000)] as string, count: n % 200 }),
  nested: (n) => ({
    id: n,
    at: new Date(startAt + n),
    place: { latitude: 47 + n / 1_000, longitude: 8 - n / 1_000 },
    tags: [letters.slice(0, n % 5), 'fixed'],
    parent: n % 3 === 0 ? null : n >> 1,
  }),
};
