/**
 * A JobManager and TaskManagers with slots as worker threads, in this process, on an in-process bus, with checkpoints in
 * memory: slots write them by way of the main thread.
 */
import { Client } from '../../actors/client/client.js';
import { JobManagerNode } from '../../actors/job-manager/job-manager-node.js';
import { heartbeatDefaults } from '../../actors/runtime/heartbeat-monitor.js';
import { TaskManager } from '../../actors/task-manager/task-manager.js';
import { createEndpoint } from '../../bus/endpoint.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import type { NatsSettings } from '../../bus/transports/nats/connect.js';
import { SlotPeers } from '../../cluster/adapters/slot-peers.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { WorkerSlotSpawner, type WorkerSlot } from '../../cluster/adapters/worker-slot-spawner.js';
import type { SlotSettings } from '../../cluster/slot-settings.js';
import { sessionId, taskManagerId } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { silentLogger } from './silent-logger.js';

export interface EmbeddedCluster {
  readonly client: Client;
  /** Threads in use. */
  threads(): readonly WorkerSlot[];
  /** Frames that took the bus. */
  framesOnBus(): number;
  close(): Promise<void>;
}

export function startEmbeddedCluster(options: {
  readonly taskManagers: number;
  readonly slots: number;
  readonly logger?: Logger;
  readonly heapBytesMax?: number;
  /** Where slots connect for frames to other TaskManagers; default: these are known to them, as in one process. */
  readonly nats?: NatsSettings;
}): EmbeddedCluster {
  const logger = options.logger ?? silentLogger;
  const ports = { clock: systemClock, random: systemRandom, logger };
  const subjects = createSubjects();
  const hub = new InProcessHub({ clock: systemClock, logger, defer: setImmediate });
  const join = (name: string) => {
    const bus = hub.connect(name);
    return { bus, endpoint: createEndpoint({ ...ports, name, bus, subjects }) };
  };
  let framesOnBus = 0;
  hub.connect('observer').subscribe('>', ({ subject }) => {
    if (subjects.isData(subject)) framesOnBus += 1;
  });
  const world = createMemoryHaWorld();
  const checkpointStorage = new MemoryCheckpointStorage({ fence: world.records });
  const jobManager = new JobManagerNode({
    ...ports,
    ...join('jm'),
    store: new MemoryHaStore({ clock: systemClock, world }),
    checkpointStorage,
    blobs: new MemoryBlobStore(),
    holder: 'jm',
    process: { host: 'here', pid: process.pid },
    leaseMs: 3_000,
    renewMs: 1_000,
    heartbeat: heartbeatDefaults,
  });
  const settings: SlotSettings = {
    log: { level: 'silent', fields: {} },
    storage: { kind: 'main-thread' },
    isStrictState: true,
    slots: options.slots,
    ...(options.heapBytesMax === undefined ? {} : { heapBytesMax: options.heapBytesMax }),
    ...(options.nats === undefined ? {} : { nats: options.nats }),
  };
  const peers = new SlotPeers();
  const spawners: WorkerSlotSpawner[] = [];
  const taskManagers = Array.from({ length: options.taskManagers }, (_, index) => {
    const name = `tm-${index + 1}`;
    const { bus, endpoint } = join(name);
    const spawner = new WorkerSlotSpawner(settings, options.nats === undefined ? { peers } : {});
    spawners.push(spawner);
    return new TaskManager({
      ...ports,
      taskManagerId: taskManagerId(name),
      sessionId: sessionId(systemRandom.hex(8)),
      host: 'here',
      pid: process.pid,
      endpoint,
      subjects,
      bus,
      spawner,
      codeCache: { find: () => Promise.resolve(undefined), put: () => Promise.reject(new Error('no bundles here')) },
      chunks: checkpointStorage,
      settings: { slots: options.slots },
      onFatal: (reason) => {
        throw new Error(reason);
      },
    });
  });
  return {
    client: new Client({ endpoint: join('client').endpoint, clock: systemClock, random: systemRandom }),
    threads: () => spawners.flatMap(({ alive }) => alive),
    framesOnBus: () => framesOnBus,
    close: async () => {
      await Promise.all(spawners.map((spawner) => spawner.close()));
      await Promise.all(taskManagers.map((taskManager) => taskManager.shutdown('the test is over')));
      await jobManager.stop();
    },
  };
}
