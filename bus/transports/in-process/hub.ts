/**
 * The bus inside one process: connections to one hub, which hands payloads over by reference.
 *
 * H1  Deliveries happen later, never inside `publish`, in the order they were published over all connections.
 * H2  Who receives a message is settled when it is published; a subscription that ended before delivery gets nothing.
 * H3  Members of a queue group take turns in the order they subscribed.
 * H4  No time but the clock's, no randomness: under a simulated clock and `defer` every run is the same.
 */
import type { Clock, Logger } from '../../../core/ports.js';
import { compilePattern, isWild } from '../../subject-pattern.js';
import { InProcessBus } from './connection.js';

export interface InProcessHubOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs a callback later on this thread: `setImmediate` in real processes, the scheduler's queue in the simulator. */
  readonly defer: (deliver: () => void) => void;
  /** As nats-server's `max_payload`; default 1 MiB. */
  readonly payloadBytesMax?: number;
}

/** One subscription as the hub sees it. */
export interface HubSubscriber {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly deliver: (subject: string, payload: Uint8Array, respond: ((payload: Uint8Array) => void) | undefined) => void;
}

interface RegisteredSubscriber extends HubSubscriber {
  readonly matches: (subject: string) => boolean;
}

/** What all connections share. */
export class InProcessHub {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly payloadBytesMax: number;
  readonly #defer: (deliver: () => void) => void;
  /** Exact subjects by name, so that publishing costs one look-up however many subscriptions there are. */
  readonly #exact = new Map<string, Set<RegisteredSubscriber>>();
  readonly #wild = new Set<RegisteredSubscriber>();
  readonly #turns = new Map<string, number>();
  #queue: (() => void)[] = [];
  #isDrainScheduled = false;

  constructor(options: InProcessHubOptions) {
    this.clock = options.clock;
    this.logger = options.logger;
    this.payloadBytesMax = options.payloadBytesMax ?? 1024 * 1024;
    this.#defer = options.defer;
  }

  /** A new connection; `name` stands in logs. */
  connect(name: string): InProcessBus {
    return new InProcessBus(this, name);
  }

  /** Registers a subscriber; returns the function that removes it. */
  add(subscriber: HubSubscriber): () => void {
    const entry: RegisteredSubscriber = { ...subscriber, matches: compilePattern(subscriber.pattern) };
    if (isWild(entry.pattern)) {
      this.#wild.add(entry);
      return () => this.#wild.delete(entry);
    }
    const entries = this.#exact.get(entry.pattern) ?? new Set();
    this.#exact.set(entry.pattern, entries.add(entry));
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#exact.get(entry.pattern) === entries) this.#exact.delete(entry.pattern);
    };
  }

  /** Queues the message for everybody it concerns; returns whether there was anybody. */
  route(subject: string, payload: Uint8Array, respond?: (payload: Uint8Array) => void): boolean {
    const receivers = this.#receivers(subject);
    for (const receiver of receivers) this.later(() => receiver.deliver(subject, payload, respond));
    return receivers.length > 0;
  }

  /** Runs `step` after everything queued before it. */
  later(step: () => void): void {
    this.#queue.push(step);
    if (this.#isDrainScheduled) return;
    this.#isDrainScheduled = true;
    this.#defer(() => this.#drain());
  }

  #receivers(subject: string): RegisteredSubscriber[] {
    const receivers: RegisteredSubscriber[] = [];
    const groups = new Map<string, RegisteredSubscriber[]>();
    const take = (entry: RegisteredSubscriber): void => {
      if (entry.queue === undefined) receivers.push(entry);
      else groups.set(entry.queue, [...(groups.get(entry.queue) ?? []), entry]);
    };
    this.#exact.get(subject)?.forEach(take);
    for (const entry of this.#wild) if (entry.matches(subject)) take(entry);
    for (const [queue, members] of groups) {
      const turn = this.#turns.get(queue) ?? 0;
      this.#turns.set(queue, turn + 1);
      receivers.push(members[turn % members.length] as RegisteredSubscriber);
    }
    return receivers;
  }

  /** What is queued while draining waits for the next turn, so that other work of the thread gets in between. */
  #drain(): void {
    const steps = this.#queue;
    this.#queue = [];
    this.#isDrainScheduled = false;
    for (const step of steps) step();
  }
}
