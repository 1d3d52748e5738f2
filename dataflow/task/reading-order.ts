/**
 * Whose turn it is among the channels of a task that hold something.
 *
 * RO1  The one that is furthest behind in event time, as far as its last batch told: what is joined then waits in state for
 *      as little as can be. A channel whose records have no timestamps has its turn when it is first in line.
 * RO2  Nobody is passed over more than {@link passesMax} times, so that barriers and live streams come through beside one that
 *      reads up on days.
 * RO3  Among equals, the one that has waited longest.
 */
import { noTimestamp } from '../contracts.js';

/** Enough for a channel of small frames to keep up with one in the same slot, whose batches are several times as large. */
const passesMax = 8;

export class ReadingOrder {
  /** Channels that hold something, longest wait first. */
  readonly #waiting = new Set<number>();
  /** By channel: the turn at which it came to wait. */
  readonly #since: number[];
  /** By channel: timestamp of the last record that was read; {@link noTimestamp}: it had none. */
  readonly #times: number[];
  #turn = 0;

  constructor(channels: number) {
    this.#since = new Array<number>(channels).fill(0);
    this.#times = new Array<number>(channels).fill(noTimestamp);
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** The channel holds something. */
  add(channel: number): void {
    if (this.#waiting.has(channel)) return;
    this.#waiting.add(channel);
    this.#since[channel] = this.#turn;
  }

  /** A batch of the channel was read. */
  reached(channel: number, timestamp: number): void {
    this.#times[channel] = timestamp;
  }

  /** Takes the next out of the line; undefined when nobody waits. */
  take(): number | undefined {
    let chosen: number | undefined;
    let lowest = Infinity;
    for (const channel of this.#waiting) {
      const time = this.#times[channel] as number;
      const isDue = this.#turn - (this.#since[channel] as number) > passesMax;
      if (isDue || (chosen === undefined && time === noTimestamp)) {
        chosen = channel;
        break;
      }
      if (time !== noTimestamp && time < lowest) {
        lowest = time;
        chosen = channel;
      }
    }
    if (chosen === undefined) return undefined;
    this.#turn += 1;
    this.#waiting.delete(chosen);
    return chosen;
  }

  clear(): void {
    this.#waiting.clear();
  }
}
