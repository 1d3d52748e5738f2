/** What a slot's thread is told of its process: plain data, it crosses into the thread. */
import type { SlotStart } from '../core/ports.js';
import type { LogSetting } from './adapters/pino-logger.js';

/** Where a slot writes its checkpoints. `main-thread`: into the memory of the process, by way of its main thread. */
export type SlotStorageSettings = { readonly kind: 'main-thread' } | { readonly kind: 'filesystem'; readonly directory: string };

export interface SlotSettings {
  readonly log: { readonly level: LogSetting; readonly fields: Readonly<Record<string, unknown>> };
  readonly storage: SlotStorageSettings;
  /** Most heap of the thread; undefined: what Node gives it. */
  readonly heapBytesMax?: number;
  /** Fails when keyed state changed without a put; for tests. */
  readonly isStrictState?: boolean;
  /** Bytes of frames the slot may have granted over the bus. */
  readonly grantBytesMax?: number;
}

/** `workerData` of a slot. */
export interface SlotWorkerData {
  readonly start: SlotStart;
  readonly settings: SlotSettings;
}
