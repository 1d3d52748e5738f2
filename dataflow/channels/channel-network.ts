/**
 * The channels of one slot: brings what arrives to the channel it names, and repeats what channels must repeat.
 *
 * N1  A frame for a channel that is not open here is counted and dropped: attempts have new channel ids, so late frames
 *     of an old attempt never reach a new one.
 * N2  Channels between tasks of this slot never touch the bus; both ends are the same classes as for the bus.
 * N3  Once a beat every open receiver repeats its grant and every open sender says how far it got.
 * N4  What this slot grants over the bus stays below `grantBytesMax` in all: no frame is larger than a segment.
 * N5  A receiver that ended answers beats of its sender for a while, so that a sender whose last acknowledgement was
 *     lost can end too.
 */
import type { BusMessage, BusSubscription, FrameBus } from '../../bus/contracts.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import { createColumnarCodec } from '../columnar/columnar-codec.js';
import { createBusCarrier } from './bus-carrier.js';
import type { ChannelOwner, OutputPressure } from './channel-owner.js';
import type { ChannelControl, EncodedBatch, ReceivedElement, RecordBatch, SlotLocation } from './elements.js';
import { frameKinds, type FrameCodec, type FrameHeader } from './frame-codec.js';
import { readFragment } from './frame-pieces.js';
import { InputChannel, type InputListener } from './input-channel.js';
import { createLocalCarrier } from './local-carrier.js';
import { OutputChannel, type RecordOutput } from './output-channel.js';

export interface ChannelNetworkOptions {
  /** Where this slot is. */
  readonly location: SlotLocation;
  readonly bus: FrameBus;
  /** The subject of a slot's frames. */
  readonly dataSubject: (location: SlotLocation) => string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly codec?: FrameCodec;
  readonly beatMs?: number;
  /** Data frames granted to one channel; fewer when `grantBytesMax` demands it. */
  readonly creditFrames?: number;
  /** The share of this slot in what its process may have granted; default: all of it. */
  readonly grantBytesMax?: number;
  /** Tests only: takes frames in any order. */
  readonly isSequenceCheckOff?: boolean;
}

export interface OutputOptions {
  readonly channelId: ChannelId;
  readonly peer: SlotLocation;
  readonly owner: ChannelOwner;
  readonly pressure: OutputPressure;
  readonly isObjectReuse: boolean;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
}

export interface InputOptions {
  readonly channelId: ChannelId;
  readonly peer: SlotLocation;
  readonly index: number;
  readonly listener: InputListener;
}

/** What was dropped, for metrics. */
export interface NetworkCounters {
  readonly unknownFrames: number;
  readonly malformedFrames: number;
  readonly sendFailures: number;
}

/** What the network needs of a sender, whatever it sends. */
type Sender = RecordOutput & Pick<OutputChannel, 'onGrant' | 'onBeat' | 'onReceiverClosed' | 'close' | 'isOpen' | 'sentUpTo'>;

interface OutputEnd {
  readonly channel: Sender;
  readonly peer: SlotLocation;
  readonly isLocal: boolean;
}

interface InputEnd {
  readonly channel: InputChannel;
  readonly peer: SlotLocation;
  readonly isLocal: boolean;
}

const beatMsDefault = 500;
/** Beats for which an ended receiver still answers its sender (N5). */
const beatsRemembered = 20;

/** The channels of one slot; see the head of this file. */
export class ChannelNetwork {
  readonly #options: ChannelNetworkOptions;
  readonly #codec: FrameCodec;
  readonly #beatMs: number;
  readonly #outputs = new Map<ChannelId, OutputEnd>();
  readonly #inputs = new Map<ChannelId, InputEnd>();
  readonly #ended = new Map<ChannelId, { readonly peer: SlotLocation; readonly receivedUpTo: number; beatsLeft: number }>();
  readonly #subscription: BusSubscription;
  #remoteInputs = 0;
  #beatTimer: TimerHandle | undefined;
  #isClosed = false;
  #unknownFrames = 0;
  #malformedFrames = 0;
  #sendFailures = 0;

