/** Both ends of one channel over a bus that loses, repeats and delays, or within a slot. */
import * as assert from 'uvu/assert';
import { busError } from '../../bus/bus-error.js';
import type { Bus, FrameBus } from '../../bus/contracts.js';
import type { ChannelId } from '../../core/ids.js';
import { OutputPressure } from '../../dataflow/channels/channel-owner.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import type { InputChannel } from '../../dataflow/channels/input-channel.js';
import type { CreditReading } from '../../dataflow/channels/network-contracts.js';
import type { OutputChannel, RecordOutput } from '../../dataflow/channels/output-channel.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { LossyBusRoom } from '../../testing/lossy-bus.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { Simulation, type SimulatedProcess } from '../../testing/simulator/simulation.js';

export const channelId = 'edge~producer_0_1_0~consumer_0_1_0' as ChannelId;
export const producerSlot = { taskManagerId: 'tm-1', slot: 0 };
export const consumerSlot = { taskManagerId: 'tm-2', slot: 0 };
export const beatMs = 500;
const codec = createColumnarCodec();

export interface PairOptions {
  readonly seed: number;
  readonly credit: number;
  readonly faults?: { drop: number; duplicate: number };
  readonly isLocal?: boolean;
  /** Of the bus; default 1 MiB. */
  readonly payloadBytesMax?: number;
  /** A bus that hands back what it was lent, so many segments, and poisoning of what came home. */
  readonly lending?: { readonly segmentsMax: number; readonly isEarly?: boolean };
}

/** Longest time on the way. */
const delayMs = 20;

interface Lent {
  readonly payload: Uint8Array;
  readonly onSent: (payload: Uint8Array) => void;
}

export class ChannelPair {
  readonly world: Simulation;
  readonly room: LossyBusRoom;
  readonly random: SeededRandom;
  readonly pressure = new OutputPressure();
  readonly received: string[] = [];
  readonly sender: RecordOutput & OutputChannel;
  readonly receiver: InputChannel;
  readonly producer: SimulatedProcess;
  readonly consumer: SimulatedProcess;
  failure: unknown;
  failedAt = 0;
  isHolding = false;
  #isCongested = false;
  #isConnected = true;
  /** In the order of publishing, as servers confirm. */
  #lent: Lent[] = [];
  readonly #options: PairOptions;
  readonly #sending: ChannelNetwork;
  readonly #onRelief: (() => void)[] = [];

  constructor(options: PairOptions) {
    this.#options = options;
    this.world = new Simulation({ seed: options.seed });
    this.random = this.world.random.fork();
    const faults = options.faults;
    this.room = new LossyBusRoom({
      world: this.world,
      random: this.random.fork(),
      delayMs,
      ...(faults === undefined ? {} : { faults }),
      ...(options.payloadBytesMax === undefined ? {} : { payloadBytesMax: options.payloadBytesMax }),
    });
    this.producer = this.world.process('producer');
    this.consumer = options.isLocal === true ? this.producer : this.world.process('consumer');
    const sending = this.#network(this.producer, producerSlot, options.credit);
    this.#sending = sending;
    const receiving = options.isLocal === true ? sending : this.#network(this.consumer, consumerSlot, options.credit);
    const fail = (error: unknown): void => {
      this.failure ??= error;
      this.failedAt = this.world.nowMs;
    };
    const peer = options.isLocal === true ? producerSlot : consumerSlot;
    this.receiver = receiving.openInput({ channelId, peer: producerSlot, index: 0, listener: { onArrival: () => {}, fail } });
    const owner = { wake: () => {}, fail };
    this.sender = sending.openOutput({
      channelId,
      peer,
      owner,
      pressure: this.pressure,
      isObjectReuse: false,
      operatorName: 'words',
    }) as RecordOutput & OutputChannel;
  }

  /** Takes the next element, if there is one; a batch stays held until the next call. */
  take(): void {
    if (this.isHolding) this.receiver.release();
    this.isHolding = false;
    const element = this.receiver.poll();
    if (element === undefined) return;
    if (element.kind === 'data' || element.kind === 'encoded') {
      this.isHolding = true;
      const batch = element.kind === 'data' ? element : codec.decodeBatch(element.payload, element.bodyOffset);
      this.received.push(...batch.values.map(String));
    } else if (element.kind === 'barrier') this.received.push(`barrier ${element.checkpointId}`);
    else this.received.push(element.kind);
  }

  /** D2 and S2, as far as both ends can be seen at one moment. */
  checkCredit(credit: number): void {
    const sent = this.sender.credit;
    const taken = this.receiver.credit;
    assert.ok(sent.sent <= sent.granted, `sent ${sent.sent} of ${sent.granted} granted (S2)`);
    assert.ok(sent.granted <= taken.granted, 'the sender believes in more credit than was given');
    assert.ok(taken.held <= credit, `${taken.held} frames held with a credit of ${credit} (D2)`);
  }

  #network(
    process: SimulatedProcess,
    location: { readonly taskManagerId: string; readonly slot: number },
    creditFrames: number,
  ): ChannelNetwork {
    const { lending } = this.#options;
    return new ChannelNetwork({
      location,
      bus: this.#congestible(this.room.connect(process)),
      dataSubject: ({ taskManagerId, slot }) => `data.${taskManagerId}.${slot}`,
      clock: process.clock,
      logger: process.logger,
      buffers: { exclusive: creditFrames, floating: 0, ...(lending === undefined ? {} : { segmentsMax: lending.segmentsMax }) },
      isPoisoning: lending !== undefined,
      waitingFramesMax: 1,
      beatMs,
    });
  }

  get segments(): Pick<CreditReading, 'segmentsInUse' | 'segmentsPeak' | 'segmentsMax'> {
    return this.#sending.credit();
  }

  closeSender(): void {
    this.#sending.closeOutput(channelId);
  }

  /** For so long publishing fails; then what was lent before is handed back. */
  disconnect(forMs: number): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.world.schedule(forMs, 'reconnects', () => {
      this.#isConnected = true;
      this.#handBack(this.#lent.length);
    });
  }

  /** The connection is congested, or not any more. */
  congest(isCongested: boolean): void {
    this.#isCongested = isCongested;
    if (!isCongested) for (const listener of this.#onRelief) listener();
  }

  #congestible(bus: Bus): FrameBus {
    return {
      payloadBytesMax: bus.payloadBytesMax,
      publish: (subject, payload, onSent) => this.#publish(bus, subject, { payload, onSent }),
      isLendable: () => this.#options.lending !== undefined,
      subscribe: (pattern, handler) => bus.subscribe(pattern, handler),
      flush: () => bus.flush(),
      isCongested: () => this.#isCongested,
      onRelief: (listener) => void this.#onRelief.push(listener),
    };
  }

  /** The room reads the payload when it arrives, like nats.js after `publish`; the server confirms it at some time after that. */
  #publish(bus: Bus, subject: string, { payload, onSent }: { payload: Uint8Array; onSent: Lent['onSent'] | undefined }): void {
    if (!this.#isConnected) throw busError('disconnected', subject);
    bus.publish(subject, payload);
    if (onSent === undefined) return;
    if (this.#options.lending?.isEarly === true) {
      onSent(payload);
      return;
    }
    const lent = { payload, onSent };
    this.#lent.push(lent);
    this.world.schedule(delayMs + this.random.next() * 60, 'confirms', () => {
      if (this.#isConnected) this.#handBack(this.#lent.indexOf(lent) + 1);
    });
  }

  #handBack(count: number): void {
    for (const { payload, onSent } of this.#lent.splice(0, count)) onSent(payload);
  }
}
