/**
 * The thread of a slot: picks the real ports, connects for its frames, runs the SlotRuntime, watches its own memory. Started
 * by WorkerSlotSpawner, maybe before it is known for what; user code is loaded only then.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { slotError, SlotRuntime } from '../actors/task/slot-runtime.js';
import type { FrameBus } from '../bus/contracts.js';
import { PeerBus, type PeerPort } from '../bus/transports/thread/peer-bus.js';
import { assert, MillraceError, toErrorRecord } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { FileSystem, Logger, SlotStart, TimerHandle } from '../core/ports.js';
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
const uncaught = ['uncaughtException', 'unhandledRejection'] as const;

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
  guard(serve({ start, main, logger, nats: await connect(start, logger) }));
}

/**
 * A slot that cannot send its frames is no use: what it cannot reach at first it was not started for, and without a connection
 * for longer than `limits.slotDisconnectedMs` it ends with what it knows. Either way another thread takes its place.
 */
async function connect({ taskManagerId, slot }: SlotStart, logger: Logger): Promise<FrameBus | undefined> {
  if (connecting === undefined) return undefined;
  const { nats, module } = connecting;
  const { connectNats } = await module;
  const attempts = Math.min(nats.connectAttemptsMax ?? Infinity, limits.slotConnectAttemptsMax);
  const name = `${taskManagerId} slot ${slot} data`;
  const bus = await connectNats({ ...nats, connectAttemptsMax: attempts, name, clock: systemClock, logger });
  let away: TimerHandle | undefined;
  bus.onStatus((status) => {
    away?.cancel();
    if (status === 'disconnected') away = systemClock.setTimer(limits.slotDisconnectedMs, () => endThread(disconnected(slot)));
    if (bus.isGivenUp) endThread(disconnected(slot));
  });
  return bus;
}

function disconnected(slot: number): MillraceError {
  return new MillraceError('SLOT_DISCONNECTED', `Slot ${slot} lost its connection to NATS and did not get it back in time.`, {
    domain: 'external',
    recovery: 'restart-job',
    hint: 'Frames cannot be sent without it; look at nats-server and its limits of connections.',
  });
}

/** Ends the thread with an error, past those that fail the tasks for an error nobody caught. */
function endThread(error: MillraceError): void {
  for (const event of uncaught) process.removeAllListeners(event);
  setImmediate(() => {
    throw error;
  });
}

interface SlotParts {
  readonly start: SlotStart;
  readonly main: MessagePort;
  readonly logger: Logger;
  readonly nats: FrameBus | undefined;
}

function serve({ start, main, logger, nats }: SlotParts): SlotRuntime {
  const files = new NodeFileSystem();
  const chunks = openChunks(settings.storage, files);
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

/** An error that nobody caught cannot be traced to a task, so no task of the slot can be trusted any more; one that names its place says more by itself. */
function guard(runtime: SlotRuntime): void {
  for (const event of uncaught) {
    process.on(event, (error: unknown) => {
      // To look at thousands of one burst would keep the thread from reporting the first.
      if (!runtime.hasTasksToFail) return;
      const isPlaced = error instanceof MillraceError && error.where !== undefined;
      runtime.failTasks(
        isPlaced ? toErrorRecord(error) : slotError('UNCAUGHT_IN_SLOT', 'an error that no task caught happened in the slot', error),
      );
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