  constructor(options: ChannelNetworkOptions) {
    this.#options = options;
    this.#codec = options.codec ?? createColumnarCodec();
    this.#beatMs = options.beatMs ?? beatMsDefault;
    this.#subscription = options.bus.subscribe(options.dataSubject(options.location), (message) => this.#onFrame(message));
  }

  counters(): NetworkCounters {
    return { unknownFrames: this.#unknownFrames, malformedFrames: this.#malformedFrames, sendFailures: this.#sendFailures };
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
    else this.#publish(options.peer, this.#codec.encodeControl(options.channelId, { kind: 'beat', sentUpTo: 0 }));
    this.#armBeat();
    return channel;
  }

  /** Opens the receiving end and the channel with it: the first grant goes out at once. */
  openInput(options: InputOptions): InputChannel {
    const isLocal = this.#isHere(options.peer);
    const channel = new InputChannel({
      channelId: options.channelId,
      index: options.index,
      listener: options.listener,
      credit: isLocal ? () => this.#creditFrames() : () => this.#remoteCredit(),
      sendControl: isLocal
        ? (control) => this.#controlLocalOutput(options.channelId, control)
        : (control) => this.#publish(options.peer, this.#codec.encodeControl(options.channelId, control)),
      isSequenceCheckOff: this.#options.isSequenceCheckOff === true,
    });
    this.#inputs.set(options.channelId, { channel, peer: options.peer, isLocal });
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
    end.channel.close();
    if (!end.isLocal) this.#publish(end.peer, this.#codec.encodeControl(channelId, { kind: 'close-by-sender' }));
  }

  /** This end goes; `isComplete` when the end of the partition was read. */
  closeInput(channelId: ChannelId, isComplete: boolean): void {
    const end = this.#inputs.get(channelId);
    if (end === undefined) return;
    this.#inputs.delete(channelId);
    end.channel.close();
    if (!end.isLocal) this.#remoteInputs -= 1;
    if (isComplete) {
      if (!end.isLocal) this.#ended.set(channelId, { peer: end.peer, receivedUpTo: end.channel.receivedUpTo, beatsLeft: beatsRemembered });
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

  #creditFrames(): number {
    return this.#options.creditFrames ?? limits.creditFramesPerChannel;
  }

  /** N4: the slot's share, spread over its channels; at least one frame each. */
  #remoteCredit(): number {
    const bytes = this.#options.grantBytesMax ?? limits.grantBytesPerProcess;
    const share = Math.floor(bytes / (limits.segmentBytes * Math.max(1, this.#remoteInputs)));
    return Math.max(1, Math.min(this.#creditFrames(), share));
  }

  #localOutput(options: OutputOptions): Sender {
    const { channelId } = options;
    let receiver: InputChannel | undefined;
    const deliver = (seq: number, element: ReceivedElement): void => {
      receiver ??= this.#inputs.get(channelId)?.channel;
      if (receiver === undefined) this.#unknownFrames += 1;
      else receiver.receive(seq, element);
    };
    const carrier = createLocalCarrier({ isObjectReuse: options.isObjectReuse, deliver });
    return new OutputChannel({ ...options, carrier });
  }

  #remoteOutput(options: OutputOptions): Sender {
    const { channelId, peer } = options;
    const carrier = createBusCarrier({
      channelId,
      operatorName: options.operatorName,
      codec: this.#codec,
      payloadBytesMax: this.#options.bus.payloadBytesMax,
      publish: (payload) => this.#publish(peer, payload),
    });
    return new OutputChannel({ ...options, carrier });
  }

  #controlLocalOutput(channelId: ChannelId, control: ChannelControl): void {
    const end = this.#outputs.get(channelId);
    if (end !== undefined) this.#onOutputControl(end, control);
  }

  #onOutputControl(end: OutputEnd, control: ChannelControl): void {
    if (control.kind === 'grant') end.channel.onGrant(control.grantedUpTo, control.receivedUpTo);
    else if (control.kind === 'close-by-receiver') end.channel.onReceiverClosed();
  }

  /** A publish that fails is a lost frame: the sequence check and the beats notice it. */
  #publish(peer: SlotLocation, payload: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.#options.bus.publish(this.#options.dataSubject(peer), payload);
    } catch (error) {
      this.#sendFailures += 1;
      if (this.#sendFailures === 1) this.#options.logger.log('warn', 'A frame could not be sent', { error: String(error) });
    }
  }

  #onFrame(message: BusMessage): void {
    const header = this.#codec.readHeader(message.payload);
    if (header === undefined) {
      this.#malformed(message.payload);
      return;
    }
    if (header.kind >= frameKinds.grant) this.#onControl(message.payload, header);
    else this.#onElement(message, header);
  }

