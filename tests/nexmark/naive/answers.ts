/** The answer of every query, computed from its definition over arrays; shares no code with operators or queries. */
import * as bidByBid from './bid-by-bid.js';
import type { NexmarkInput, Row } from './events.js';
import * as joins from './joins.js';
import * as tables from './tables.js';
import * as windows from './windows.js';
import * as winningBids from './winning-bids.js';

export const naiveAnswers = { ...bidByBid, ...joins, ...winningBids, ...windows, ...tables } satisfies Readonly<
  Record<string, (input: NexmarkInput) => Row[]>
>;

export type QueryName = keyof typeof naiveAnswers;

/** From q0 on. */
export const queryNames: readonly QueryName[] = (Object.keys(naiveAnswers) as QueryName[]).sort(
  (a, b) => Number(a.slice(1)) - Number(b.slice(1)),
);
