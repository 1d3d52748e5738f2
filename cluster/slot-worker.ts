/**
 * The thread of a slot: picks the real ports, connects for its frames, runs the SlotRuntime, watches its own memory. Started by WorkerSlotSpawner,
 * maybe before it is known for what; user code is loaded only then.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { slotError, SlotRuntime } from '../actors/task/slot-runtime.js';
import type { FrameBus } from '../bus/contracts.js';
import { PeerBus, type PeerPort } from '../bus/transports/thread/peer-bus.js';
import { assert } from '../core/errors.js';
import type { FileSystem, Logger, SlotStart } from '../core/ports.js';
import { createTaskRuntime } from '../dataflow/create-task-runtime.js';
import type { ChunkStore } from '../dataflow/task-runtime.js';
import { FileCheckpointStorage } from '../storage/checkpoints/file-checkpoint-storage.js';
import { HeapKeyedStateBackend } from '../storage/state/heap/heap-keyed-state-backend.js';
import { watchMemory } from './adapters/memory-watch.js';
import { NodeFileSystem } from './adapters/node-file-system.js';
import { createLogger } from './adapters/pino-logger.js';
import { systemClock, systemRandom, systemYield } from './adapters/system-clock.js';
import { importJob } from './job-code/job-module.js';
import type { FromSlotWorker, PeerIntroduction, SlotSettings, SlotStorageSettings, ToSlotWorker } from './slot-settings.js';

const memoryShareMax = 0.8;
const memoryCheckMs = 100;

process.setSourceMapsEnabled(true);
const port = parentPort;
assert(port !== null, 'slot-worker is the entry of a worker thread: it is not run by itself');
const settings = workerData as SlotSettings;
const say = (message: FromSlotWorker, transfer?: readonly ArrayBuffer[]): void => port.postMessage(message, transfer ?? []);

// Loaded with the thread, so that a slot that starts has only to connect.
const connecting = settings.nats && { nats: settings.nats, module: import('../bus/transports/nats/connect.js') };

port.once('message', (first: ToSlotWorker) => {
  assert(first.layer === 'start', 'a slot hears first what it is for');
  void begin(first.start, port);
});

async function begin(start: SlotStart, main: MessagePort): Promise<void> {
  const logger = createLogger(settings.log.level, settings.log.fields);
  guard(serve(start, main, await connect(start, logger)));
}

/** What could not be sent any more for good makes the slot useless: its end is reported, and another one takes its place. */
async function connect({ taskManagerId, slot }: SlotStart, logger: Logger): Promise<FrameBus | undefined> {
  if (connecting === undefined) return undefined;
  const { nats, module } = connecting;
  const bus = await (await module).connectNats({ ...nats, name: `${taskManagerId} slot ${slot} data`, clock: systemClock, logger });
  bus.onStatus(() => {
    if (!bus.isGivenUp) return;
    logger.log('error', 'the slot ends: its connection to NATS was given up', { slot });
    process.exit(1);
  });
  return bus;
}

function serve(start: SlotStart, main: MessagePort, nats: FrameBus | undefined): SlotRuntime {
  const files = new NodeFileSystem();
  const chunks = openChunks(settings.storage, files);
  const logger = createLogger(settings.log.level, settings.log.fields);
  let addPeer: (peer: PeerIntroduction) => void;
  return new SlotRuntime({
    start,
    channel: {
      post: say,
      onMessage: (listener) =>
        void main.on('message', (message: Exclude<ToSlotWorker, { readonly layer: 'start' }>) => {
          if (message.layer === 'peer') addPeer(message);
          else listener(message);
        }),
      close: () => main.close(),
    },
    createFrameBus: (behind, subjects) => {
      const bus = new PeerBus({ behind: nats ?? behind, ownSubject: subjects.data(start.taskManagerId, start.slot), logger });
      addPeer = ({ taskManagerId, slot, port: way }) => bus.addPeer(subjects.data(taskManagerId, slot), peerPort(way));
      return bus;
    },
    clock: systemClock,
    random: systemRandom,
    print: (line) => say({ layer: 'print', line }),
    logger,
    yield: systemYield,
    files,
    ...(chunks === undefined ? {} : { chunks }),
    loadJob: (url) => importJob(url),
    createTaskRuntime,
    createKeyedState: (options) => new HeapKeyedStateBackend(options),
    isStrictState: settings.isStrictState === true,
    ...(settings.buffers === undefined ? {} : { buffers: settings.buffers }),
  });
}

const peerPort = (way: MessagePort): PeerPort => ({
  post: (buffer, transfer) => way.postMessage(buffer, transfer ?? []),
  onMessage: (listener) => void way.on('message', listener),
  close: () => way.close(),
});

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
