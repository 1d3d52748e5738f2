/**
 * A bus between processes of a simulation that delays, drops and repeats messages: for tests of what lives on publish
 * and subscribe alone. Keeps B2: what arrives of one publisher on one subject arrives in order.
 */
import { busError } from '../bus/bus-error.js';
import type { Bus, BusMessage, BusStatus, BusSubscription } from '../bus/contracts.js';
import type { SimulatedProcess, Simulation } from './simulator/simulation.js';
import type { SeededRandom } from './simulator/seeded-random.js';

export interface LossyBusOptions {
  readonly world: Simulation;
  readonly random: SeededRandom;
  /** Longest time on the way. */
  readonly delayMs?: number;
  /** Chances per message. May change while the test runs. */
  readonly faults?: { drop: number; duplicate: number };
  readonly payloadBytesMax?: number;
}

interface Subscriber {
  readonly subject: string;
  readonly process: SimulatedProcess;
  readonly handler: (message: BusMessage) => void;
}

const mib = 1024 * 1024;

/** All connections of one simulated network. */
export class LossyBusRoom {
  readonly #options: LossyBusOptions;
  readonly #subscribers = new Set<Subscriber>();
  published = 0;
  dropped = 0;
  duplicated = 0;
  /** Nothing arrives any more. */
  isCut = false;

  constructor(options: LossyBusOptions) {
    this.#options = options;
  }

  connect(process: SimulatedProcess): Bus {
    /** When the last message on a subject arrives: later ones come after it. */
    const lastArrival = new Map<string, number>();
    const { world, payloadBytesMax } = this.#options;
    let status: BusStatus = 'connected';
    return {
      payloadBytesMax: payloadBytesMax ?? mib,
      publish: (subject, payload) => {
        if (status === 'closed') throw busError('closed', subject);
        this.published += 1;
        for (let copies = this.#copies(); copies > 0; copies -= 1) {
          const at = Math.max(lastArrival.get(subject) ?? 0, world.nowMs + this.#options.random.next() * (this.#options.delayMs ?? 1));
          lastArrival.set(subject, at);
          world.schedule(at - world.nowMs, `arrives ${subject}`, () => this.#deliver(subject, payload));
        }
      },
      request: (subject) => Promise.reject(busError('no-responders', subject)),
      subscribe: (pattern, handler): BusSubscription => {
        const subscriber = { subject: pattern, process, handler };
        this.#subscribers.add(subscriber);
        process.onKilled(() => this.#subscribers.delete(subscriber));
        return { unsubscribe: () => void this.#subscribers.delete(subscriber) };
      },
      flush: () => Promise.resolve(),
      status: () => status,
      onStatus: () => () => {},
      close: async () => {
        status = 'closed';
        for (const subscriber of [...this.#subscribers]) if (subscriber.process === process) this.#subscribers.delete(subscriber);
      },
    };
  }

  #copies(): number {
    const { random, faults } = this.#options;
    if (this.isCut) {
      this.dropped += 1;
      return 0;
    }
    if (faults === undefined) return 1;
    if (random.chance(faults.drop)) {
      this.dropped += 1;
      return 0;
    }
    if (!random.chance(faults.duplicate)) return 1;
    this.duplicated += 1;
    return 2;
  }

  #deliver(subject: string, payload: Uint8Array): void {
    // The receive buffer is shared and reused, as transports may do (bus/contracts.ts).
    for (const subscriber of [...this.#subscribers]) {
      if (subscriber.subject !== subject || !subscriber.process.isAlive) continue;
      const lent = payload.slice();
      subscriber.handler({ subject, payload: lent, respond: undefined });
      lent.fill(0xff);
    }
  }
}
