/**
 * The thread of a slot: picks the real ports, runs the SlotRuntime, watches its own memory. Started by WorkerSlotSpawner,
 * maybe before it is known for what; user code is loaded only then.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { slotError, SlotRuntime } from '../actors/task/slot-runtime.js';
import { assert } from '../core/errors.js';
import type { FileSystem, SlotStart } from '../core/ports.js';
import { createTaskRuntime } from '../dataflow/create-task-runtime.js';
import type { ChunkStore } from '../dataflow/task-runtime.js';
import { FileCheckpointStorage } from '../storage/checkpoints/file-checkpoint-storage.js';
import { HeapKeyedStateBackend } from '../storage/state/heap/heap-keyed-state-backend.js';
import { watchMemory } from './adapters/memory-watch.js';
import { NodeFileSystem } from './adapters/node-file-system.js';
import { createLogger } from './adapters/pino-logger.js';
import { systemClock, systemRandom, systemYield } from './adapters/system-clock.js';
import { importJob } from './job-code/job-module.js';
import type { FromSlotWorker, SlotSettings, SlotStorageSettings, ToSlotWorker } from './slot-settings.js';

const memoryShareMax = 0.8;
const memoryCheckMs = 100;

process.setSourceMapsEnabled(true);
const port = parentPort;
assert(port !== null, 'slot-worker is the entry of a worker thread: it is not run by itself');
const settings = workerData as SlotSettings;
const say = (message: FromSlotWorker, transfer?: readonly ArrayBuffer[]): void => port.postMessage(message, transfer ?? []);

port.once('message', (first: ToSlotWorker) => {
  assert(first.layer === 'start', 'a slot hears first what it is for');
  guard(serve(first.start));
});

function serve(start: SlotStart): SlotRuntime {
  const files = new NodeFileSystem();
  const chunks = openChunks(settings.storage, files);
  return new SlotRuntime({
    start,
    channel: { post: say, onMessage: (listener) => void port?.on('message', listener), close: () => port?.close() },
    clock: systemClock,
    random: systemRandom,
    print: (line) => say({ layer: 'print', line }),
    logger: createLogger(settings.log.level, settings.log.fields),
    yield: systemYield,
    files,
    ...(chunks === undefined ? {} : { chunks }),
    loadJob: (url) => importJob(url),
    createTaskRuntime,
    createKeyedState: (options) => new HeapKeyedStateBackend(options),
    isStrictState: settings.isStrictState === true,
    ...(settings.grantBytesMax === undefined ? {} : { grantBytesMax: settings.grantBytesMax }),
  });
}

/** An error that nobody caught cannot be traced to a task, so no task of the slot can be trusted any more. */
function guard(runtime: SlotRuntime): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      runtime.failTasks(slotError('UNCAUGHT_IN_SLOT', 'an error that no task caught happened in the slot', error));
    });
  }
  watchMemory({
    share: memoryShareMax,
    everyMs: memoryCheckMs,
    onShort: (what) =>
      runtime.failTasks(slotError('SLOT_MEMORY', `the slot uses ${what}: its tasks are failed before it takes the process with it`)),
  });
}

function openChunks(storage: SlotStorageSettings, files: FileSystem): ChunkStore | undefined {
  switch (storage.kind) {
    case 'main-thread':
      return undefined;
    case 'filesystem':
      return new FileCheckpointStorage({ files, random: systemRandom, directory: storage.directory });
  }
}
