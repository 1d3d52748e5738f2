/**
 * What a slot may have granted over the bus, shared out to its gates.
 *
 * GB1  Gates are given what they would like while it lasts: then fewer exclusive buffers a channel, down to none, then fewer
 *      floating ones, down to one. One a gate is always there, also where nothing is left (`bytesForced` counts those), so a
 *      job with more channels than buffers is slow and runs.
 * GB2  What is granted at any moment is at most `bytesMax` and `bytesForced` together; the peak is kept.
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
  /** Nothing was left: its one buffer is beyond the share of the slot (GB1). */
  readonly isForced: boolean;
}

/** See the head of this file. */
export class GrantBudget {
  readonly #options: GrantBudgetOptions;
  readonly #buffersMax: number;
  #reserved = 0;
  #forced = 0;
  #forcedPeak = 0;
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

  /** The slot's share, in whole buffers. */
  get bytesMax(): number {
    return this.#buffersMax * limits.segmentBytes;
  }

  /** What gates that found nothing left had beyond it: one buffer each, the most at any moment. */
  get bytesForced(): number {
    return this.#forcedPeak * limits.segmentBytes;
  }

  /** The most bytes that were granted at once. */
  get bytesPeak(): number {
    return this.#grantedPeak * limits.segmentBytes;
  }

  /** For a gate with so many channels over the bus. */
  reserve(channels: number): GateShare {
    const { exclusive, floating } = this.#options;
    if (channels === 0) return { exclusive, floating, reserved: 0, isForced: false };
    const left = this.#buffersMax - this.#reserved;
    const own = Math.max(0, Math.min(exclusive, Math.floor((left - 1) / channels)));
    const lent = Math.max(own === 0 ? 1 : 0, Math.min(floating, left - own * channels));
    const reserved = own * channels + lent;
    this.#reserved += reserved;
    const isForced = left < 1;
    if (isForced) this.#forced += 1;
    this.#forcedPeak = Math.max(this.#forcedPeak, this.#forced);
    return { exclusive: own, floating: lent, reserved, isForced };
  }

  /** The gate is gone. */
  release({ reserved, isForced }: GateShare): void {
    this.#reserved -= reserved;
    if (isForced) this.#forced -= 1;
  }

  /** Buffers beyond its share for a gate: as many of `wanted` as leave half of the budget unreserved. */
  extend(wanted: number): number {
    const more = Math.max(0, Math.min(wanted, (this.#buffersMax >> 1) - this.#reserved));
    this.#reserved += more;
    return more;
  }

  /** Buffers that `extend` gave are free again. */
  giveBack(buffers: number): void {
    this.#reserved -= buffers;
  }

  /** Buffers were granted over the bus, or came back where negative. */
  count(change: number): void {
    this.#granted += change;
    if (this.#granted > this.#grantedPeak) this.#grantedPeak = this.#granted;
  }
}
