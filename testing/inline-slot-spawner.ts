/**
 * Slots in the thread of their TaskManager: for the simulator and for tests. A slot that is terminated or crashes goes
 * silent at once, as a thread does: its timers, its turns and its messages are gone.
 */
import type { Clock, SlotSpawner, SlotStart, SlotThread, Yield } from '../core/ports.js';
import type { FromSlot, ToSlot } from '../actors/task/slot-messages.js';
import { SlotRuntime, type SlotRuntimeOptions } from '../actors/task/slot-runtime.js';
import { createThreadChannelPair } from './thread-channel-pair.js';

export interface InlineSlotSpawnerOptions {
  /** Everything a slot gets but its channel; called once a slot. */
  readonly ports: (start: SlotStart) => Omit<SlotRuntimeOptions, 'start' | 'channel'>;
  /** Runs message deliveries later on this thread. */
  readonly defer: (deliver: () => void) => void;
}

/** A slot that runs here, and what a test can do to it. */
export interface InlineSlot {
  readonly start: SlotStart;
  readonly runtime: SlotRuntime;
  readonly isAlive: boolean;
  /** The thread dies of `error`. */
  crash(error: unknown): void;
  /** From now on it neither works nor listens; `terminate` ends it, unless it is `unstoppable`. */
  hang(unstoppable?: boolean): void;
}

export class InlineSlotSpawner implements SlotSpawner<FromSlot, ToSlot> {
  readonly #options: InlineSlotSpawnerOptions;
  readonly #slots: InlineSlotThread[] = [];

  constructor(options: InlineSlotSpawnerOptions) {
    this.#options = options;
  }

  /** Every slot started so far that is alive, oldest first. */
  get alive(): readonly InlineSlot[] {
    return this.#slots.filter(({ isAlive }) => isAlive);
  }

  /** Every slot started so far, oldest first. */
  get started(): readonly InlineSlot[] {
    return this.#slots;
  }

  start(start: SlotStart): SlotThread<FromSlot, ToSlot> {
    const slot = new InlineSlotThread(start, this.#options);
    this.#slots.push(slot);
    return slot;
  }
}

class InlineSlotThread implements SlotThread<FromSlot, ToSlot>, InlineSlot {
  readonly channel: SlotThread<FromSlot, ToSlot>['channel'];
  readonly start: SlotStart;
  readonly runtime: SlotRuntime;
  readonly #cut: () => void;
  readonly #defer: (callback: () => void) => void;
  #state: 'alive' | 'hanging' | 'unstoppable' | 'dead' = 'alive';
  #onExit: ((error: unknown) => void) | undefined;

  constructor(start: SlotStart, options: InlineSlotSpawnerOptions) {
    this.start = start;
    this.#defer = options.defer;
    const pair = createThreadChannelPair<FromSlot, ToSlot>(options.defer, {
      // Payloads of the bus are copied, or given away, before they are posted.
      isOwned: (message) => (message as FromSlot | ToSlot).layer === 'bus',
    });
    this.#cut = pair.cut;
    this.channel = pair.left;
    const ports = options.ports(start);
    this.runtime = new SlotRuntime({
      ...ports,
      start,
      channel: pair.right,
      clock: this.#whileAlive(ports.clock),
      yield: this.#yieldWhileAlive(ports.yield),
    });
  }

  get isAlive(): boolean {
    return this.#state !== 'dead';
  }

  terminate(): Promise<void> {
    if (this.#state === 'unstoppable') return new Promise(() => undefined);
    return new Promise((resolve) => {
      this.#defer(() => {
        this.#die(undefined);
        resolve();
      });
    });
  }

  onExit(listener: (error: unknown) => void): void {
    this.#onExit = listener;
  }

  crash(error: unknown): void {
    this.#die(error);
  }

  hang(unstoppable = false): void {
    this.#state = unstoppable ? 'unstoppable' : 'hanging';
    this.#cut();
  }

  #die(error: unknown): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#cut();
    this.#onExit?.(error);
  }

  #whileAlive(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => this.#run(callback)),
    };
  }

  #yieldWhileAlive(port: Yield): Yield {
    return { ...port, schedule: (callback) => port.schedule(() => this.#run(callback)) };
  }

  #run(callback: () => void): void {
    if (this.#state === 'alive') callback();
  }
}
