/**
 * The main thread's side of {@link ThreadBus}: carries out what slots want of the bus.
 *
 * TR1  Subjects below `ownPrefix` belong to this TaskManager's slots: what a slot sends there goes to the other slot
 *      directly and never to a connection. A request there without a subscriber fails with `no-responders` at once.
 * TR2  Everything else takes the one connection. Slots whose frames go to other processes have connections of their own for
 *      them, so that data never delays a heartbeat.
 * TR3  What a slot sends over the bus may fail (closed, too large): that is counted and logged, as lost as on the wire.
 * TR4  After `detach` nothing of a slot is subscribed, answered or delivered any more.
 */
import { toErrorRecord } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { Clock, Logger } from '../../../core/ports.js';
import { busError, timeoutError } from '../../bus-error.js';
import { BusError, type Bus, type BusMessage, type BusStatus, type BusSubscription } from '../../contracts.js';
import { compilePattern } from '../../subject-pattern.js';
import { transferable, type BusCommand, type BusNews, type Post } from './thread-messages.js';

export interface ThreadBusRouterOptions {
  readonly connection: Bus;
  /** Subjects of this TaskManager's slots start with it: `millrace.default.task-manager.tm-1.`. */
  readonly ownPrefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A slot as the router sees it. */
export interface AttachedSlot {
  /** Takes in what the slot says. */
  receive(command: BusCommand): void;
  /** The slot is gone (TR4). Idempotent. */
  detach(): void;
}

interface LocalSubscription {
  readonly queue: string | undefined;
  readonly matches: (subject: string) => boolean;
  readonly deliver: (message: BusMessage, isGivenAway: boolean) => void;
}

export class ThreadBusRouter {
  readonly #options: ThreadBusRouterOptions;
  readonly #own = new Set<LocalSubscription>();
  readonly #slots = new Set<SlotPort>();
  #status: BusStatus;
  #lost = 0;
  /** Members of a queue group take turns. */
  #turn = 0;

  constructor(options: ThreadBusRouterOptions) {
    this.#options = options;
    this.#status = options.connection.status();
    options.connection.onStatus((status) => this.#become(status));
  }

  /** Messages of slots that could not be sent. */
  get lost(): number {
    return this.#lost;
  }

  /** Largest payload that the connection takes. */
  get payloadBytesMax(): number {
    return this.#options.connection.payloadBytesMax;
  }

  /** Serves a slot; `post` reaches it. */
  attach(post: Post<BusNews>): AttachedSlot {
    const slot = new SlotPort(this, post);
    this.#slots.add(slot);
    if (this.#status !== 'connected') post({ layer: 'bus', kind: 'status', status: this.#status });
    return {
      receive: (command) => slot.receive(command),
      detach: () => {
        this.#slots.delete(slot);
        slot.detach();
      },
    };
  }

  /** Used by the ports of slots. */
  subscribe(pattern: string, queue: string | undefined, deliver: LocalSubscription['deliver']): () => void {
    const { connection, ownPrefix } = this.#options;
    // What comes from the connection lies in a buffer that others may read too.
    const remote = this.#attempt(pattern, () =>
      connection.subscribe(pattern, (message) => deliver(message, false), queue === undefined ? {} : { queue }),
    );
    const local: LocalSubscription = { queue, matches: compilePattern(pattern), deliver };
    const isOwn = pattern.startsWith(ownPrefix);
    if (isOwn) this.#own.add(local);
    return () => {
      this.#own.delete(local);
      (remote as BusSubscription | undefined)?.unsubscribe();
    };
  }

  publish(subject: string, payload: Uint8Array): void {
    if (subject.startsWith(this.#options.ownPrefix)) {
      if (!this.#deliverOwn({ subject, payload, respond: undefined })) this.#countLost(subject, 'no slot listens');
      return;
    }
    this.#attempt(subject, () => this.#options.connection.publish(subject, payload));
  }

  request(subject: string, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (!subject.startsWith(this.#options.ownPrefix)) return this.#options.connection.request(subject, payload, { timeoutMs });
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.setTimer(timeoutMs, () => reject(timeoutError(subject, timeoutMs)));
      const respond = (answer: Uint8Array): void => {
        timer.cancel();
        resolve(answer);
      };
      if (this.#deliverOwn({ subject, payload, respond })) return;
      timer.cancel();
      reject(busError('no-responders', subject));
    });
  }

  flush(): Promise<void> {
    return this.#options.connection.flush();
  }

  handlerFailed(subject: string, error: unknown): void {
    this.#countLost(subject, toErrorRecord(error).message);
  }

  #deliverOwn(message: BusMessage): boolean {
    const receivers: LocalSubscription[] = [];
    const groups = new Map<string, LocalSubscription[]>();
    for (const subscription of this.#own) {
      if (!subscription.matches(message.subject)) continue;
      if (subscription.queue === undefined) receivers.push(subscription);
      else groups.set(subscription.queue, [...(groups.get(subscription.queue) ?? []), subscription]);
    }
    for (const members of groups.values()) receivers.push(members[this.#turn++ % members.length] as LocalSubscription);
    receivers.forEach((receiver, index) => receiver.deliver(message, index === receivers.length - 1));
    return receivers.length > 0;
  }

  #attempt<T>(subject: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#countLost(subject, toErrorRecord(error).message);
      return undefined;
    }
  }

  #countLost(subject: string, why: string): void {
    this.#lost += 1;
    this.#options.logger.log('debug', 'a message of a slot was lost', { subject, why });
  }

  #become(status: BusStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const slot of this.#slots) slot.tellStatus(status);
  }
}

/** What one slot has open. */
class SlotPort {
  readonly #router: ThreadBusRouter;
  readonly #post: Post<BusNews>;
  readonly #subscriptions = new Map<number, () => void>();
  /** Requests delivered to the slot and not answered yet; the oldest are given up beyond the bound. */
  readonly #unanswered = new Map<number, (payload: Uint8Array) => void>();
  #lastToken = 0;
  #isDetached = false;

