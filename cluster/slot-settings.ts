/** What passes between a process and the threads of its slots, beside what TaskManager and SlotRuntime say: plain data. */
import type { MessagePort } from 'node:worker_threads';
import type { NatsSettings } from '../bus/transports/nats/connect.js';
import type { FromSlot, ToSlot } from '../actors/task/slot-messages.js';
import type { TaskManagerId } from '../core/ids.js';
import type { SlotStart } from '../core/ports.js';
import type { NetworkBuffers } from '../dataflow/channels/network-contracts.js';
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
  /** Slots of the TaskManager: never more threads are loaded ahead than are free. */
  readonly slots: number;
  /** Threads that are loaded before a slot needs them; default 1. */
  readonly spareThreads?: number;
  /** Where the slot connects for frames to other processes; undefined where there are none. */
  readonly nats?: NatsSettings;
  /** What the slot has for frames that arrive. */
  readonly buffers?: NetworkBuffers;
}

/** A slot of the same job in the same process, and the way to it. */
export interface PeerIntroduction {
  readonly layer: 'peer';
  readonly taskManagerId: TaskManagerId;
  readonly slot: number;
  readonly port: MessagePort;
}

/** What a slot's thread hears: first what it is for, then what its TaskManager has to say, and which peers there are. */
export type ToSlotWorker = ToSlot | PeerIntroduction | { readonly layer: 'start'; readonly start: SlotStart };

/** What a slot's thread says: to its TaskManager, and lines for people. */
export type FromSlotWorker = FromSlot | { readonly layer: 'print'; readonly line: string };
