/** What a query written by hand is: a function of one event after the other, and of the end. */
import type { AuctionEvent } from '../../../examples/nexmark/events.js';

export interface HandWritten {
  take(event: AuctionEvent): void;
  /** The events have ended; what waits is due. */
  end(): void;
}

/** Takes rows. */
export type Rows = (row: object) => void;

/** Made for one run. Events come in order of time, each within `delayMs` of the latest. */
export type MakeHandWritten = (rows: Rows, delayMs: number) => HandWritten;

/** How far events are out of order at most. */
export const delayMs = 4_000;

export const nothing = (): void => {};

/** What is due at a time, earliest first: a binary heap. */
export class DueQueue<T> {
  readonly #times: number[] = [];
  readonly #items: T[] = [];

  push(time: number, item: T): void {
    const times = this.#times;
    const items = this.#items;
    let at = times.length;
    times.push(time);
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] as number) <= time) break;
      times[at] = times[parent] as number;
      items[at] = items[parent] as T;
      at = parent;
    }
    times[at] = time;
    items[at] = item;
  }

  /** The earliest item, if it is due at `time`. */
  poll(time: number): T | undefined {
    const times = this.#times;
    const items = this.#items;
    if (times.length === 0 || (times[0] as number) > time) return undefined;
    const first = items[0] as T;
    const lastTime = times.pop() as number;
    const lastItem = items.pop() as T;
    const { length } = times;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (times[child + 1] as number) < (times[child] as number)) child += 1;
      if ((times[child] as number) >= lastTime) break;
      times[at] = times[child] as number;
      items[at] = items[child] as T;
      at = child;
    }
    times[at] = lastTime;
    items[at] = lastItem;
    return first;
  }
}
