/**
 * The channels of one slot: brings what arrives to the channel it names, and repeats what channels must repeat.
 *
 * N1  A frame for a channel that is not open here is counted and dropped: attempts have new channel ids, so late frames
 *     of an old attempt never reach a new one.
 * N2  Channels between tasks of this slot never touch the bus; both ends are the same classes as for the bus.
 * N3  Once a beat every open receiver repeats its grant and every open sender says how far it got.
 * N4  What this slot grants over the bus stays within its budget in all (grant-budget.ts): no frame is larger than a segment.
 * N5  A receiver that ended answers beats of its sender for a while, so that a sender whose last acknowledgement was
 *     lost can end too.
 */
import type { BusMessage, BusSubscription } from '../../bus/contracts.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { TimerHandle } from '../../core/ports.js';
import { createColumnarCodec } from '../columnar/columnar-codec.js';
import { createBusCarrier } from './bus-carrier.js';
import type { Carrier } from './carrier.js';
import type { ChannelControl, EncodedBatch, ReceivedElement, RecordBatch, SlotLocation } from './elements.js';
import { EndedInputs } from './ended-inputs.js';
import { frameKinds, type FrameCodec, type FrameHeader } from './frame-codec.js';
import { FrameFaults } from './frame-faults.js';
import { readFragment } from './frame-pieces.js';
import { GateCredit } from './gate-credit.js';
import { GateDepth } from './gate-depth.js';
import { GrantBudget } from './grant-budget.js';
import { InputChannel } from './input-channel.js';
import { createLocalCarrier } from './local-carrier.js';
import type {
  ChannelNetworkOptions,
  CreditReading,
  GateOptions,
  InputGate,
  InputOptions,
  NetworkCounters,
  OutputOptions,
} from './network-contracts.js';
import { OutputChannel, type RecordOutput } from './output-channel.js';
import { SegmentPool } from './segment-pool.js';

/** What the network needs of a sender, whatever it sends. */
type Sender = RecordOutput & Pick<OutputChannel, 'onGrant' | 'onBeat' | 'onRelief' | 'onReceiverClosed' | 'close' | 'isOpen' | 'sentUpTo'>;

interface OutputEnd {
  readonly channel: Sender;
  readonly peer: SlotLocation;
  readonly isLocal: boolean;
}

interface InputEnd {
  readonly channel: InputChannel;
  readonly gate: InputGate;
  readonly peer: SlotLocation;
  readonly isLocal: boolean;
}

const beatMsDefault = 500;

/** The channels of one slot; see the head of this file. */
export class ChannelNetwork {
  readonly #options: ChannelNetworkOptions;
  readonly #codec: FrameCodec;
  readonly #beatMs: number;
  readonly #budget: GrantBudget;
  readonly #pool: SegmentPool;
  readonly #outputs = new Map<ChannelId, OutputEnd>();
  readonly #inputs = new Map<ChannelId, InputEnd>();
  readonly #ended = new EndedInputs();
  readonly #faults: FrameFaults;
  readonly #subscription: BusSubscription;
  #remoteInputs = 0;
  #beatTimer: TimerHandle | undefined;
  #isClosed = false;
  /** Of channels that were closed. */
  #overGrantFrames = 0;
  #reliefs = 0;

