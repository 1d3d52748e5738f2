/**
 * The bus: what crosses a process boundary, as bytes on subjects.
 *
 * B1  At most once: a published message may be lost, silently. Nothing above may rely on one arriving.
 * B2  Per publisher and subject, messages that arrive arrive in order.
 * B3  Subjects are tokens joined by `.`; patterns may hold `*` (one token) and end in `>` (one or more tokens).
 * B4  Of the subscribers of one queue group, one gets each message; subscribers without a group each get it.
 * B5  A request fails with `no-responders` at once when nobody subscribes to its subject, else with `timeout`.
 */

export interface BusMessage {
  readonly subject: string;
  /** Valid only during the handler, unless copied: transports may share one receive buffer. */
  readonly payload: Uint8Array;
  /** The payload has a buffer of its own that nobody else holds: the handler may keep it. */
  readonly isOwned?: boolean;
  /** Answers a request; undefined for a plain publish. Answers after the first are ignored by the asker. */
  readonly respond: ((payload: Uint8Array) => void) | undefined;
}

export interface BusSubscription {
  unsubscribe(): void;
}

/** Why a request failed. */
export type BusFailure = 'no-responders' | 'timeout' | 'closed' | 'disconnected' | 'too-large';

/** A failed request or publish: an expected outcome, told by `failure`. */
export class BusError extends Error {
  readonly failure: BusFailure;

  constructor(failure: BusFailure, message: string) {
    super(message);
    this.name = 'BusError';
    this.failure = failure;
  }
}

export type BusStatus = 'connected' | 'disconnected' | 'closed';

/** What frames need of a bus. */
export interface FrameBus extends Pick<Bus, 'payloadBytesMax' | 'subscribe' | 'flush'> {
  /**
   * As {@link Bus.publish}. With `onSent`, only where `isLendable` says so, the payload is lent: it is handed back once the
   * transport does not read it any more, because the server has it or the connection was lost. Not when this throws.
   */
  publish(subject: string, payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void;
  /** Whether what goes to `subject` is handed back by itself; else it is given away. Default: never. */
  isLendable?(subject: string): boolean;
  /** The size of frame that gets to `subject` fastest. Default: `limits.frameBytesTarget`. */
  frameBytesTarget?(subject: string): number;
  /** More is on the way out, where frames for `subject` go, than is good: send no more data until `onRelief`. Default: never. */
  isCongested?(subject: string): boolean;
  /** Calls whenever data may be sent again. */
  onRelief?(listener: () => void): void;
  /** How often it became congested. Default: never. */
  congestions?(): number;
}

/** One connection to the bus. */
export interface Bus {
  /** Largest payload in bytes. */
  readonly payloadBytesMax: number;
  /**
   * The transport keeps `payload` until it is flushed: do not change it afterwards. On data subjects (frames) it takes the
   * payload's buffer away if it may: do not read it afterwards either. Throws BusError `too-large` or `closed`.
   */
  publish(subject: string, payload: Uint8Array): void;
  request(subject: string, payload: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array>;
  /** A handler that throws is counted and logged by the transport, never lost silently. */
  subscribe(pattern: string, handler: (message: BusMessage) => void, options?: { readonly queue?: string }): BusSubscription;
  /** Resolves once the server has seen everything published so far. */
  flush(): Promise<void>;
  status(): BusStatus;
  /** Calls on each change of status; returns the function that ends it. */
  onStatus(listener: (status: BusStatus) => void): () => void;
  /** Unsubscribes, flushes what can be flushed, closes. Idempotent. */
  close(): Promise<void>;
}