  /** Told to the log ever more rarely, like dead letters. */
  #malformed({ length }: Uint8Array): void {
    const count = (this.#malformedFrames += 1);
    if ((count & (count - 1)) !== 0) return;
    this.#options.logger.log('warn', 'what came on the data subject is no frame: it was dropped', { count, bytes: length });
  }

  #onElement({ payload, isOwned = false }: BusMessage, header: FrameHeader): void {
    const end = this.#inputs.get(header.channelId);
    if (end === undefined || end.isLocal) {
      this.#unknownFrames += 1;
      return;
    }
    if (header.kind === frameKinds.data) {
      // Unless it is owned, the transport lends the payload for this call only.
      const kept = isOwned ? payload : new Uint8Array(payload);
      end.channel.receive(header.seq, { kind: 'encoded', payload: kept, bodyOffset: header.bodyOffset });
      return;
    }
    const isFragment = header.kind === frameKinds.fragment;
    const element = isFragment ? readFragment(payload, header.bodyOffset) : this.#codec.decodeEvent(payload, header);
    if (element === undefined) this.#malformed(payload);
    else end.channel.receive(header.seq, element);
  }

  #onControl(payload: Uint8Array, header: FrameHeader): void {
    const control = this.#codec.decodeControl(payload, header);
    if (control === undefined) {
      this.#malformed(payload);
      return;
    }
    if (control.kind === 'beat') {
      this.#onBeatOfSender(header.channelId, control.sentUpTo);
      return;
    }
    if (control.kind === 'close-by-sender') {
      this.#ended.delete(header.channelId);
      return;
    }
    const end = this.#outputs.get(header.channelId);
    if (end === undefined || end.isLocal) this.#unknownFrames += 1;
    else this.#onOutputControl(end, control);
  }

  #onBeatOfSender(channelId: ChannelId, sentUpTo: number): void {
    const end = this.#inputs.get(channelId);
    if (end !== undefined && !end.isLocal) {
      end.channel.onBeat(sentUpTo);
      if (sentUpTo === 0) end.channel.grant();
      return;
    }
    const ended = this.#ended.get(channelId);
    if (ended === undefined) {
      this.#unknownFrames += 1;
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
    if (this.#remoteInputs > 0 || this.#ended.size > 0) return true;
    for (const end of this.#outputs.values()) if (!end.isLocal) return true;
    return false;
  }

  #beat(): void {
    for (const end of this.#inputs.values()) if (!end.isLocal) end.channel.grant();
    for (const [channelId, end] of this.#outputs) {
      if (end.isLocal || !end.channel.isOpen) continue;
      end.channel.onBeat();
      this.#publish(end.peer, this.#codec.encodeControl(channelId, { kind: 'beat', sentUpTo: end.channel.sentUpTo }));
    }
    for (const [channelId, ended] of this.#ended) {
      ended.beatsLeft -= 1;
      if (ended.beatsLeft === 0) this.#ended.delete(channelId);
    }
  }
}
