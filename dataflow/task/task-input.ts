/**
 * All input channels of a task, read one after the other (RO1 to RO3).
 *
 * I1  A batch is processed to its end before another channel is read.
 * I2  A blocked channel (B1) is not read; it keeps its place and its credit.
 * I3  A batch counts against the credit of its channel until it is processed.
 */
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { ChannelNetwork } from '../channels/channel-network.js';
import type { RecordBatch, StreamEvent } from '../channels/elements.js';
import type { InputChannel, InputListener } from '../channels/input-channel.js';
import { noTimestamp } from '../contracts.js';
import type { InputUse } from './channel-use.js';
import { ReadingOrder } from './reading-order.js';

export interface TaskInputOptions {
  readonly gates: readonly InputGateDescriptor[];
  readonly network: ChannelNetwork;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
  readonly isBlocked: (channel: number) => boolean;
}

/** What `next` found. */
export type InputStep =
  | { readonly kind: 'batch'; readonly inputIndex: number; readonly batch: RecordBatch }
  | { readonly kind: 'event'; readonly channel: number; readonly event: StreamEvent }
  | { readonly kind: 'none' };

interface ChannelEnd extends Pick<InputUse, 'edgeId' | 'peerSubtask'> {
  /** Which input of the operator the channel belongs to. */
  readonly inputIndex: number;
}

const nothing: InputStep = { kind: 'none' };

/** The input of one task; see the head of this file. */
export class TaskInput implements InputListener {
  readonly channelCount: number;
  readonly #options: TaskInputOptions;
  readonly #channels: InputChannel[] = [];
  readonly #ends: ChannelEnd[] = [];
  /** Channels that hold something and are not blocked. */
  readonly #ready: ReadingOrder;
  readonly #hasEnded: boolean[];
  #open: number;
  #reading: InputChannel | undefined;
  #lastEventOf: InputChannel | undefined;
  #bytesIn = 0;
  #duplicates = 0;
  #overGrantFrames = 0;

  constructor(options: TaskInputOptions) {
    this.#options = options;
    this.channelCount = options.gates.reduce((sum, gate) => sum + gate.channels.length, 0);
    this.#open = this.channelCount;
    this.#ready = new ReadingOrder(this.channelCount);
    this.#hasEnded = new Array<boolean>(this.channelCount).fill(false);
  }

  /** Opens every channel with its first grant: producers may send from now on. */
  open(): void {
    for (const gate of this.#options.gates) {
      const ends = [...gate.channels].sort((left, right) => left.peerSubtask - right.peerSubtask);
      const { network, isBlocked } = this.#options;
      const shared = network.openGate({ peers: ends.map(({ peer }) => peer), isBlocked });
      for (const { channelId, peer, peerSubtask } of ends) {
        const index = this.#channels.length;
        this.#ends.push({ edgeId: gate.edgeId, peerSubtask, inputIndex: gate.inputIndex });
        this.#channels.push(network.openInput({ channelId, peer, index, listener: this, gate: shared }));
      }
    }
  }

  onArrival(channel: InputChannel): void {
    this.#makeReady(channel.index);
  }

  fail(error: unknown): void {
    this.#options.fail(error);
  }

  /** After an alignment these may be read again. */
  unblock(channels: readonly number[]): void {
    for (const index of channels) {
      const channel = this.#channels[index];
      if (channel?.isEmpty() === false) this.#makeReady(index);
      else channel?.retryCredit();
    }
  }

  hasNext(): boolean {
    return !this.#ready.isEmpty;
  }

  /** The next batch or event. Call `finishBatch` before asking again after a batch. Throws when a frame cannot be read. */
  next(): InputStep {
    // Only now is it known whether the event blocked its channel.
    this.#lastEventOf?.retryCredit();
    this.#lastEventOf = undefined;
    for (let index = this.#ready.take(); index !== undefined; index = this.#ready.take()) {
      const channel = this.#channels[index] as InputChannel;
      if (this.#options.isBlocked(index)) continue;
      const element = channel.poll();
      if (element === undefined) continue;
      if (element.kind === 'data' || element.kind === 'encoded') {
        this.#reading = channel;
        const { inputIndex } = this.#ends[index] as ChannelEnd;
        const batch = element.kind === 'data' ? element : this.#options.network.decodeBatch(element);
        this.#ready.reached(index, batch.timestamps?.[batch.timestamps.length - 1] ?? noTimestamp);
        return { kind: 'batch', inputIndex, batch };
      }
      // Its turn is over, but what follows the event may be read (unless the event blocks it).
      if (!channel.isEmpty()) this.#ready.add(index);
      this.#lastEventOf = channel;
      if (element.kind === 'end-of-partition') this.#end(index);
      return { kind: 'event', channel: index, event: element };
    }
    return nothing;
  }

  /** The batch of the last `next` is processed (I3). */
  finishBatch(): void {
    const channel = this.#reading;
    if (channel === undefined) return;
    this.#reading = undefined;
    channel.release();
    if (!channel.isEmpty()) this.#ready.add(channel.index);
  }

  /** Every channel delivered the end of its partition. */
  get hasEnded(): boolean {
    return this.#open === 0;
  }

  get bytesIn(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.bytesIn, this.#bytesIn);
  }

  /** Elements that wait to be read. */
  get queuedFrames(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.queued, 0);
  }

  /** The most data frames that a channel got beyond what was granted: none, ever. */
  get overGrantFrames(): number {
    return this.#channels.reduce((most, channel) => Math.max(most, channel.overGrantFrames), this.#overGrantFrames);
  }

  /** Of every channel that is open: data frames held, and how many it may hold at this moment. */
  channelUses(): readonly InputUse[] {
    return this.#channels.map(({ credit: { held, received, granted } }, index) => {
      const { edgeId, peerSubtask } = this.#ends[index] as ChannelEnd;
      return { edgeId, peerSubtask, held, granted: Math.max(0, granted - received + held) };
    });
  }

  /** Where a channel comes from; undefined once it is closed. */
  endOf(channel: number): Pick<ChannelEnd, 'edgeId' | 'peerSubtask'> | undefined {
    const end = this.#ends[channel];
    return end && { edgeId: end.edgeId, peerSubtask: end.peerSubtask };
  }

  get duplicates(): number {
    return this.#channels.reduce((sum, channel) => sum + channel.duplicates, this.#duplicates);
  }

  close(): void {
    this.#bytesIn = this.bytesIn;
    this.#duplicates = this.duplicates;
    this.#overGrantFrames = this.overGrantFrames;
    for (const channel of this.#channels) this.#options.network.closeInput(channel.channelId, this.#hasEnded[channel.index] === true);
    this.#channels.length = 0;
    this.#ready.clear();
  }

  #end(index: number): void {
    if (this.#hasEnded[index] === true) return;
    this.#hasEnded[index] = true;
    this.#open -= 1;
  }

  #makeReady(index: number): void {
    if (this.#options.isBlocked(index)) return;
    this.#ready.add(index);
    this.#options.wake();
  }
}
