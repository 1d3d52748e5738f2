/**
 * The bus of the simulated world: a NATS server in the middle, connections of processes around it, and everything that
 * can happen to messages on the way.
 *
 * W1  Messages of one connection on one subject keep their order to each subscriber; across subjects they may overtake.
 * W2  What is on the way when a connection breaks is lost, in both directions, without a word to anybody (B1).
 * W3  A killed process hears nothing more; the server drops its subscriptions a moment later, so that requests to it
 *     find no responders; that of an unplugged one it notices late, so that they time out.
 * W4  Who gets a message of a queue group, every delay and every fault comes from `random`: the same seed, the same run.
 * W5  Without faults it keeps the contract of the bus.
 */
import type { Clock, Logger, Random } from '../../core/ports.js';
import { SimulatedBus } from './simulated-bus.js';

/** Where events are scheduled; the simulation is one. */
export interface NetworkWorld {
  /** Virtual milliseconds. */
  readonly nowMs: number;
  schedule(delayMs: number, label: string, run: () => void): unknown;
}

/** The process a connection belongs to; a simulated process is one. */
export interface NetworkProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isAlive: boolean;
  /** Never runs when the process is dead by then, later when it is paused. */
  later(delayMs: number, label: string, run: () => void): void;
  onKilled(listener: () => void): void;
}

/** Probabilities are per message and hop. */
export interface NetworkFaults {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Of a delay ten times as long. */
  readonly slowProbability: number;
  readonly dropProbability: number;
  readonly duplicateProbability: number;
  /** Of the loss of one that carries this, beside `dropProbability`. */
  readonly loss?: (subject: string, payload: Uint8Array) => number;
}

/** One and the same delay for everything, so that nothing overtakes anything, as on a quiet server. */
export const noFaults: NetworkFaults = {
  delayMsMin: 0.2,
  delayMsMax: 0.2,
  slowProbability: 0,
  dropProbability: 0,
  duplicateProbability: 0,
};

export interface SimulatedNetworkOptions {
  readonly world: NetworkWorld;
  readonly random: Random;
  readonly faults?: NetworkFaults;
  readonly payloadBytesMax?: number;
}

/** A subscription as the server knows it. */
export interface NetworkSubscription {
  readonly owner: SimulatedBus;
  readonly queue: string | undefined;
  readonly matches: (subject: string) => boolean;
  readonly deliver: (message: NetworkMessage) => void;
}

export interface NetworkMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly from: SimulatedBus;
  /** How a request is answered. */
  readonly reply: { readonly to: SimulatedBus; readonly requestId: number } | undefined;
}

/** How long the server takes to notice that the socket of a killed process is gone. */
const noticeDeathMs = 2;
/** How long it takes to give up on a machine that fell silent. */
const noticeSilenceMs = 15_000;

export class SimulatedNetwork {
  readonly payloadBytesMax: number;
  /** What happened so far, for reports and for tests that must not be empty. */
  readonly counts = { sent: 0, delivered: 0, dropped: 0, duplicated: 0, lostOnBreak: 0, partitioned: 0 };
  readonly #world: NetworkWorld;
  readonly #random: Random;
  readonly #connections: SimulatedBus[] = [];
  readonly #subscriptions = new Set<NetworkSubscription>();
  readonly #partitions = new Set<{ readonly left: ReadonlySet<string>; readonly right: ReadonlySet<string> }>();
  readonly #unplugged = new Set<string>();
  /** Latest arrival per stream of messages that must stay in order. */
  readonly #latest = new Map<string, number>();
  #faults: NetworkFaults;

  constructor(options: SimulatedNetworkOptions) {
    this.#world = options.world;
    this.#random = options.random;
    this.#faults = options.faults ?? noFaults;
    this.payloadBytesMax = options.payloadBytesMax ?? 1024 * 1024;
  }

