/** What a slot's network is made of, is asked for, and tells. */
import type { FrameBus } from '../../bus/contracts.js';
import type { ChannelId } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { ChannelOwner, OutputPressure } from './channel-owner.js';
import type { SlotLocation } from './elements.js';
import type { FrameCodec } from './frame-codec.js';
import type { GateCredit } from './gate-credit.js';
import type { GateDepth } from './gate-depth.js';
import type { GateShare } from './grant-budget.js';
import type { InputListener } from './input-channel.js';

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
  readonly buffers?: NetworkBuffers;
  /** Data frames of a channel that may wait for credit before its task holds back. */
  readonly waitingFramesMax?: number;
  /** Tests only: overwrites segments that come home. */
  readonly isPoisoning?: boolean;
  /** Tests only: takes frames in any order. */
  readonly isSequenceCheckOff?: boolean;
  /** Tests only: sends without credit, and takes what was not granted. */
  readonly isCreditIgnored?: boolean;
}

/** What a slot has for frames that arrive. */
export interface NetworkBuffers {
  /** Of each channel. */
  readonly exclusive?: number;
  /** Of each gate, for the channels with most to send. */
  readonly floating?: number;
  /** As many of them as a gate comes to whose frames are read fast; default: it stays with `floating`. */
  readonly floatingMax?: number;
  /** The share of this slot in what its process may have granted; default: all of it. */
  readonly grantBytesMax?: number;
  /** The share of this slot in the segments of its process; default: all of them. */
  readonly segmentsMax?: number;
}

export interface OutputOptions {
  readonly channelId: ChannelId;
  readonly peer: SlotLocation;
  readonly owner: ChannelOwner;
  readonly pressure: OutputPressure;
  readonly isObjectReuse: boolean;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
  /** Of plain objects only these fields travel, in this order; undefined: all. */
  readonly fields?: readonly string[] | undefined;
}

export interface InputOptions {
  readonly channelId: ChannelId;
  readonly peer: SlotLocation;
  readonly index: number;
  readonly listener: InputListener;
  /** The gate it is one of; default: one of its own. */
  readonly gate?: InputGate;
}

export interface GateOptions {
  /** Where the senders of its channels are. */
  readonly peers: readonly SlotLocation[];
  /** Whether a channel is not read now, until an alignment is over. */
  readonly isBlocked: (index: number) => boolean;
}

/** The channels of one edge of a task: they share floating buffers. */
export interface InputGate {
  readonly credit: GateCredit;
  readonly share: GateShare;
  readonly depth: GateDepth;
  readonly isBlocked: (index: number) => boolean;
  /** Channels that have not been closed. */
  channels: number;
}

/** What was dropped, and how often the connection held the slot back: since the slot began, of all its channels. */
export interface NetworkCounters {
  /** Frames for channels that are not open here: usual after a failover. */
  readonly unknownFrames: number;
  /** What came on the data subject and is no frame. */
  readonly malformedFrames: number;
  /** Frames the connection did not take. */
  readonly sendFailures: number;
  /** How often more was on the way out than is good. */
  readonly congestions: number;
}

/** How a slot kept to its credit. */
export interface CreditReading {
  /** The most data frames that a channel sent or got beyond what was granted: none, ever. */
  readonly overGrantFrames: number;
  /** Bytes that were granted over the bus: the most at any moment, what the slot may, and what single buffers of gates came to beyond that. */
  readonly grantedBytesPeak: number;
  readonly grantBytesMax: number;
  readonly grantBytesForced: number;
  /** Segments with frames that leave over NATS: now, the most at any moment, and what the slot may. */
  readonly segmentsInUse: number;
  readonly segmentsPeak: number;
  readonly segmentsMax: number;
}
