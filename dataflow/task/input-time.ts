/**
 * The event time of what comes into a task: one valve for each of its inputs (the edges of a union share one), combined.
 *
 * IT1  Inputs are combined as channels are, but that time stands when all are idle: what one had come to says nothing of
 *      the other.
 * IT2  A channel whose data ended is finished, whatever it said last.
 */
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';
import { CombinedWatermark } from '../time/combined-watermark.js';
import { WatermarkValve, type ValveChange, type ValveChannel } from '../time/watermark-valve.js';

interface ChannelPlace {
  readonly valve: WatermarkValve;
  /** Of the channel in its valve. */
  readonly index: number;
}

const noChange: ValveChange = {};

/** See the head of this file. */
export class InputTime {
  readonly #valves: readonly WatermarkValve[];
  readonly #places: readonly ChannelPlace[];
  readonly #combined = new CombinedWatermark();

  /** Channels are numbered through the gates, in their order. */
  constructor(gates: readonly Pick<InputGateDescriptor, 'inputIndex' | 'channels'>[]) {
    const counts = new Map<number, number>();
    for (const { inputIndex, channels } of gates) counts.set(inputIndex, (counts.get(inputIndex) ?? 0) + channels.length);
    const valves = new Map([...counts].map(([input, channels]) => [input, new WatermarkValve(channels)]));
    const taken = new Map<number, number>();
    this.#valves = [...valves.values()];
    this.#places = gates.flatMap(({ inputIndex, channels }) =>
      channels.map(() => {
        const index = taken.get(inputIndex) ?? 0;
        taken.set(inputIndex, index + 1);
        return { valve: valves.get(inputIndex) as WatermarkValve, index };
      }),
    );
  }

  advance(channel: number, watermark: number): ValveChange {
    return this.#changed(channel, (valve, index) => valve.advance(index, watermark));
  }

  setIdle(channel: number, isIdle: boolean): ValveChange {
    return this.#changed(channel, (valve, index) => valve.setIdle(index, isIdle));
  }

  /** IT2. */
  finish(channel: number): ValveChange {
    return this.#changed(channel, (valve, index) => valve.finish(index));
  }

  /** For people: the channel that holds time, if one does, and how many do not. */
  holder(): { readonly channel: number | undefined; readonly idle: number; readonly finished: number } {
    let lowest: { readonly channel: number; readonly watermark: number } | undefined;
    const counts = { active: 0, idle: 0, finished: 0 };
    for (const [channel, { valve, index }] of this.#places.entries()) {
      const { status, watermark, isAligned } = valve.channels()[index] as ValveChannel;
      counts[status] += 1;
      if (isAligned && (lowest === undefined || watermark < lowest.watermark)) lowest = { channel, watermark };
    }
    return { channel: lowest?.channel, idle: counts.idle, finished: counts.finished };
  }

  #changed(channel: number, say: (valve: WatermarkValve, index: number) => ValveChange): ValveChange {
    const place = this.#places[channel];
    if (place === undefined) return noChange;
    const change = say(place.valve, place.index);
    if (this.#valves.length === 1 || (change.watermark === undefined && change.isIdle === undefined)) return change;
    const { watermark, isIdle } = this.#combined;
    this.#combined.update(this.#valves);
    return {
      watermark: this.#combined.watermark > watermark ? this.#combined.watermark : undefined,
      isIdle: this.#combined.isIdle === isIdle ? undefined : this.#combined.isIdle,
    };
  }
}