  constructor(router: ThreadBusRouter, post: Post<BusNews>) {
    this.#router = router;
    this.#post = post;
  }

  receive(command: BusCommand): void {
    if (this.#isDetached) return undefined;
    switch (command.kind) {
      case 'publish':
        return this.#router.publish(command.subject, command.payload);
      case 'request':
        return this.#request(command);
      case 'subscribe':
        return this.#subscribe(command);
      case 'unsubscribe':
        this.#subscriptions.get(command.id)?.();
        this.#subscriptions.delete(command.id);
        return undefined;
      case 'respond':
        return this.#respond(command.token, command.payload);
      case 'flush':
        return this.#flush(command.id);
    }
  }

  tellStatus(status: BusStatus): void {
    this.#send({ layer: 'bus', kind: 'status', status });
  }

  detach(): void {
    this.#isDetached = true;
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe();
    this.#subscriptions.clear();
    this.#unanswered.clear();
  }

  #subscribe(command: Extract<BusCommand, { readonly kind: 'subscribe' }>): void {
    const unsubscribe = this.#router.subscribe(command.pattern, command.queue, (message, isGivenAway) => {
      const owned = transferable(message.payload, isGivenAway);
      const token = message.respond === undefined ? undefined : this.#remember(message.respond);
      this.#send(
        { layer: 'bus', kind: 'message', subscription: command.id, subject: message.subject, payload: owned.payload, token },
        owned.transfer,
      );
    });
    this.#subscriptions.set(command.id, unsubscribe);
  }

  #request(command: Extract<BusCommand, { readonly kind: 'request' }>): void {
    this.#router.request(command.subject, command.payload, command.timeoutMs).then(
      (answer) => {
        const owned = transferable(answer, false);
        this.#send({ layer: 'bus', kind: 'reply', id: command.id, payload: owned.payload }, owned.transfer);
      },
      (error: unknown) => {
        const failure = error instanceof BusError ? error.failure : 'closed';
        this.#send({ layer: 'bus', kind: 'request-failed', id: command.id, failure, message: toErrorRecord(error).message });
      },
    );
  }

  #respond(token: number, payload: Uint8Array): void {
    const respond = this.#unanswered.get(token);
    this.#unanswered.delete(token);
    try {
      respond?.(payload);
    } catch (error) {
      this.#router.handlerFailed('reply', error);
    }
  }

  /** A flush that fails is over too: what was published before it is lost, as on the wire. */
  #flush(id: number): void {
    const done = (): void => this.#send({ layer: 'bus', kind: 'flushed', id });
    this.#router.flush().then(done, done);
  }

  #remember(respond: (payload: Uint8Array) => void): number {
    this.#lastToken += 1;
    this.#unanswered.set(this.#lastToken, respond);
    if (this.#unanswered.size > limits.unansweredRequestsMax) {
      const oldest = this.#unanswered.keys().next().value;
      if (oldest !== undefined) this.#unanswered.delete(oldest);
    }
    return this.#lastToken;
  }

  #send(news: BusNews, transfer?: readonly ArrayBuffer[]): void {
    if (!this.#isDetached) this.#post(news, transfer);
  }
}
