/**
 * Combines the watermarks of several channels into one, as Flink's StatusWatermarkValve does, but for channels that finished.
 *
 * A channel is active, idle or finished. Active ones are aligned, or lag: one that was idle while time went on lags until
 * its own watermark has caught up.
 *
 * W1  The watermark is the lowest of the aligned channels. It never falls.
 * W2  A finished channel neither holds time back nor moves it. When all are finished, time is over (MAX).
 * W3  An idle channel holds nothing back. When no unfinished channel is active, the output is idle too. If time was held by
 *     the one that was active last, it moves first to what the unfinished channels had come to at most, never to MAX.
 * W4  What a channel says while it is idle is ignored; a watermark that is not above its last, too. That it finished counts.
 */
import { maxWatermark, minWatermark } from '../contracts.js';

/** What a channel's word did; undefined where nothing changed. The watermark comes before idle, and after active. */
export interface ValveChange {
  readonly watermark?: number | undefined;
  readonly isIdle?: boolean | undefined;
}

type ChannelStatus = 'active' | 'idle' | 'finished';

export interface ValveChannel {
  /** Active or idle or finished; aligned ones are active and not behind. */
  status: ChannelStatus;
  watermark: number;
  isAligned: boolean;
}

const noChange: ValveChange = {};

/** See the head of this file. Each word costs one pass over the channels at most. */
export class WatermarkValve {
  readonly #channels: readonly ValveChannel[];
  #watermark: number = minWatermark;
  #isIdle = false;

  constructor(channels: number) {
    this.#channels = Array.from({ length: channels }, () => ({ status: 'active', watermark: minWatermark, isAligned: true }));
  }

  get watermark(): number {
    return this.#watermark;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Every channel is finished. */
  get isFinished(): boolean {
    return this.#watermark === maxWatermark;
  }

  channels(): readonly Readonly<ValveChannel>[] {
    return this.#channels;
  }

  /** A channel's time came to `watermark`. The largest one says that it finished. */
  advance(index: number, watermark: number): ValveChange {
    if (watermark >= maxWatermark) return this.finish(index);
    const channel = this.#channels[index];
    if (channel?.status !== 'active' || watermark <= channel.watermark) return noChange;
    channel.watermark = watermark;
    if (!channel.isAligned && watermark < this.#watermark) return noChange;
    channel.isAligned = true;
    return this.#raised(this.#lowestAligned());
  }

  /** A channel becomes idle, or active again. */
  setIdle(index: number, isIdle: boolean): ValveChange {
    const channel = this.#channels[index];
    if (channel === undefined || channel.status !== (isIdle ? 'active' : 'idle')) return noChange;
    if (isIdle) {
      channel.status = 'idle';
      channel.isAligned = false;
      return this.#withoutActive(channel);
    }
    channel.status = 'active';
    channel.isAligned = channel.watermark >= this.#watermark;
    if (!this.#isIdle) return noChange;
    this.#isIdle = false;
    return { isIdle };
  }

  /** No watermark comes from this channel any more (W2). */
  finish(index: number): ValveChange {
    const channel = this.#channels[index];
    if (channel === undefined || channel.status === 'finished') return noChange;
    const wasIdle = channel.status === 'idle';
    channel.status = 'finished';
    channel.isAligned = false;
    if (this.#channels.every(({ status }) => status === 'finished')) return this.#raised(maxWatermark);
    return wasIdle ? noChange : this.#withoutActive(channel);
  }

  /** `channel` holds nothing back any more (W3). */
  #withoutActive(channel: ValveChannel): ValveChange {
    const wasHolding = channel.watermark === this.#watermark;
    if (this.#channels.some(({ status }) => status === 'active')) return wasHolding ? this.#raised(this.#lowestAligned()) : noChange;
    this.#isIdle = true;
    const { watermark } = wasHolding ? this.#raised(this.#highestUnfinished()) : noChange;
    return { watermark, isIdle: true };
  }

  #raised(watermark: number | undefined): ValveChange {
    if (watermark === undefined || watermark <= this.#watermark) return noChange;
    this.#watermark = watermark;
    return { watermark };
  }

  #lowestAligned(): number | undefined {
    let lowest: number | undefined;
    for (const { isAligned, watermark } of this.#channels)
      if (isAligned && (lowest === undefined || watermark < lowest)) lowest = watermark;
    return lowest;
  }

  #highestUnfinished(): number {
    let highest = minWatermark;
    for (const { status, watermark } of this.#channels) if (status !== 'finished' && watermark > highest) highest = watermark;
    return highest;
  }
}
