/**
 * The sending end of a channel.
 *
 * S1  Nothing is sent before the receiver opened the channel with its first grant.
 * S2  A data frame is sent only while fewer than `grantedUpTo` were sent; events cost no credit. The receiver hears with each
 *     data frame how many wait behind it, and at once when the first begins to wait.
 * S3  Elements leave in the order they were given, numbered 0, 1, 2, … without gaps. Each piece of a large frame has its
 *     own number and costs its own credit; nothing comes between the pieces of a frame.
 * S4  When `waitingFramesMax` data frames wait for credit the channel counts as full; what is added then is overdraft,
 *     bounded per task.
 * S5  The channel stays until the receiver has everything (`isAcknowledged`), so that a lost tail is noticed.
 * S6  While the connection is congested, or away, nothing numbered leaves, and silence says nothing about the receiver. Without
 *     memory to leave in no data frame does.
 */
import { assert, MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { BatchWriter, Carrier, LeavingBatch } from './carrier.js';
import type { ChannelOwner, OutputPressure } from './channel-owner.js';
import type { StreamEvent } from './elements.js';

interface WaitingEvent {
  readonly kind: 'event';
  readonly event: StreamEvent;
}

export interface OutputChannelOptions<Payload> {
  readonly channelId: ChannelId;
  readonly carrier: Carrier<Payload>;
  readonly owner: ChannelOwner;
  readonly pressure: OutputPressure;
  /** Data frames that may wait for credit before the channel counts as full. */
  readonly waitingFramesMax: number;
  /** Tests only: sends without credit. */
  readonly isCreditIgnored?: boolean;
}

/** What a task sees of an output channel, whatever carries it. */
export interface RecordOutput {
  readonly channelId: ChannelId;
  /** All records of a channel come with the hash of their key, or none. */
  add(value: unknown, timestamp: number, keyHash?: number): void;
  sendEvent(event: StreamEvent): void;
  /** Sends what was collected, if credit allows; else it stays and grows until there is some. */
  flush(): void;
  /** Whether records were collected that are not in a frame yet. */
  hasOpenBatch(): boolean;
  /** The receiver has everything that was sent, or is gone. */
  isAcknowledged(): boolean;
  readonly recordsOut: number;
  readonly bytesOut: number;
  /** Data frames that wait for credit. */
  readonly waitingFrames: number;
  /** The most data frames that were sent beyond what was granted: none, ever. */
  readonly overGrantFrames: number;
}

const silentBeatsMax = 20;

/** The sender of one channel; see the head of this file. */
export class OutputChannel<Payload = unknown> implements RecordOutput {
  readonly channelId: ChannelId;
  readonly #carrier: Carrier<Payload>;
  readonly #writer: BatchWriter<Payload>;
  readonly #owner: ChannelOwner;
  readonly #pressure: OutputPressure;
  readonly #waitingFramesMax: number;
  readonly #isCreditIgnored: boolean;
  #waiting: (LeavingBatch<Payload> | WaitingEvent)[] = [];
  /** Data frames of batches that were sealed and have not left. */
  #waitingPieces = 0;
  /** Of them, those that the task's pressure knows of. */
  #countedPieces = 0;
  #isFull = false;
  /** The receiver has no buffers that are the channel's own: it grants what it is asked for. */
  #isWithoutExclusive = false;
  /** The receiver knows that data frames wait. */
  #isBacklogTold = false;
  #nextSeq = 0;
  #sentUpTo = 0;
  #piecesSent = 0;
  #grantedUpTo = 0;
  #acknowledgedUpTo = 0;
  #isOpen = false;
  #isReceiverGone = false;
  #isClosed = false;
  #isDraining = false;
  /** What was collected has waited its time, and leaves as soon as credit allows. */
  #isFlushDue = false;
  #hasSentEnd = false;
  #silentBeats = 0;
  recordsOut = 0;
  bytesOut = 0;
  overGrantFrames = 0;

  constructor(options: OutputChannelOptions<Payload>) {
    this.channelId = options.channelId;
    this.#carrier = options.carrier;
    this.#writer = options.carrier.createWriter();
    this.#owner = options.owner;
    this.#pressure = options.pressure;
    this.#waitingFramesMax = options.waitingFramesMax;
    this.#isCreditIgnored = options.isCreditIgnored === true;
  }

  /** Frames given to the carrier. */
  get sentUpTo(): number {
    return this.#sentUpTo;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get waitingFrames(): number {
    return this.#waitingPieces;
  }

  /** Data frames sent and granted, for tests of S2. */
  get credit(): { readonly sent: number; readonly granted: number; readonly waiting: number } {
    return { sent: this.#piecesSent, granted: this.#grantedUpTo, waiting: this.#waitingPieces };
  }

  add(value: unknown, timestamp: number, keyHash?: number): void {
    if (!this.#writer.add(value, timestamp, keyHash)) {
      this.#seal(true);
      this.#writer.add(value, timestamp, keyHash);
    }
    if (this.#writer.isFull) this.#seal(true);
  }

  sendEvent(event: StreamEvent): void {
    if (this.#isClosed) return;
    this.#seal(false);
    this.#nextSeq += 1;
    this.#waiting.push({ kind: 'event', event });
    this.#drain();
  }

  flush(): void {
    this.#isFlushDue = this.#writer.count > 0;
    if (this.#isFlushDue && this.#waiting.length === 0 && this.#canSendPiece()) this.#seal(false);
  }

  hasOpenBatch(): boolean {
    return this.#writer.count > 0;
  }

  isAcknowledged(): boolean {
    return (
      this.#isReceiverGone ||
      this.#isClosed ||
      (this.#waiting.length === 0 && this.#writer.count === 0 && this.#acknowledgedUpTo >= this.#nextSeq)
    );
  }

  /** A grant came, perhaps late or again: both numbers only grow. */
  onGrant(grantedUpTo: number, receivedUpTo: number): void {
    if (this.#isClosed) return;
    // What the first grant allows is what the channel has of its own.
    if (!this.#isOpen && grantedUpTo === 0) this.#isWithoutExclusive = true;
    this.#isOpen = true;
    this.#isReceiverGone = false;
    this.#silentBeats = 0;
    if (grantedUpTo > this.#grantedUpTo) this.#grantedUpTo = grantedUpTo;
    if (receivedUpTo > this.#acknowledgedUpTo) {
      this.#acknowledgedUpTo = receivedUpTo;
      if (this.#hasSentEnd && this.isAcknowledged()) this.#owner.wake();
    }
    this.#drain();
    if (this.#isFlushDue) this.flush();
  }

  /** The connection is congested no more (S6). */
  onRelief(): void {
    this.#drain();
    if (this.#isFlushDue) this.flush();
  }

  /**
   * A beat passed. A receiver that does not answer for long after the end of the partition was sent has it and is gone:
   * if it had missed something, it would still ask.
   */
  onBeat(): void {
    if (this.#isCongested()) return;
    this.#silentBeats += 1;
    if (this.#hasSentEnd && this.#silentBeats >= silentBeatsMax && !this.#isReceiverGone) this.onReceiverClosed();
  }

  /** The receiver is gone: nothing more is sent. The channel stays as full as it is, so that the task waits to be cancelled. */
  onReceiverClosed(): void {
    this.#isReceiverGone = true;
    this.#isOpen = false;
    this.#owner.wake();
  }

  /** This end goes; what waits is dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOpen = false;
    for (const item of this.#waiting) {
      if (item.kind !== 'batch') continue;
      this.#settle(item);
      this.#carrier.drop?.(item);
    }
    this.#waiting = [];
    this.#waitingPieces = 0;
    this.#updatePressure();
  }

  #isCongested(): boolean {
    return this.#carrier.isCongested?.() === true;
  }

  #canSendPiece(batch?: LeavingBatch<Payload>): boolean {
    if (!this.#isOpen || (this.#piecesSent >= this.#grantedUpTo && !this.#isCreditIgnored)) return false;
    return !this.#isCongested() && this.#carrier.hasRoom?.(batch) !== false;
  }

  #seal(isFromRecord: boolean): void {
    const records = this.#writer.count;
    if (records === 0 || this.#isClosed) return;
    const seq = this.#nextSeq;
    const payload = this.#writer.take(seq);
    const bytes = this.#writer.takenBytes;
    const pieces = this.#carrier.piecesOf(payload);
    const batch: LeavingBatch<Payload> = {
      kind: 'batch',
      seq,
      payload,
      isKept: false,
      records,
      bytes,
      pieces,
      sentPieces: 0,
      isOverdraft: false,
    };
    this.#nextSeq += pieces;
    this.#isFlushDue = false;
    this.#waitingPieces += pieces;
    if (this.#waiting.length === 0 && this.#sendPieces(batch)) return;
    if (this.#carrier.keep !== undefined) batch.payload = this.#carrier.keep(batch);
    batch.isKept = true;
    this.#waiting.push(batch);
    if (isFromRecord && this.#pressure.fullChannels > 0) this.#overdraw(batch);
    this.#updatePressure();
    this.#tellBacklog();
  }

  /** One frame may go beyond the limit, so that a record of any size that comes while the output is full can be written. */
  #overdraw(batch: LeavingBatch<Payload>): void {
    if (this.#pressure.overdraftBytes > limits.overdraftBytesMax) throw overdraftError();
    batch.isOverdraft = true;
    this.#pressure.overdraftBytes += batch.bytes;
  }

  #drain(): void {
    // A receiver in this slot may answer within the call: its grant only changes the numbers that this loop reads.
    if (!this.#isOpen || this.#isDraining || this.#isCongested()) return;
    this.#isDraining = true;
    let left = 0;
    for (const item of this.#waiting) {
      if (item.kind === 'event') this.#sendEvent(item.event);
      else if (!this.#sendPieces(item)) break;
      else this.#settle(item);
      left += 1;
    }
    this.#isDraining = false;
    if (left === this.#waiting.length) this.#waiting = [];
    else if (left > 0) this.#waiting = this.#waiting.slice(left);
    this.#updatePressure();
    this.#tellBacklog();
    if (this.#hasSentEnd && this.isAcknowledged()) this.#owner.wake();
  }

  /** A beat says the same: it comes late, but when what was told is lost. */
  #tellBacklog(): void {
    if (this.#waitingPieces === 0 || this.#isBacklogTold || !this.#isOpen) return;
    this.#isBacklogTold = true;
    this.#carrier.sendBacklog(this.#sentUpTo, this.#waitingPieces);
  }

  #sendEvent(event: StreamEvent): void {
    const seq = this.#sentUpTo;
    this.#sentUpTo += 1;
    this.#hasSentEnd ||= event.kind === 'end-of-partition';
    this.#carrier.sendEvent(seq, event);
  }

  /** Sends what credit allows of the batch; whether all of it left. */
  #sendPieces(batch: LeavingBatch<Payload>): boolean {
    while (batch.sentPieces < batch.pieces) {
      if (!this.#canSendPiece(batch)) return false;
      const seq = this.#sentUpTo;
      assert(seq === batch.seq + batch.sentPieces, 'A data frame left out of order (S3).');
      this.#sentUpTo += 1;
      this.#piecesSent += 1;
      this.#waitingPieces -= 1;
      // Without buffers of the channel's own, the receiver must know that a data frame is next (GC5).
      this.#isBacklogTold = this.#waitingPieces > 0 && !this.#isWithoutExclusive;
      this.overGrantFrames = Math.max(this.overGrantFrames, this.#piecesSent - this.#grantedUpTo);
      this.#carrier.sendPiece(batch, seq, this.#waitingPieces);
      batch.sentPieces += 1;
    }
    this.recordsOut += batch.records;
    this.bytesOut += batch.bytes;
    return true;
  }

  /** The batch waits no more. */
  #settle(batch: LeavingBatch<Payload>): void {
    if (batch.isOverdraft) this.#pressure.overdraftBytes -= batch.bytes;
  }

  #updatePressure(): void {
    const wasFull = this.#pressure.fullChannels > 0;
    const waiting = this.#waitingPieces;
    if (waiting !== this.#countedPieces) {
      this.#pressure.addWaiting(waiting - this.#countedPieces);
      this.#countedPieces = waiting;
    }
    const isFull = waiting >= this.#waitingFramesMax;
    if (isFull !== this.#isFull) {
      this.#isFull = isFull;
      this.#pressure.fullChannels += isFull ? 1 : -1;
    }
    if (wasFull && this.#pressure.fullChannels === 0) this.#owner.wake();
  }
}

function overdraftError(): MillraceError {
  return new MillraceError(
    'OUTPUT_OVERDRAFT',
    `One record produced more than ${limits.overdraftBytesMax} bytes while the output was full.`,
    {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Return an iterable (a generator function) instead of calling collect in a loop: it is paused while the output is full.',
    },
  );
}
