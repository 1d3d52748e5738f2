/** The thread of a slot: picks the real ports, runs the SlotRuntime, watches its own memory. Started by WorkerSlotSpawner. */
import { parentPort, workerData } from 'node:worker_threads';
import { slotError, SlotRuntime } from '../actors/task/slot-runtime.js';
import type { FromSlot, ToSlot } from '../actors/task/slot-messages.js';
import { assert } from '../core/errors.js';
import type { ThreadChannel } from '../core/ports.js';
import { createTaskRuntime } from '../dataflow/create-task-runtime.js';
import type { ChunkStore } from '../dataflow/task-runtime.js';
import { FileCheckpointStorage } from '../storage/checkpoints/file-checkpoint-storage.js';
import { HeapKeyedStateBackend } from '../storage/state/heap/heap-keyed-state-backend.js';
import { watchMemory } from './adapters/memory-watch.js';
import { NodeFileSystem } from './adapters/node-file-system.js';
import { createLogger } from './adapters/pino-logger.js';
import { systemClock, systemRandom, systemYield } from './adapters/system-clock.js';
import { importJob } from './job-code/job-module.js';
import type { SlotStorageSettings, SlotWorkerData } from './slot-settings.js';

const memoryShareMax = 0.8;
const memoryCheckMs = 100;

process.setSourceMapsEnabled(true);
const port = parentPort;
assert(port !== null, 'slot-worker is the entry of a worker thread: it is not run by itself');
const { start, settings } = workerData as SlotWorkerData;
const logger = createLogger(settings.log.level, { ...settings.log.fields, slot: start.slot });
const files = new NodeFileSystem();
const channel: ThreadChannel<ToSlot, FromSlot> = {
  post: (message, transfer) => port.postMessage(message, transfer ?? []),
  onMessage: (listener) => void port.on('message', listener),
  close: () => port.close(),
};
const chunks = openChunks(settings.storage);
const runtime = new SlotRuntime({
  start,
  channel,
  clock: systemClock,
  random: systemRandom,
  print: (line) => void process.stdout.write(`${line}\n`),
  logger,
  yield: systemYield,
  files,
  ...(chunks === undefined ? {} : { chunks }),
  loadJob: (url) => importJob(url),
  createTaskRuntime,
  createKeyedState: (options) => new HeapKeyedStateBackend(options),
  isStrictState: settings.isStrictState === true,
  ...(settings.grantBytesMax === undefined ? {} : { grantBytesMax: settings.grantBytesMax }),
});

// An error that nobody caught cannot be traced to a task, so no task of the slot can be trusted any more.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    runtime.failTasks(slotError('UNCAUGHT_IN_SLOT', 'an error that no task caught happened in the slot', error));
  });
}
watchMemory({
  share: memoryShareMax,
  everyMs: memoryCheckMs,
  onShort: (what) => runtime.failTasks(slotError('SLOT_MEMORY', `the slot uses ${what}: its tasks are failed before it takes the process with it`)),
});

function openChunks(storage: SlotStorageSettings): ChunkStore | undefined {
  switch (storage.kind) {
    case 'main-thread':
      return undefined;
    case 'filesystem':
      return new FileCheckpointStorage({ files, random: systemRandom, directory: storage.directory });
  }
}
