/**
 * Which channels and inputs of a task have records to come.
 *
 * DE1  An input has ended once the data of each of its channels has; each end is told once.
 */
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';

/** See the head of this file. */
export class DataEnds {
  /** By channel; channels are numbered through the gates, in their order. */
  readonly #inputs: readonly number[];
  readonly #hasEnded: boolean[];
  #open: number;

  constructor(gates: readonly Pick<InputGateDescriptor, 'inputIndex' | 'channels'>[]) {
    this.#inputs = gates.flatMap(({ inputIndex, channels }) => channels.map(() => inputIndex));
    this.#hasEnded = this.#inputs.map(() => false);
    this.#open = this.#inputs.length;
  }

  /** No channel has anything to come. */
  get areAll(): boolean {
    return this.#open === 0;
  }

  has(channel: number): boolean {
    return this.#hasEnded[channel] === true;
  }

  /** The data of a channel that had not ended did; the input that ended with it, if one did. */
  end(channel: number): number | undefined {
    const input = this.#inputs[channel];
    this.#hasEnded[channel] = true;
    this.#open -= 1;
    return this.#inputs.some((one, index) => one === input && this.#hasEnded[index] !== true) ? undefined : input;
  }
}
