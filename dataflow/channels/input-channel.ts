/**
 * The receiving end of a channel.
 *
 * D1  Every frame is taken once and in order: a lower number is a duplicate (dropped, counted), a higher one is a gap
 *     and fails the task (`CHANNEL_GAP`).
 * D2  At most `credit` data frames are held or on the way: `grantedUpTo` = frames released + credit, and never falls.
 * D3  Frames lost at the tail are noticed: a sender that is ahead for two beats in a row without progress fails the
 *     task (`CHANNEL_LOSS`).
 * D4  The channel is opened by its first grant; grants repeat on every beat, so a lost one is healed. A beat of a sender
 *     that has sent nothing yet is answered with a grant, so that neither end waits for the other's next beat.
 * D5  The credit of a fragment returns as soon as its bytes are in the assembly, else a frame of more fragments than credit
 *     would never be complete; but not while a frame that was assembled waits to be processed: a channel holds one of
 *     any size, and what fits its credit.
 */
import { MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { ArrivingElement, ChannelControl, EncodedBatch, FrameFragment, ReceivedElement } from './elements.js';
import { FrameAssembly } from './frame-assembly.js';

/** What takes the elements: the input of a task. */
export interface InputListener {
  /** The channel holds an element and held none before. */
  onArrival(channel: InputChannel): void;
  fail(error: unknown): void;
}

export interface InputChannelOptions {
  readonly channelId: ChannelId;
  /** Position among the channels of the task. */
  readonly index: number;
  readonly listener: InputListener;
  /** Data frames the channel may hold, at this moment. */
  readonly credit: () => number;
  readonly sendControl: (control: ChannelControl) => void;
  /** Tests only: takes whatever comes. */
  readonly isSequenceCheckOff?: boolean;
}

const beatsUntilLoss = 2;

/** The receiver of one channel; see the head of this file. */
export class InputChannel {
  readonly channelId: ChannelId;
  readonly index: number;
  readonly #listener: InputListener;
  readonly #credit: () => number;
  readonly #sendControl: (control: ChannelControl) => void;
  readonly #isSequenceCheckOff: boolean;
  /** Short, because credit bounds it: shifting is cheap. */
  #queue: ReceivedElement[] = [];
  readonly #assembly: FrameAssembly;
  /** Frames that were assembled and are not processed yet (D5). */
  #assembled = 0;
  /** Fragments in the assembly whose credit waits for that. */
  #fragmentsHeld = 0;
  /** The batch that was polled last. */
  #polled: ReceivedElement | undefined;
  #receivedUpTo = 0;
  #batchesReceived = 0;
  #batchesReleased = 0;
  #grantedUpTo = 0;
  #isClosed = false;
  #laggingBeats = 0;
  #receivedAtLastBeat = -1;
  duplicates = 0;
  bytesIn = 0;

  constructor(options: InputChannelOptions) {
    this.channelId = options.channelId;
    this.index = options.index;
    this.#listener = options.listener;
    this.#credit = options.credit;
    this.#sendControl = options.sendControl;
    this.#isSequenceCheckOff = options.isSequenceCheckOff === true;
    this.#assembly = new FrameAssembly(options.channelId);
  }

  /** Frames of any kind taken so far. */
  get receivedUpTo(): number {
    return this.#receivedUpTo;
  }

  /** Data frames held, received and granted, for tests of D2. */
  get credit(): { readonly held: number; readonly received: number; readonly granted: number } {
    return { held: this.#batchesReceived - this.#batchesReleased, received: this.#batchesReceived, granted: this.#grantedUpTo };
  }

  /** Elements that wait to be read. */
  get queued(): number {
    return this.#queue.length;
  }

  isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Opens the channel, and heals a lost grant: says everything again (D4). */
  grant(): void {
    if (this.#isClosed) return;
    const target = this.#batchesReleased + Math.max(1, this.#credit());
    if (target > this.#grantedUpTo) this.#grantedUpTo = target;
    this.#sendControl({ kind: 'grant', grantedUpTo: this.#grantedUpTo, receivedUpTo: this.#receivedUpTo });
  }

  /** A frame came; the element is the channel's from now on, but for the bytes of a fragment. */
  receive(seq: number, element: ArrivingElement): void {
    if (this.#isClosed || !this.#isExpected(seq)) return;
    this.#receivedUpTo = seq + 1;
    if (element.kind === 'latency-marker' && this.#queue.length >= limits.markersQueuedMax) return;
    const isPiece = element.kind === 'data' || element.kind === 'encoded' || element.kind === 'fragment';
    if (isPiece && !this.#takeCredit()) return;
    if (element.kind === 'fragment') {
      this.#assemble(seq, element);
      return;
    }
    if (this.#assembly.isUnderWay && !this.#interrupt()) return;
    if (element.kind === 'encoded') this.bytesIn += element.payload.length;
    this.#enqueue(element);
    // The sender may only end once it knows that nothing is missing; do not let it wait for a beat.
    if (element.kind === 'end-of-partition') this.grant();
  }

  /** The next element; a batch counts as held until `release`. */
  poll(): ReceivedElement | undefined {
    this.#polled = this.#queue.shift();
    return this.#polled;
  }

  /** The batch that was polled is processed: its credit goes back. */
  release(): void {
    const batch = this.#polled;
    if (batch?.kind !== 'encoded' || batch.fragmentsHeld === undefined) {
      this.#giveBack(1);
      return;
    }
    this.#assembled -= 1;
    let frames = batch.fragmentsHeld;
    if (this.#assembled === 0) {
      frames += this.#fragmentsHeld;
      this.#fragmentsHeld = 0;
    }
    if (frames > 0) this.#giveBack(frames);
  }

  /** A beat of the sender came (D3). */
  onBeat(sentUpTo: number): void {
    if (this.#isClosed || this.#isSequenceCheckOff) return;
    if (sentUpTo <= this.#receivedUpTo) {
      this.#laggingBeats = 0;
      return;
    }
    this.#laggingBeats = this.#receivedAtLastBeat === this.#receivedUpTo ? this.#laggingBeats + 1 : 1;
    this.#receivedAtLastBeat = this.#receivedUpTo;
    if (this.#laggingBeats < beatsUntilLoss) return;
    this.#listener.fail(
      new MillraceError('CHANNEL_LOSS', `Channel ${this.channelId} lost frames ${this.#receivedUpTo} to ${sentUpTo - 1} on the way (D3).`, {
        domain: 'external',
        recovery: 'restart-job',
        hint: 'The bus delivers at most once; the job restarts from its latest checkpoint.',
      }),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#assembly.reset();
  }

  /** D2. */
  #takeCredit(): boolean {
    this.#batchesReceived += 1;
    if (this.#batchesReceived <= this.#grantedUpTo || this.#isSequenceCheckOff) return true;
    this.#listener.fail(new MillraceError('CHANNEL_OVERRUN', `Channel ${this.channelId} got a data frame that was not granted (D2).`));
    return false;
  }

  /** In bundles of half the credit. */
  #giveBack(frames: number): void {
    this.#batchesReleased += frames;
    const credit = Math.max(1, this.#credit());
    if (this.#batchesReleased + credit - this.#grantedUpTo >= Math.max(1, credit >> 1)) this.grant();
  }

  #enqueue(element: ReceivedElement): void {
    const wasEmpty = this.isEmpty();
    this.#queue.push(element);
    if (wasEmpty) this.#listener.onArrival(this);
  }

  #assemble(seq: number, fragment: FrameFragment): void {
    let frame: EncodedBatch | undefined;
    try {
      frame = this.#assembly.add(seq, fragment);
    } catch (error) {
      if (!this.#isSequenceCheckOff) this.#listener.fail(error);
    }
    if (this.#assembled === 0) this.#giveBack(1);
    else this.#fragmentsHeld += 1;
    if (frame === undefined) return;
    this.bytesIn += frame.payload.length;
    this.#enqueue({ ...frame, fragmentsHeld: this.#fragmentsHeld });
    this.#fragmentsHeld = 0;
    this.#assembled += 1;
  }

  /** FA1. */
  #interrupt(): boolean {
    if (!this.#isSequenceCheckOff) this.#listener.fail(this.#assembly.interrupted());
    this.#assembly.reset();
    return this.#isSequenceCheckOff;
  }

  #isExpected(seq: number): boolean {
    if (seq === this.#receivedUpTo || this.#isSequenceCheckOff) return true;
    if (seq < this.#receivedUpTo) {
      this.duplicates += 1;
      return false;
    }
    this.#listener.fail(
      new MillraceError('CHANNEL_GAP', `Channel ${this.channelId} got frame ${seq} and misses ${this.#receivedUpTo} (D1).`, {
        domain: 'external',
        recovery: 'restart-job',
        hint: 'The bus delivers at most once; the job restarts from its latest checkpoint.',
      }),
    );
    return false;
  }
}
