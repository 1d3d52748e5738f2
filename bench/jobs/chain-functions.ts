/** What every form of the chain calls: five fields, map → filter → map → count. */
export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly at: number;
}

const channels = ['web', 'app', 'phone', 'desk'] as const;

export const makeBid = (n: number): Bid => ({
  auction: n % 1_000,
  bidder: n % 9_973,
  price: n % 5_000,
  channel: channels[n & 3] as string,
  at: n,
});
export const inEuro = (bid: Bid): Bid => ({
  auction: bid.auction,
  bidder: bid.bidder,
  price: bid.price * 0.908,
  channel: bid.channel,
  at: bid.at,
});
export const isNotPhone = (bid: Bid): boolean => bid.channel !== 'phone';
export const rounded = (bid: Bid): Bid => ({
  auction: bid.auction,
  bidder: bid.bidder,
  price: Math.round(bid.price),
  channel: bid.channel,
  at: bid.at + 1,
});
export const weight = (bid: Bid): number => bid.price & 1;
