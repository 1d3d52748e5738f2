/**
 * Slots as worker threads.
 *
 * WS1  A thread belongs to one allocation: it is started for it and ends with it.
 * WS2  Its end is told once, with what it died of; a thread that is terminated or ends by itself dies of nothing.
 */
import { Worker } from 'node:worker_threads';
import type { FromSlot, ToSlot } from '../../actors/task/slot-messages.js';
import type { SlotSpawner, SlotStart, SlotThread, ThreadChannel } from '../../core/ports.js';
import type { SlotSettings, SlotWorkerData } from '../slot-settings.js';

const mib = 1024 * 1024;
const entry = new URL('../slot-worker.js', import.meta.url);

export class WorkerSlotSpawner implements SlotSpawner<FromSlot, ToSlot> {
  readonly #settings: SlotSettings;

  constructor(settings: SlotSettings) {
    this.#settings = settings;
  }

  start(start: SlotStart): SlotThread<FromSlot, ToSlot> {
    const workerData: SlotWorkerData = { start, settings: this.#settings };
    const { heapBytesMax } = this.#settings;
    return new WorkerSlotThread(
      new Worker(entry, {
        workerData,
        name: `${start.taskManagerId}/${start.slot}`,
        ...(heapBytesMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytesMax / mib) } }),
      }),
    );
  }
}

class WorkerSlotThread implements SlotThread<FromSlot, ToSlot> {
  readonly channel: ThreadChannel<FromSlot, ToSlot>;
  readonly #worker: Worker;
  #error: unknown;
  #onExit: ((error: unknown) => void) | undefined;
  #isOver = false;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.channel = {
      post: (message, transfer) => worker.postMessage(message, transfer ?? []),
      onMessage: (listener) => void worker.on('message', listener),
      close: () => void worker.removeAllListeners('message'),
    };
    worker.on('error', (error) => {
      this.#error = error;
    });
    worker.on('messageerror', (error) => {
      this.#error ??= error;
    });
    worker.on('exit', () => {
      this.#isOver = true;
      this.#onExit?.(this.#error);
    });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  onExit(listener: (error: unknown) => void): void {
    this.#onExit = listener;
    if (this.#isOver) listener(this.#error);
  }
}
