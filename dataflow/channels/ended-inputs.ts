/**
 * Receivers that have everything and are gone, for as long as their senders may ask (N5): a sender whose last acknowledgement was
 * lost ends by the answer.
 */
import type { ChannelId } from '../../core/ids.js';
import type { SlotLocation } from './elements.js';

export interface EndedInput {
  readonly peer: SlotLocation;
  readonly receivedUpTo: number;
}

/** Beats for which an ended receiver still answers its sender. */
const beatsRemembered = 20;

export class EndedInputs {
  readonly #inputs = new Map<ChannelId, EndedInput & { beatsLeft: number }>();

  get isEmpty(): boolean {
    return this.#inputs.size === 0;
  }

  add(channelId: ChannelId, input: EndedInput): void {
    this.#inputs.set(channelId, { ...input, beatsLeft: beatsRemembered });
  }

  get(channelId: ChannelId): EndedInput | undefined {
    return this.#inputs.get(channelId);
  }

  /** Its sender has ended too. */
  forget(channelId: ChannelId): void {
    this.#inputs.delete(channelId);
  }

  onBeat(): void {
    for (const [channelId, input] of this.#inputs) {
      input.beatsLeft -= 1;
      if (input.beatsLeft === 0) this.#inputs.delete(channelId);
    }
  }
}
