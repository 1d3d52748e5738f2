/**
 * How many bytes of frames are on the way to the server: published, and not known to have reached it.
 *
 * OW1  Above `highBytes` it is congested, until no more than `lowBytes` are on the way.
 * OW2  The server is asked how far it is whenever a quarter of `lowBytes` was published since it was asked last, one question at
 *      a time: its answer covers what was published before.
 * OW3  With the connection everything on the way is gone: a new one begins with an empty window, and with relief.
 */
export interface OutboundWindowOptions {
  readonly highBytes: number;
  readonly lowBytes: number;
  /** Resolves once the server has everything published so far; rejects when the connection is lost. */
  readonly flush: () => Promise<void>;
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

  /** Bytes were handed to the connection. */
  sent(bytes: number): void {
    this.#published += bytes;
    if (!this.#isCongested && this.#published - this.#arrived > this.#options.highBytes) {
      this.#isCongested = true;
      this.congestions += 1;
    }
    if (!this.#isAsking && this.#published - this.#askedAt >= this.#askBytes) this.#ask();
  }

  /** A connection stands again (OW3). */
  reconnected(): void {
    this.#arrived = this.#published;
    this.#relieve();
  }

  #ask(): void {
    const published = this.#published;
    this.#askedAt = published;
    this.#isAsking = true;
    const answered = (): void => {
      this.#isAsking = false;
      this.#arrivedUpTo(published);
      if (this.#published - this.#askedAt >= this.#askBytes) this.#ask();
    };
    // A question that fails does so because the connection was lost: what was before it is not on the way any more.
    this.#options.flush().then(answered, answered);
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
