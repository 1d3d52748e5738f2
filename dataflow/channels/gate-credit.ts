/**
 * The credit of one input gate, as numbers alone: how many data frames each of its channels may have sent in all.
 *
 * GC1  A channel has `exclusive` buffers of its own and borrows floating ones of the gate: what was granted and is not
 *      released is at most its exclusive ones and the borrowed; the borrowed of all channels are at most `floating`.
 * GC2  `granted` never falls.
 * GC3  A channel is given buffers until what it has been granted and has not used is its sender's backlog and `exclusive`
 *      more. For floating ones channels queue up, first come first served, one at a time.
 * GC4  A floating buffer goes back to the gate with the frame it was for; who needs another one queues up again.
 * GC5  Where a channel has no exclusive buffers, the last floating one is lent only to a channel whose next frame is sure to
 *      be read: so channels that are blocked by an alignment never hold all, and the others get their barriers through.
 */
import { assert } from '../../core/errors.js';

export interface ChannelCreditOptions {
  /** Buffers that are the channel's own. */
  readonly exclusive: number;
  /** Whether a frame that came now would be the next to be read, whatever else the gate does (GC5). */
  readonly isNextReadable: () => boolean;
  /** `granted` has grown. */
  readonly onGranted: () => void;
  /** Buffers taken, or given back where negative: of channels whose buffers are counted. */
  readonly onBuffers?: (change: number) => void;
}

/** The buffers of one gate; see the head of this file. */
export class GateCredit {
  #floating: number;
  #free: number;
  /** Frames whose buffers came back, of all channels so far. */
  released = 0;
  /** Channels that want floating buffers, in the order they get them. */
  #queue: ChannelCredit[] = [];
  #withoutExclusive = 0;
  #isServing = false;
  #isDirty = false;

  constructor(options: { readonly floating: number }) {
    assert(options.floating >= 0, 'a gate cannot lack buffers');
    this.#floating = options.floating;
    this.#free = options.floating;
  }

  /** Floating buffers that nobody has. */
  get free(): number {
    return this.#free;
  }

  /** Changes how many floating buffers there are; fewer only as far as they are free. Returns how many there are now. */
  resize(floating: number): number {
    const change = Math.max(floating - this.#floating, -this.#free);
    this.#floating += change;
    this.#free += change;
    if (change > 0) this.serve();
    return this.#floating;
  }

  open(options: ChannelCreditOptions): ChannelCredit {
    if (options.exclusive === 0) this.#withoutExclusive += 1;
    const gate = {
      giveBack: (buffers: number): void => {
        this.#free += buffers;
        this.serve();
      },
      enqueue: (channel: ChannelCredit): void => {
        this.#queue.push(channel);
        this.serve();
      },
      countReleased: (frames: number): void => {
        this.released += frames;
      },
      leave: (channel: ChannelCredit): void => {
        this.#queue = this.#queue.filter((other) => other !== channel);
        if (options.exclusive === 0) this.#withoutExclusive -= 1;
      },
    };
    return new ChannelCredit(options, gate);
  }

  /** Lends what there is to lend. Call when a channel has become readable (GC5). */
  serve(): void {
    this.#isDirty = true;
    // Telling a channel may bring the next frame at once, of this channel or another.
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#isDirty) {
      this.#isDirty = false;
      const served = new Set<ChannelCredit>();
      for (let channel = this.#next(); channel !== undefined; channel = this.#next()) {
        this.#free -= 1;
        channel.lend();
        served.add(channel);
      }
      for (const channel of served) channel.tell();
    }
    this.#isServing = false;
  }

  /** Takes the first from the queue that can be lent a buffer; it stands at the end again if it wants more. */
  #next(): ChannelCredit | undefined {
    if (this.#free === 0) return undefined;
    const isLast = this.#withoutExclusive > 0 && this.#free === 1;
    for (let index = 0; index < this.#queue.length; index += 1) {
      const channel = this.#queue[index] as ChannelCredit;
      const { wanted } = channel;
      if (wanted > 0 && isLast && !channel.isSureToBeRead) continue;
      this.#queue.splice(index, 1);
      if (wanted > 1) this.#queue.push(channel);
      else channel.isQueued = false;
      if (wanted > 0) return channel;
      index -= 1;
    }
    return undefined;
  }
}

