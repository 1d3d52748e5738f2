/** What passes between a process and the threads of its slots, beside what TaskManager and SlotRuntime say: plain data. */
import type { FromSlot, ToSlot } from '../actors/task/slot-messages.js';
import type { SlotStart } from '../core/ports.js';
import type { LogSetting } from './adapters/pino-logger.js';

/** Where a slot writes its checkpoints. `main-thread`: into the memory of the process, by way of its main thread. */
export type SlotStorageSettings = { readonly kind: 'main-thread' } | { readonly kind: 'filesystem'; readonly directory: string };

/** What every slot of a process is told; `workerData` of its threads. */
export interface SlotSettings {
  readonly log: { readonly level: LogSetting; readonly fields: Readonly<Record<string, unknown>> };
  readonly storage: SlotStorageSettings;
  /** Most heap of the thread; undefined: what Node gives it. */
  readonly heapBytesMax?: number;
  /** Fails when keyed state changed without a put; for tests. */
  readonly isStrictState?: boolean;
  /** Threads that are loaded before a slot needs them; default 1. */
  readonly spareThreads?: number;
  /** Bytes of frames the slot may have granted over the bus. */
  readonly grantBytesMax?: number;
}

/** What a slot's thread hears: first what it is for, then what its TaskManager has to say. */
export type ToSlotWorker = ToSlot | { readonly layer: 'start'; readonly start: SlotStart };

/** What a slot's thread says: to its TaskManager, and lines for people. */
export type FromSlotWorker = FromSlot | { readonly layer: 'print'; readonly line: string };
