/**
 * What a slot may have granted over the bus, shared out to its gates.
 *
 * GB1  Gates are given what they would like while it lasts: then fewer exclusive buffers a channel, down to none, then fewer
 *      floating ones, down to one. One a gate is always there (`bytesMax` says so), so a job with more channels than buffers
 *      is slow and runs.
 * GB2  What is granted at any moment is at most `bytesMax`; the peak is kept.
 */
import { limits } from '../../core/limits.js';

export interface GrantBudgetOptions {
  /** The slot's share in what its process may have granted. */
  readonly bytesMax: number;
  /** Buffers of each channel. */
  readonly exclusive: number;
  /** Buffers of each gate. */
  readonly floating: number;
}

/** Buffers of one gate; `reserved` of them are for what comes over the bus. */
export interface GateShare {
  readonly exclusive: number;
  readonly floating: number;
  readonly reserved: number;
}

/** See the head of this file. */
export class GrantBudget {
  readonly #options: GrantBudgetOptions;
  readonly #buffersMax: number;
  #reserved = 0;
  #reservedPeak = 0;
  #granted = 0;
  #grantedPeak = 0;

  constructor(options: GrantBudgetOptions) {
    this.#options = options;
    this.#buffersMax = Math.floor(options.bytesMax / limits.segmentBytes);
  }

  /** Of a channel within the slot, which costs nothing of this. */
  get exclusive(): number {
    return this.#options.exclusive;
  }

  /** Bytes that may be granted at once. */
  get bytesMax(): number {
    return Math.max(this.#buffersMax, this.#reservedPeak) * limits.segmentBytes;
  }

  /** The most bytes that were granted at once. */
  get bytesPeak(): number {
    return this.#grantedPeak * limits.segmentBytes;
  }

  /** For a gate with so many channels over the bus. */
  reserve(channels: number): GateShare {
    const { exclusive, floating } = this.#options;
    if (channels === 0) return { exclusive, floating, reserved: 0 };
    const left = this.#buffersMax - this.#reserved;
    const own = Math.max(0, Math.min(exclusive, Math.floor((left - 1) / channels)));
    const lent = Math.max(own === 0 ? 1 : 0, Math.min(floating, left - own * channels));
    const reserved = own * channels + lent;
    this.#reserved += reserved;
    this.#reservedPeak = Math.max(this.#reservedPeak, this.#reserved);
    return { exclusive: own, floating: lent, reserved };
  }

  /** The gate is gone. */
  release({ reserved }: GateShare): void {
    this.#reserved -= reserved;
  }

  /** Buffers were granted over the bus, or came back where negative. */
  count(change: number): void {
    this.#granted += change;
    if (this.#granted > this.#grantedPeak) this.#grantedPeak = this.#granted;
  }
}