/** What a channel asks of its gate. */
interface Gate {
  readonly giveBack: (buffers: number) => void;
  readonly enqueue: (channel: ChannelCredit) => void;
  readonly countReleased: (frames: number) => void;
  readonly leave: (channel: ChannelCredit) => void;
}

/** The credit of one channel of a gate. */
export class ChannelCredit {
  readonly exclusive: number;
  readonly #options: ChannelCreditOptions;
  readonly #gate: Gate;
  #granted = 0;
  #received = 0;
  #released = 0;
  #backlog = 0;
  #isStarved = false;
  #isClosed = false;
  /** Of the gate. */
  isQueued = false;

  constructor(options: ChannelCreditOptions, gate: Gate) {
    this.exclusive = options.exclusive;
    this.#options = options;
    this.#gate = gate;
    this.#takeOwn();
  }

  /** Data frames that the sender may send in all. */
  get granted(): number {
    return this.#granted;
  }

  get received(): number {
    return this.#received;
  }

  /** Data frames that came and hold their buffer. */
  get held(): number {
    return this.#received - this.#released;
  }

  /** Buffers in use, or promised to the sender. */
  get buffers(): number {
    return this.#granted - this.#released;
  }

  get borrowed(): number {
    return Math.max(0, this.buffers - this.exclusive);
  }

  /** Buffers that it should have been granted beside those it was (GC3). */
  get wanted(): number {
    return this.#backlog + this.exclusive - (this.#granted - this.#received);
  }

  /** GC5. */
  get isSureToBeRead(): boolean {
    return this.#isStarved && this.#options.isNextReadable();
  }

  /** A data frame came; so many wait at the sender. */
  onFrame(backlog: number): void {
    this.#received += 1;
    this.#isStarved = false;
    this.#backlog = backlog;
    this.#topUp();
  }

  /** The sender says how many data frames wait; `isStarved`: all it sent has come, and a data frame is what it sends next. */
  onBacklog(backlog: number, isStarved: boolean): void {
    this.#backlog = backlog;
    this.#isStarved = isStarved && backlog > 0 && this.#granted <= this.#received;
    this.#topUp();
    // It may stand in the queue since before it was sure to be read.
    if (this.#isStarved) this.#gate.giveBack(0);
  }

  /** These frames need their buffers no more. */
  release(frames: number): void {
    if (this.#isClosed) return;
    const borrowed = this.borrowed;
    this.#released += frames;
    this.#gate.countReleased(frames);
    this.#options.onBuffers?.(-frames);
    const returned = borrowed - this.borrowed;
    this.#topUp();
    if (returned > 0) this.#gate.giveBack(returned);
  }

  /** Everything goes back. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#gate.leave(this);
    this.#options.onBuffers?.(-this.buffers);
    this.#gate.giveBack(this.borrowed);
  }

  /** The gate lends it a buffer; `tell` follows. */
  lend(): void {
    assert(this.buffers >= this.exclusive, 'a channel borrows once its own buffers are in use (GC1)');
    this.#isStarved = false;
    this.#grant(1);
  }

  tell(): void {
    if (!this.#isClosed) this.#options.onGranted();
  }

  #topUp(): void {
    if (this.#isClosed) return;
    if (this.#takeOwn()) this.#options.onGranted();
    if (this.wanted <= 0 || this.isQueued || this.#isClosed) return;
    this.isQueued = true;
    this.#gate.enqueue(this);
  }

  /** Whether there were own buffers to grant. */
  #takeOwn(): boolean {
    const own = Math.min(this.wanted, this.exclusive - this.buffers);
    if (own <= 0) return false;
    this.#grant(own);
    return true;
  }

  #grant(frames: number): void {
    this.#granted += frames;
    this.#options.onBuffers?.(frames);
  }
}
