/**
 * Slots as worker threads.
 *
 * WS1  A thread belongs to one allocation: it is given to it once and ends with it. Loading the runtime costs a thread a
 *      quarter of a second of CPU, so some are loaded ahead; they have seen no job.
 * WS2  Its end is told once, with what it died of; a thread that is terminated or ends by itself dies of nothing.
 * WS3  Threads loaded ahead keep no process alive; `close` ends them.
 * WS4  Threads of one job are introduced to each other, across all spawners that share their `peers`.
 * WS5  No more threads are loaded ahead than slots are free, so none while jobs use them all: loading one takes CPU from
 *      tasks, which shows in their latencies. A slot that becomes free has its thread loaded at once.
 */
import { Worker, type Transferable } from 'node:worker_threads';
import { assert } from '../../core/errors.js';
import type { FromSlot, ToSlot } from '../../actors/task/slot-messages.js';
import type { SlotSpawner, SlotStart, SlotThread, ThreadChannel } from '../../core/ports.js';
import type { FromSlotWorker, PeerIntroduction, SlotSettings, ToSlotWorker } from '../slot-settings.js';
import { SlotPeers, type PeerThread } from './slot-peers.js';

/** A slot's thread in use. */
export interface WorkerSlot {
  readonly start: SlotStart;
  /** Ends the thread as if it had been killed. */
  terminate(): Promise<void>;
}

const mib = 1024 * 1024;
const entry = new URL('../slot-worker.js', import.meta.url);
const sparesDefault = 1;
/** Where slots are still free when one was taken: the job that took it has better use for the CPU at first. */
const replenishMsDefault = 2_000;

export interface SpawnerOptions {
  /** Of the process; default: of this spawner alone. */
  readonly peers?: SlotPeers | undefined;
  /** How long after a slot was taken the next thread is loaded; default 2 s. */
  readonly replenishMs?: number;
}

export class WorkerSlotSpawner implements SlotSpawner<FromSlot, ToSlot> {
  readonly #settings: SlotSettings;
  readonly #peers: SlotPeers;
  readonly #replenishMs: number;
  readonly #spares: WorkerSlotThread[] = [];
  readonly #used = new Set<WorkerSlotThread>();
  #replenishing: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(settings: SlotSettings, { peers = new SlotPeers(), replenishMs = replenishMsDefault }: SpawnerOptions = {}) {
    this.#settings = settings;
    this.#peers = peers;
    this.#replenishMs = replenishMs;
    this.#replenish();
  }

  /** Threads in use, oldest first. */
  get alive(): readonly WorkerSlot[] {
    return [...this.#used];
  }

  /** Threads loaded ahead, also while they still load. */
  get spares(): number {
    return this.#spares.length;
  }

  start(start: SlotStart): SlotThread<FromSlot, ToSlot> {
    const thread = this.#spares.shift() ?? this.#create();
    this.#used.add(thread);
    this.#peers.join(thread.use(start));
    this.#replenishing ??= setTimeout(() => this.#replenish(), this.#replenishMs).unref();
    return thread;
  }

  /** Ends the threads loaded ahead; those in use belong to their TaskManager. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#replenishing);
    await Promise.all(this.#spares.splice(0).map((thread) => thread.terminate()));
  }

  #replenish(): void {
    clearTimeout(this.#replenishing);
    this.#replenishing = undefined;
    const { slots, spareThreads = sparesDefault } = this.#settings;
    const wanted = Math.min(spareThreads, slots - this.#used.size);
    while (!this.#isClosed && this.#spares.length < wanted) this.#spares.push(this.#create());
  }

  #create(): WorkerSlotThread {
    const { heapBytesMax } = this.#settings;
    const worker = new Worker(entry, {
      workerData: this.#settings,
      // Flags that the main module was started with (-e, --input-type, a loader) would end the thread, or slow it down.
      execArgv: [],
      ...(heapBytesMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytesMax / mib) } }),
    });
    worker.unref();
    const thread = new WorkerSlotThread(worker, () => {
      this.#peers.leave(thread);
      const at = this.#spares.indexOf(thread);
      if (at >= 0) this.#spares.splice(at, 1);
      if (this.#used.delete(thread)) this.#replenish();
    });
    return thread;
  }
}

class WorkerSlotThread implements SlotThread<FromSlot, ToSlot>, WorkerSlot, PeerThread {
  readonly channel: ThreadChannel<FromSlot, ToSlot>;
  #start: SlotStart | undefined;
  readonly #worker: Worker;
  #listener: ((message: FromSlot) => void) | undefined;
  #early: FromSlot[] = [];
  #error: unknown;
  #onExit: ((error: unknown) => void) | undefined;
  #isOver = false;

  constructor(worker: Worker, onOver: () => void) {
    this.#worker = worker;
    this.channel = {
      post: (message, transfer) => this.#post(message, transfer),
      onMessage: (listener) => this.#listen(listener),
      close: () => void worker.removeAllListeners('message'),
    };
    worker.on('message', (message: FromSlotWorker) => this.#hear(message));
    worker.on('error', (error) => {
      this.#error = error;
    });
    worker.on('messageerror', (error) => {
      this.#error ??= error;
    });
    worker.on('exit', () => {
      this.#isOver = true;
      onOver();
      this.#onExit?.(this.#error);
    });
  }

  /** Gives the thread to an allocation. */
  use(start: SlotStart): this {
    this.#start = start;
    this.#worker.ref();
    this.#post({ layer: 'start', start });
    return this;
  }

  /** Known from `use` on. */
  get start(): SlotStart {
    assert(this.#start !== undefined, 'A thread that was loaded ahead belongs to no allocation.');
    return this.#start;
  }

  introduce(peer: PeerIntroduction): void {
    this.#post(peer, [peer.port]);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  onExit(listener: (error: unknown) => void): void {
    this.#onExit = listener;
    if (this.#isOver) listener(this.#error);
  }

  #post(message: ToSlotWorker, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #listen(listener: (message: FromSlot) => void): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) listener(message);
  }

  /** Lines come this way because a thread's own stdout loses its tail when the thread is ended. */
  #hear(message: FromSlotWorker): void {
    if (message.layer === 'print') process.stdout.write(`${message.line}\n`);
    else if (this.#listener === undefined) this.#early.push(message);
    else this.#listener(message);
  }
}
