/** Two ends of a ThreadChannel in one thread: messages are cloned and buffers transferred, as between real threads. */
import type { ThreadChannel } from '../core/ports.js';

export interface ThreadChannelPair<Left, Right> {
  /** Sends what `right` receives. */
  readonly left: ThreadChannel<Left, Right>;
  readonly right: ThreadChannel<Right, Left>;
  /** Both ends go silent: what is under way is dropped. */
  cut(): void;
}

export interface ThreadChannelPairOptions {
  /** Messages that need no clone because nobody else holds what they carry: cloning is a tenth of a simulated run. */
  readonly isOwned?: (message: unknown) => boolean;
}

/**
 * `defer` runs a callback later on this thread. What is posted while one delivery runs is delivered by a later one; the
 * order is kept.
 */
export function createThreadChannelPair<Left, Right>(
  defer: (deliver: () => void) => void,
  options: ThreadChannelPairOptions = {},
): ThreadChannelPair<Left, Right> {
  const toRight = new Lane<Right>(defer, options);
  const toLeft = new Lane<Left>(defer, options);
  return {
    left: {
      post: (message, transfer) => toRight.post(message, transfer),
      onMessage: (listener) => toLeft.listen(listener),
      close: () => toLeft.close(),
    },
    right: {
      post: (message, transfer) => toLeft.post(message, transfer),
      onMessage: (listener) => toRight.listen(listener),
      close: () => toRight.close(),
    },
    cut: () => {
      toLeft.close();
      toRight.close();
    },
  };
}

/** One direction. */
class Lane<Message> {
  readonly #defer: (deliver: () => void) => void;
  readonly #isOwned: (message: unknown) => boolean;
  #queue: Message[] = [];
  #listener: ((message: Message) => void) | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(defer: (deliver: () => void) => void, options: ThreadChannelPairOptions) {
    this.#defer = defer;
    this.#isOwned = options.isOwned ?? (() => false);
  }

  post(message: Message, transfer: readonly ArrayBuffer[] = []): void {
    if (this.#isClosed) return;
    this.#queue.push(this.#isOwned(message) ? message : structuredClone(message, { transfer: [...transfer] }));
    this.#schedule();
  }

  listen(listener: (message: Message) => void): void {
    this.#listener = listener;
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue = [];
  }

  #schedule(): void {
    if (this.#isScheduled || this.#listener === undefined || this.#queue.length === 0) return;
    this.#isScheduled = true;
    this.#defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isScheduled = false;
    const messages = this.#queue;
    this.#queue = [];
    for (const message of messages) if (!this.#isClosed) this.#listener?.(message);
    this.#schedule();
  }
}