  constructor(options: ChannelNetworkOptions) {
    this.#options = options;
    this.#faults = new FrameFaults(options.logger);
    this.#codec = options.codec ?? createColumnarCodec();
    this.#beatMs = options.beatMs ?? beatMsDefault;
    const { exclusive, floating, grantBytesMax, segmentsMax } = options.buffers ?? {};
    this.#budget = new GrantBudget({
      exclusive: exclusive ?? limits.exclusiveBuffersPerChannel,
      floating: floating ?? limits.floatingBuffersPerGate,
      bytesMax: grantBytesMax ?? limits.grantBytesPerProcess,
    });
    this.#pool = new SegmentPool({
      segmentsMax: segmentsMax ?? limits.segmentsPerProcess,
      onRelief: () => this.#drain(),
      isPoisoning: options.isPoisoning === true,
    });
    options.bus.onRelief?.(() => this.#drain());
    this.#subscription = options.bus.subscribe(options.dataSubject(options.location), (message) => this.#onFrame(message));
  }

  counters(): NetworkCounters {
    return {
      unknownFrames: this.#faults.unknown,
      malformedFrames: this.#faults.malformed,
      sendFailures: this.#faults.unsent,
      congestions: this.#options.bus.congestions?.() ?? 0,
    };
  }

  credit(): CreditReading {
    let overGrantFrames = this.#overGrantFrames;
    for (const ends of [this.#inputs, this.#outputs]) {
      for (const { channel } of ends.values()) overGrantFrames = Math.max(overGrantFrames, channel.overGrantFrames);
    }
    const { inUse: segmentsInUse, peak: segmentsPeak, segmentsMax } = this.#pool;
    const { bytesPeak: grantedBytesPeak, bytesMax: grantBytesMax, bytesForced: grantBytesForced } = this.#budget;
    return { overGrantFrames, grantedBytesPeak, grantBytesMax, grantBytesForced, segmentsInUse, segmentsPeak, segmentsMax };
  }

  /** The records of a frame that came over the bus. Throws `FRAME_CORRUPT` and `FRAME_VERSION`. */
  decodeBatch(encoded: EncodedBatch): RecordBatch {
    return this.#codec.decodeBatch(encoded.payload, encoded.bodyOffset);
  }

  /** Opens the sending end. It sends no element until the receiver grants; an empty beat says that it is there. */
  openOutput(options: OutputOptions): RecordOutput {
    const isLocal = this.#isHere(options.peer);
    const channel = isLocal ? this.#localOutput(options) : this.#remoteOutput(options);
    this.#outputs.set(options.channelId, { channel, peer: options.peer, isLocal });
    // A receiver that was there first granted into the void: it hears now that somebody listens.
    if (isLocal) this.#inputs.get(options.channelId)?.channel.grant();
    else this.#publish(options.peer, this.#codec.encodeControl(options.channelId, { kind: 'beat', sentUpTo: 0, backlog: 0 }));
    this.#armBeat();
    return channel;
  }

  /** Reserves the buffers of a gate; they are free again once all its channels were closed. */
  openGate({ peers, isBlocked }: GateOptions): InputGate {
    const share = this.#budget.reserve(peers.filter((peer) => !this.#isHere(peer)).length);
    const credit = new GateCredit(share);
    const floatingMax = this.#options.buffers?.floatingMax ?? share.floating;
    const depth = new GateDepth({ credit, share, budget: this.#budget, floatingMax, beatMs: this.#beatMs });
    return { credit, share, depth, isBlocked, channels: peers.length };
  }

  /** Opens the receiving end and the channel with it: the first grant goes out at once. */
  openInput(options: InputOptions): InputChannel {
    const { channelId, peer, index, listener } = options;
    const isLocal = this.#isHere(peer);
    const gate = options.gate ?? this.openGate({ peers: [peer], isBlocked: () => false });
    const channel = new InputChannel({
      channelId,
      index,
      listener,
      gate: gate.credit,
      exclusive: isLocal ? this.#budget.exclusive : gate.share.exclusive,
      isBlocked: () => gate.isBlocked(index),
      ...(isLocal ? {} : { onBuffers: (change: number) => this.#budget.count(change) }),
      sendControl: isLocal
        ? (control) => this.#controlLocalOutput(channelId, control)
        : (control) => this.#publish(peer, this.#codec.encodeControl(channelId, control)),
      isSequenceCheckOff: this.#options.isSequenceCheckOff === true,
      isCreditCheckOff: this.#options.isCreditIgnored === true,
    });
    this.#inputs.set(channelId, { channel, gate, peer, isLocal });
    if (!isLocal) this.#remoteInputs += 1;
    channel.grant();
    this.#armBeat();
    return channel;
  }

  /** This end goes. The other end is told once; a lost message is healed by the control plane. */
  closeOutput(channelId: ChannelId): void {
    const end = this.#outputs.get(channelId);
    if (end === undefined) return;
    this.#outputs.delete(channelId);
    this.#overGrantFrames = Math.max(this.#overGrantFrames, end.channel.overGrantFrames);
    end.channel.close();
    if (!end.isLocal) this.#publish(end.peer, this.#codec.encodeControl(channelId, { kind: 'close-by-sender' }));
  }

  /** This end goes; `isComplete` when the end of the partition was read. */
  closeInput(channelId: ChannelId, isComplete: boolean): void {
    const end = this.#inputs.get(channelId);
    if (end === undefined) return;
    this.#inputs.delete(channelId);
    this.#overGrantFrames = Math.max(this.#overGrantFrames, end.channel.overGrantFrames);
    end.channel.close();
    end.gate.channels -= 1;
    if (end.gate.channels === 0) end.gate.depth.close();
    if (!end.isLocal) this.#remoteInputs -= 1;
    if (isComplete) {
      if (!end.isLocal) this.#ended.add(channelId, { peer: end.peer, receivedUpTo: end.channel.receivedUpTo });
      return;
    }
    if (end.isLocal) this.#controlLocalOutput(channelId, { kind: 'close-by-receiver' });
    else this.#publish(end.peer, this.#codec.encodeControl(channelId, { kind: 'close-by-receiver' }));
  }

  /** Ends the slot's network; channels must be closed by their tasks before. */
  close(): void {
    this.#isClosed = true;
    this.#subscription.unsubscribe();
    this.#beatTimer?.cancel();
    this.#beatTimer = undefined;
  }

  #isHere(location: SlotLocation): boolean {
    const here = this.#options.location;
    return location.taskManagerId === here.taskManagerId && location.slot === here.slot;
  }

  #localOutput(options: OutputOptions): Sender {
    const { channelId, isObjectReuse, fields } = options;
    let receiver: InputChannel | undefined;
    const deliver = (seq: number, element: ReceivedElement, backlog: number): void => {
      receiver ??= this.#inputs.get(channelId)?.channel;
      if (receiver === undefined) this.#faults.unknown += 1;
      else receiver.receive(seq, element, backlog);
    };
    const sendBacklog = (sentUpTo: number, backlog: number): void => this.#inputs.get(channelId)?.channel.onBeat(sentUpTo, backlog);
    return this.#output(options, createLocalCarrier({ isObjectReuse, fields, deliver, sendBacklog }));
  }

  #remoteOutput(options: OutputOptions): Sender {
    const { channelId, peer } = options;
    const { bus, dataSubject } = this.#options;
    const subject = dataSubject(peer);
    const carrier = createBusCarrier({
      channelId,
      operatorName: options.operatorName,
      fields: options.fields,
      codec: this.#codec,
      payloadBytesMax: bus.payloadBytesMax,
      frameBytesTarget: bus.frameBytesTarget?.(subject) ?? limits.frameBytesTarget,
      publish: (payload, onSent) => this.#publish(peer, payload, onSent),
      isCongested: () => bus.isCongested?.(subject) === true,
      isLendable: () => bus.isLendable?.(subject) === true,
      pool: this.#pool,
    });
    return this.#output(options, carrier);
  }

  #output<Payload>(options: OutputOptions, carrier: Carrier<Payload>): Sender {
    return new OutputChannel({
      ...options,
      carrier,
      waitingFramesMax: this.#options.waitingFramesMax ?? limits.waitingFramesPerChannel,
      isCreditIgnored: this.#options.isCreditIgnored === true,
    });
  }

  #controlLocalOutput(channelId: ChannelId, control: ChannelControl): void {
    const end = this.#outputs.get(channelId);
    if (end !== undefined) this.#onOutputControl(end, control);
  }

  #onOutputControl(end: OutputEnd, control: ChannelControl): void {
    if (control.kind === 'grant') end.channel.onGrant(control.grantedUpTo, control.receivedUpTo);
    else if (control.kind === 'close-by-receiver') end.channel.onReceiverClosed();
  }

  /** Each time another channel begins, so that none is always the last to find the connection free. */
  #drain(): void {
    const ends = [...this.#outputs.values()];
    this.#reliefs += 1;
    for (let turn = 0; turn < ends.length; turn += 1) (ends[(this.#reliefs + turn) % ends.length] as OutputEnd).channel.onRelief();
  }

  /** A publish that fails is a lost frame: the sequence check and the beats notice it. */
  #publish(peer: SlotLocation, payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void {
    if (this.#isClosed) {
      onSent?.(payload);
      return;
    }
    try {
      this.#options.bus.publish(this.#options.dataSubject(peer), payload, onSent);
    } catch (error) {
      onSent?.(payload);
      this.#faults.addUnsent(error);
    }
  }

  #onFrame(message: BusMessage): void {
    const header = this.#codec.readHeader(message.payload);
    if (header === undefined) {
      this.#faults.addMalformed(message.payload.length);
      return;
    }
    if (header.kind >= frameKinds.grant) this.#onControl(message.payload, header);
    else this.#onElement(message, header);
  }

  #onElement({ payload, isOwned = false }: BusMessage, header: FrameHeader): void {
    const end = this.#inputs.get(header.channelId);
    if (end === undefined || end.isLocal) {
      this.#faults.addUnknown(header.channelId);
      return;
    }
    if (header.kind === frameKinds.data) {
      // Unless it is owned, the transport lends the payload for this call only.
      const kept = isOwned ? payload : new Uint8Array(payload);
      end.channel.receive(header.seq, { kind: 'encoded', payload: kept, bodyOffset: header.bodyOffset }, header.backlog);
      return;
    }
    const isFragment = header.kind === frameKinds.fragment;
    const element = isFragment ? readFragment(payload, header.bodyOffset) : this.#codec.decodeEvent(payload, header);
    if (element === undefined) this.#faults.addMalformed(payload.length);
    else end.channel.receive(header.seq, element, header.backlog);
  }

  #onControl(payload: Uint8Array, header: FrameHeader): void {
    const control = this.#codec.decodeControl(payload, header);
    if (control === undefined) {
      this.#faults.addMalformed(payload.length);
      return;
    }
    if (control.kind === 'beat') {
      this.#onBeatOfSender(header.channelId, control);
      return;
    }
    if (control.kind === 'close-by-sender') {
      this.#ended.forget(header.channelId);
      return;
    }
    const end = this.#outputs.get(header.channelId);
    if (end === undefined || end.isLocal) this.#faults.unknown += 1;
    else this.#onOutputControl(end, control);
  }

  #onBeatOfSender(channelId: ChannelId, { sentUpTo, backlog }: Extract<ChannelControl, { readonly kind: 'beat' }>): void {
    const end = this.#inputs.get(channelId);
    if (end !== undefined && !end.isLocal) {
      end.channel.onBeat(sentUpTo, backlog);
      if (sentUpTo === 0) end.channel.grant();
      return;
    }
    const ended = this.#ended.get(channelId);
    if (ended === undefined) {
      this.#faults.unknown += 1;
      return;
    }
    const control: ChannelControl = { kind: 'grant', grantedUpTo: 0, receivedUpTo: ended.receivedUpTo };
    this.#publish(ended.peer, this.#codec.encodeControl(channelId, control));
  }

  /** Only runs while there is something to repeat, so that an idle slot sets no timers. */
  #armBeat(): void {
    if (this.#beatTimer !== undefined || this.#isClosed || !this.#hasRemoteEnds()) return;
    this.#beatTimer = this.#options.clock.setTimer(this.#beatMs, () => {
      this.#beatTimer = undefined;
      this.#beat();
      this.#armBeat();
    });
  }

  #hasRemoteEnds(): boolean {
    if (this.#remoteInputs > 0 || !this.#ended.isEmpty) return true;
    for (const end of this.#outputs.values()) if (!end.isLocal) return true;
    return false;
  }

  #beat(): void {
    for (const gate of new Set([...this.#inputs.values()].map((end) => end.gate))) gate.depth.onBeat();
    for (const end of this.#inputs.values()) if (!end.isLocal) end.channel.grant();
    for (const [channelId, end] of this.#outputs) {
      if (end.isLocal || !end.channel.isOpen) continue;
      end.channel.onBeat();
      const { sentUpTo, waitingFrames: backlog } = end.channel;
      this.#publish(end.peer, this.#codec.encodeControl(channelId, { kind: 'beat', sentUpTo, backlog }));
    }
    this.#ended.onBeat();
  }
}
