/**
 * How many bytes of frames are on the way to the server: published, and not known to have reached it.
 *
 * OW1  Above `highBytes` it is congested, until no more than `lowBytes` are on the way.
 * OW2  The server is asked how far it is whenever a quarter of `lowBytes` was published since it was asked last, one question at
 *      a time: its answer covers what was published before.
 * OW3  With the connection everything on the way is gone: a new one begins with an empty window, and with relief.
 * OW4  What was lent is handed back, in order, once the server has it, or a new connection stands: nats.js may still hold what
 *      was published to the old one until then. The server is also asked whenever `lentMax` payloads were lent since.
 */
export interface OutboundWindowOptions {
  readonly highBytes: number;
  readonly lowBytes: number;
  readonly lentMax: number;
  /** Resolves once the server has everything published so far; rejects when the connection is lost. */
  readonly flush: () => Promise<void>;
}

/** Published up to `mark` in all. */
interface Lent {
  readonly mark: number;
  readonly payload: Uint8Array;
  readonly onSent: (payload: Uint8Array) => void;
}

/** See the head of this file. */
export class OutboundWindow {
  readonly #options: OutboundWindowOptions;
  readonly #askBytes: number;
  readonly #listeners = new Set<() => void>();
  #published = 0;
  #arrived = 0;
  #askedAt = 0;
  #isAsking = false;
  /** Published before the connection was lost. */
  #lostUpTo = 0;
  #lent: Lent[] = [];
  #lentUnasked = 0;
  #isCongested = false;
  /** How often it became congested. */
  congestions = 0;

  constructor(options: OutboundWindowOptions) {
    this.#options = options;
    this.#askBytes = Math.max(1, options.lowBytes >> 2);
  }

  get isCongested(): boolean {
    return this.#isCongested;
  }

  /** Calls whenever it is congested no more. */
  onRelief(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** The payload was handed to the connection: with `onSent` it is lent (OW4). */
  sent(payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void {
    this.#published += payload.length;
    if (onSent !== undefined) {
      this.#lent.push({ mark: this.#published, payload, onSent });
      this.#lentUnasked += 1;
    }
    if (!this.#isCongested && this.#published - this.#arrived > this.#options.highBytes) {
      this.#isCongested = true;
      this.congestions += 1;
    }
    this.#askIfDue();
  }

  /** The connection was lost. */
  lost(): void {
    this.#lostUpTo = this.#published;
  }

  /** A new connection stands, or none ever will: nothing that was published to the lost one is read any more (OW3, OW4). */
  renewed(): void {
    this.#handBackUpTo(this.#lostUpTo);
    this.#arrived = Math.max(this.#arrived, this.#lostUpTo);
    this.#relieve();
  }

  #askIfDue(): void {
    if (this.#isAsking) return;
    if (this.#published - this.#askedAt >= this.#askBytes || this.#lentUnasked >= this.#options.lentMax) this.#ask();
  }

  #ask(): void {
    const published = this.#published;
    this.#askedAt = published;
    this.#lentUnasked = 0;
    this.#isAsking = true;
    const over = (): void => {
      this.#isAsking = false;
      this.#arrivedUpTo(published);
      this.#askIfDue();
    };
    const answered = (): void => {
      this.#handBackUpTo(published);
      over();
    };
    // A question that fails does so because the connection was lost: what was before it is not on the way any more.
    this.#options.flush().then(answered, over);
  }

  #handBackUpTo(bytes: number): void {
    const count = this.#lent.findIndex(({ mark }) => mark > bytes);
    const back = this.#lent.splice(0, count === -1 ? this.#lent.length : count);
    for (const { payload, onSent } of back) onSent(payload);
  }

  #arrivedUpTo(bytes: number): void {
    this.#arrived = Math.max(this.#arrived, bytes);
    if (this.#isCongested && this.#published - this.#arrived <= this.#options.lowBytes) this.#relieve();
  }

  #relieve(): void {
    this.#isCongested = false;
    for (const listener of this.#listeners) listener();
  }
}
