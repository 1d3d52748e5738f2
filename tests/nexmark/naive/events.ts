/** What the naive computations work on: every event of the input, in the order of its split. */
import type { Auction, AuctionEvent, Bid, Person } from '../../../examples/nexmark/events.js';

export type { Auction, AuctionEvent, Bid, Person };

/** Split by split, each in its order; between splits there is none. */
export interface NexmarkInput {
  readonly splits: readonly (readonly AuctionEvent[])[];
  readonly watermarkDelayMs: number;
}

/** A row of an answer: exactly the fields that are defined for its query. */
export type Row = Readonly<Record<string, unknown>>;

export const bidsIn = (events: readonly AuctionEvent[]): readonly Bid[] => events.filter((event) => event.type === 'bid');
export const auctionsIn = (events: readonly AuctionEvent[]): readonly Auction[] => events.filter((event) => event.type === 'auction');
export const personsIn = (events: readonly AuctionEvent[]): readonly Person[] => events.filter((event) => event.type === 'person');

export const allEvents = ({ splits }: NexmarkInput): readonly AuctionEvent[] => splits.flat();

/** T4: an event is late when the events of its split before it have gone as far as the delay past it. */
export function onTimeEvents({ splits, watermarkDelayMs }: NexmarkInput): readonly AuctionEvent[] {
  return splits.flatMap((split) => {
    let latest: number | undefined;
    return split.filter((event) => {
      const isLate = latest !== undefined && event.dateTime <= latest - watermarkDelayMs;
      latest = Math.max(latest ?? event.dateTime, event.dateTime);
      return !isLate;
    });
  });
}

/** Values that have the same `keyOf`, together. */
export function grouped<T>(values: readonly T[], keyOf: (value: T) => string | number): readonly (readonly [T, ...T[]])[] {
  const groups = new Map<string | number, [T, ...T[]]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return [...groups.values()];
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Of integers, rounded down. */
export const average = (values: readonly number[]): number => Number(BigInt(sum(values)) / BigInt(values.length));

/** By Unicode code points, like `Array.prototype.sort` wants it. */
export function textOrder(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)].map((characters) => characters.map((one) => one.codePointAt(0) as number)) as [
    number[],
    number[],
  ];
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const difference = (left[at] as number) - (right[at] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