  /** A connection of the process, up at once. */
  connect(process: NetworkProcess): SimulatedBus {
    const bus = new SimulatedBus({ network: this, process, id: this.#connections.length });
    this.#connections.push(bus);
    process.onKilled(() => {
      const delayMs = this.#unplugged.has(process.name) ? noticeSilenceMs : noticeDeathMs;
      this.#world.schedule(delayMs, `network forgets ${process.name}`, () => this.forget(bus));
    });
    return bus;
  }

  /** Changes what happens to messages from now on. */
  setFaults(faults: NetworkFaults): void {
    this.#faults = faults;
  }

  /** Loses every message between the processes of the two sides, silently, for a while. */
  partition(left: readonly string[], right: readonly string[], durationMs: number): void {
    const sides = { left: new Set(left), right: new Set(right) };
    this.#partitions.add(sides);
    this.#world.schedule(durationMs, 'network heals', () => this.#partitions.delete(sides));
  }

  /** Pulls the plug of the machine of a process: no message of it or to it arrives any more. Kill it afterwards. */
  unplug(processName: string): void {
    this.#unplugged.add(processName);
  }

  /** Breaks the connections of a process; they come back after a while. */
  disconnect(processName: string, durationMs: number): void {
    for (const bus of this.#connections) if (bus.process.name === processName) this.#interrupt(bus, durationMs);
  }

  /** The server dies and comes back; each connection finds it again a little later, in its own time. */
  restartServer(downMs: number): void {
    for (const bus of this.#connections) this.#interrupt(bus, downMs + this.#random.next() * 300);
  }

  /** The server forgets a connection: it was closed, or its process is gone. */
  forget(bus: SimulatedBus): void {
    for (const subscription of this.#subscriptions) if (subscription.owner === bus) this.#subscriptions.delete(subscription);
  }

  /** Registers a subscription at the server, now. */
  add(subscription: NetworkSubscription): void {
    this.#subscriptions.add(subscription);
  }

  remove(subscription: NetworkSubscription): void {
    this.#subscriptions.delete(subscription);
  }

  /** Runs `arrive` at the server when something the connection sends now gets there; never, if it breaks before. */
  toServer(bus: SimulatedBus, label: string, notBefore: number, arrive: () => void): number {
    const at = Math.max(this.#world.nowMs + this.#delay(), notBefore);
    const { generation } = bus;
    this.#world.schedule(at - this.#world.nowMs, label, () => {
      if (bus.generation === generation) arrive();
      else this.counts.lostOnBreak += 1;
    });
    return at;
  }

  /** Runs `arrive` in the process of the connection when what the server sends now gets there. */
  toProcess(bus: SimulatedBus, label: string, stream: string | undefined, arrive: () => void): void {
    const at = this.#inOrder(stream, this.#world.nowMs + this.#delay());
    const { generation } = bus;
    bus.process.later(at - this.#world.nowMs, label, () => {
      if (bus.generation === generation) arrive();
      else this.counts.lostOnBreak += 1;
    });
  }

  /** Takes a message from a connection; returns when it reaches the server, if it does. */
  send(message: NetworkMessage, notBefore: number): number {
    this.counts.sent += 1;
    const stream = `${message.from.id} ${message.subject}`;
    let at = notBefore;
    for (let copies = this.#isLost(message) ? 0 : this.#copies(); copies > 0; copies -= 1) {
      const earliest = Math.max(notBefore, this.#latest.get(stream) ?? 0);
      at = this.toServer(message.from, `send ${message.subject} ${message.payload.length}`, earliest, () => this.#route(message));
      this.#latest.set(stream, at);
    }
    return at;
  }

  /** Carries an answer from a connection to the asker. */
  answer(from: SimulatedBus, to: SimulatedBus, requestId: number, payload: Uint8Array, notBefore: number): void {
    this.counts.sent += 1;
    if (this.#isPartitioned(from, to)) {
      this.counts.partitioned += 1;
      return;
    }
    for (let copies = this.#copies(); copies > 0; copies -= 1) {
      this.toServer(from, `answer ${payload.length}`, notBefore, () => {
        this.toProcess(to, `answer ${payload.length}`, undefined, () => to.answered(requestId, payload));
      });
    }
  }

  #route(message: NetworkMessage): void {
    const receivers = this.#receivers(message.subject);
    if (receivers.length === 0 && message.reply !== undefined) {
      const { to, requestId } = message.reply;
      this.toProcess(to, 'no responders', undefined, () => to.unanswerable(requestId));
      return;
    }
    for (const receiver of receivers) {
      if (this.#isPartitioned(message.from, receiver.owner)) {
        this.counts.partitioned += 1;
        continue;
      }
      for (let copies = this.#copies(); copies > 0; copies -= 1) {
        const label = `deliver ${message.subject} ${message.payload.length}`;
        this.toProcess(receiver.owner, label, `${message.from.id} ${message.subject} ${receiver.owner.id}`, () => {
          this.counts.delivered += 1;
          receiver.deliver(message);
        });
      }
    }
  }

  #receivers(subject: string): NetworkSubscription[] {
    const receivers: NetworkSubscription[] = [];
    const groups = new Map<string, NetworkSubscription[]>();
    for (const subscription of this.#subscriptions) {
      if (!subscription.matches(subject)) continue;
      if (subscription.queue === undefined) receivers.push(subscription);
      else groups.set(subscription.queue, [...(groups.get(subscription.queue) ?? []), subscription]);
    }
    for (const members of groups.values()) {
      receivers.push(members[Math.floor(this.#random.next() * members.length)] as NetworkSubscription);
    }
    return receivers;
  }

  #interrupt(bus: SimulatedBus, durationMs: number): void {
    if (!bus.break()) return;
    this.forget(bus);
    bus.process.later(durationMs, 'reconnect', () => bus.restore());
  }

  #isLost({ subject, payload }: NetworkMessage): boolean {
    const probability = this.#faults.loss?.(subject, payload) ?? 0;
    if (probability === 0 || this.#random.next() >= probability) return false;
    this.counts.dropped += 1;
    return true;
  }

  /** 0 when the message is lost, 2 when it is duplicated. */
  #copies(): number {
    const { dropProbability, duplicateProbability } = this.#faults;
    if (dropProbability > 0 && this.#random.next() < dropProbability) {
      this.counts.dropped += 1;
      return 0;
    }
    if (duplicateProbability > 0 && this.#random.next() < duplicateProbability) {
      this.counts.duplicated += 1;
      return 2;
    }
    return 1;
  }

  #delay(): number {
    const { delayMsMin, delayMsMax, slowProbability } = this.#faults;
    const delay = delayMsMin + this.#random.next() * (delayMsMax - delayMsMin);
    return slowProbability > 0 && this.#random.next() < slowProbability ? delay * 10 : delay;
  }

  #inOrder(stream: string | undefined, at: number): number {
    if (stream === undefined) return at;
    const inOrder = Math.max(at, this.#latest.get(stream) ?? 0);
    this.#latest.set(stream, inOrder);
    return inOrder;
  }

  #isPartitioned(from: SimulatedBus, to: SimulatedBus): boolean {
    const [source, target] = [from.process.name, to.process.name];
    if (this.#unplugged.has(source) || this.#unplugged.has(target)) return true;
    for (const { left, right } of this.#partitions) {
      if ((left.has(source) && right.has(target)) || (left.has(target) && right.has(source))) return true;
    }
    return false;
  }
}
