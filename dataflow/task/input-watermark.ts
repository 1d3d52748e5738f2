/**
 * The watermark of a task: the lowest of its channels, and never lower than before.
 *
 * W1  It moves only when every channel has said more than the current one.
 * W2  A channel whose data ended counts as infinitely far.
 */
import { maxWatermark, minWatermark } from '../contracts.js';

/** Combines the watermarks of the channels of one task. */
export class InputWatermark {
  readonly #channels: number[];
  #current: number = minWatermark;

  constructor(channels: number) {
    this.#channels = new Array<number>(channels).fill(minWatermark);
  }

  get current(): number {
    return this.#current;
  }

  /** Takes the watermark of a channel; the new combined one when it moved. Costs one pass over the channels. */
  advance(channel: number, watermark: number): number | undefined {
    const before = this.#channels[channel];
    if (before === undefined || watermark <= before) return undefined;
    this.#channels[channel] = watermark;
    if (before > this.#current) return undefined;
    let lowest = maxWatermark;
    for (const time of this.#channels) if (time < lowest) lowest = time;
    if (lowest <= this.#current) return undefined;
    this.#current = lowest;
    return lowest;
  }

  /** The data of a channel ended (W2). */
  end(channel: number): number | undefined {
    return this.advance(channel, maxWatermark);
  }
}
