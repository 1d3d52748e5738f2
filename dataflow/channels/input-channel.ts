/**
 * The receiving end of a channel.
 *
 * D1  Every frame is taken once and in order: a lower number is a duplicate (dropped, counted), a higher one is a gap
 *     and fails the task (`CHANNEL_GAP`).
 * D2  A data frame is taken only if it was granted (`CHANNEL_OVERRUN`): what is held or on the way is what the gate gave the
 *     channel (gate-credit.ts). `grantedUpTo` never falls.
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
import type { ChannelCredit, GateCredit } from './gate-credit.js';

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
  readonly gate: GateCredit;
  /** Buffers that are the channel's own. */
  readonly exclusive: number;
  /** Whether it is not read now, until an alignment is over. */
  readonly isBlocked: () => boolean;
  /** Buffers taken, or given back where negative. */
  readonly onBuffers?: (change: number) => void;
  readonly sendControl: (control: ChannelControl) => void;
  /** Tests only: takes whatever comes. */
  readonly isSequenceCheckOff?: boolean;
  /** Tests only: takes what was not granted, and counts it. */
  readonly isCreditCheckOff?: boolean;
}

const beatsUntilLoss = 2;

/** The receiver of one channel; see the head of this file. */
export class InputChannel {
  readonly channelId: ChannelId;
  readonly index: number;
  readonly #options: InputChannelOptions;
  readonly #listener: InputListener;
  readonly #credit: ChannelCredit;
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
  /** What the sender was told. */
  #announced = 0;
  #isOpen = false;
  #isClosed = false;
  #laggingBeats = 0;
  #receivedAtLastBeat = -1;
  duplicates = 0;
  bytesIn = 0;
  /** The most data frames that came beyond what the sender was told: none, ever. */
  overGrantFrames = 0;

  constructor(options: InputChannelOptions) {
    this.channelId = options.channelId;
    this.index = options.index;
    this.#options = options;
    this.#listener = options.listener;
    this.#isSequenceCheckOff = options.isSequenceCheckOff === true;
    this.#assembly = new FrameAssembly(options.channelId);
    this.#credit = options.gate.open({
      exclusive: options.exclusive,
      isNextReadable: () => this.#queue.length === 0 && !options.isBlocked(),
      onGranted: () => this.#announceIfDue(),
      ...(options.onBuffers === undefined ? {} : { onBuffers: options.onBuffers }),
    });
  }

  /** Frames of any kind taken so far. */
  get receivedUpTo(): number {
    return this.#receivedUpTo;
  }

  /** Data frames held, received and announced, for tests of D2. */
  get credit(): { readonly held: number; readonly received: number; readonly granted: number } {
    const { held, received } = this.#credit;
    return { held, received, granted: this.#announced };
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
    this.#isOpen = true;
    this.#announced = this.#credit.granted;
    this.#options.sendControl({ kind: 'grant', grantedUpTo: this.#announced, receivedUpTo: this.#receivedUpTo });
  }

  /** A frame came, and so many data frames wait behind it; the element is the channel's from now on, but for the bytes of a fragment. */
  receive(seq: number, element: ArrivingElement, backlog: number): void {
    if (this.#isClosed || !this.#isExpected(seq)) return;
    this.#receivedUpTo = seq + 1;
    if (element.kind === 'latency-marker' && this.#queue.length >= limits.markersQueuedMax) return;
    const isPiece = element.kind === 'data' || element.kind === 'encoded' || element.kind === 'fragment';
    if (isPiece && !this.#takeCredit(backlog)) return;
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

  /** It may be lent a buffer now that it could not be before: it was read to its end, or is blocked no more. */
  retryCredit(): void {
    if (this.#credit.isSureToBeRead) this.#options.gate.serve();
  }

  /** A beat of the sender came (D3), with the data frames that wait there. */
  onBeat(sentUpTo: number, backlog: number): void {
    if (this.#isClosed) return;
    // A beat overtaken by frames says nothing that they did not.
    if (sentUpTo === this.#receivedUpTo) this.#credit.onBacklog(backlog, true);
    if (this.#isSequenceCheckOff) return;
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
    this.#credit.close();
  }

  /** D2. */
  #takeCredit(backlog: number): boolean {
    const over = this.#credit.received + 1 - this.#announced;
    if (over > 0 && !this.#isSequenceCheckOff) {
      this.overGrantFrames = Math.max(this.overGrantFrames, over);
      if (this.#options.isCreditCheckOff !== true) {
        this.#listener.fail(new MillraceError('CHANNEL_OVERRUN', `Channel ${this.channelId} got a data frame that was not granted (D2).`));
        return false;
      }
    }
    this.#credit.onFrame(backlog);
    return true;
  }

  #giveBack(frames: number): void {
    this.#credit.release(frames);
    this.#announceIfDue();
  }

  /** In bundles of half the channel's buffers, or when the sender would else wait for a reader that has nothing to do. */
  #announceIfDue(): void {
    if (!this.#isOpen || this.#isClosed) return;
    const { granted, received, held, buffers } = this.#credit;
    const due = granted - this.#announced;
    if (due <= 0) return;
    const isAwaited = held <= 0 && this.#announced <= received;
    if (isAwaited || due >= Math.max(1, buffers >> 1)) this.grant();
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
    this.#assembled += 1;
    const fragmentsHeld = this.#fragmentsHeld;
    this.#fragmentsHeld = 0;
    this.#enqueue({ ...frame, fragmentsHeld });
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
