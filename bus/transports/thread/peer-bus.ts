/**
 * The frames of a slot: to slots of the same process through a port each, everything else over the bus behind.
 *
 * PB1  Between two slots that know each other frames never touch the main thread. Both learn of each other before either
 *      can have granted the other anything, so no channel changes its way in the middle.
 * PB2  A payload that is all of its buffer is given away; a view into a larger one is copied. One that is lent is copied too.
 * PB3  A peer that is gone, or was replaced, gets nothing any more: what was on the way is lost, as on any bus (B1).
 */
import { toErrorRecord } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { Logger, ThreadChannel } from '../../../core/ports.js';
import type { BusMessage, BusSubscription, FrameBus } from '../../contracts.js';
import { transferable } from './thread-messages.js';

/** Leads to one peer; carries the buffers of frames. */
export type PeerPort = ThreadChannel<ArrayBuffer, ArrayBuffer>;

export interface PeerBusOptions {
  readonly behind: FrameBus;
  /** What this slot listens on: frames that come through ports carry no subject. */
  readonly ownSubject: string;
  readonly logger: Logger;
}

/** See the head of this file. */
export class PeerBus implements FrameBus {
  readonly #options: PeerBusOptions;
  readonly #ports = new Map<string, PeerPort>();
  readonly #handlers = new Set<(message: BusMessage) => void>();

  constructor(options: PeerBusOptions) {
    this.#options = options;
  }

  get payloadBytesMax(): number {
    return this.#options.behind.payloadBytesMax;
  }

  /** From now on what goes to `subject` takes this port, and what comes through it is for this slot. */
  addPeer(subject: string, port: PeerPort): void {
    this.#ports.get(subject)?.close();
    this.#ports.set(subject, port);
    port.onMessage((buffer) => this.#deliver(new Uint8Array(buffer)));
  }

  publish(subject: string, payload: Uint8Array, onSent?: (payload: Uint8Array) => void): void {
    const port = this.#ports.get(subject);
    if (port === undefined) {
      this.#options.behind.publish(subject, payload, onSent);
      return;
    }
    const { transfer } = transferable(payload, onSent === undefined);
    port.post(transfer[0] as ArrayBuffer, transfer);
    onSent?.(payload);
  }

  /** What goes through a port changes hands. */
  isLendable(subject: string): boolean {
    return !this.#ports.has(subject) && this.#options.behind.isLendable?.(subject) === true;
  }

  /** Each frame costs a message between threads, whatever its size. */
  frameBytesTarget(subject: string): number {
    if (this.#ports.has(subject)) return limits.peerFrameBytesTarget;
    return this.#options.behind.frameBytesTarget?.(subject) ?? limits.frameBytesTarget;
  }

  /** Ports are never congested: credit bounds what is in them. */
  isCongested(subject: string): boolean {
    return !this.#ports.has(subject) && this.#options.behind.isCongested?.(subject) === true;
  }

  onRelief(listener: () => void): void {
    this.#options.behind.onRelief?.(listener);
  }

  congestions(): number {
    return this.#options.behind.congestions?.() ?? 0;
  }

  /** What went through ports has arrived as soon as it is published. */
  flush(): Promise<void> {
    return this.#options.behind.flush();
  }

  subscribe(pattern: string, handler: (message: BusMessage) => void): BusSubscription {
    const behind = this.#options.behind.subscribe(pattern, handler);
    if (pattern === this.#options.ownSubject) this.#handlers.add(handler);
    return {
      unsubscribe: () => {
        this.#handlers.delete(handler);
        behind.unsubscribe();
      },
    };
  }

  #deliver(payload: Uint8Array): void {
    const { ownSubject: subject, logger } = this.#options;
    for (const handler of this.#handlers) {
      try {
        handler({ subject, payload, isOwned: true, respond: undefined });
      } catch (error) {
        logger.log('error', 'a handler of frames threw', { subject, error: toErrorRecord(error) });
      }
    }
  }
}
