/**
 * A whole cluster in this process: JobManager, TaskManagers, slots as threads, the bus in memory, checkpoints in files of
 * a directory of its own. The same actors as in separate processes; only the adapters differ.
 *
 * MC1  Nothing is left behind: `stop` ends every thread and removes the directory.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '../../actors/client/client.js';
import { JobManagerNode } from '../../actors/job-manager/job-manager-node.js';
import { TaskManager } from '../../actors/task-manager/task-manager.js';
import type { TransitionRecord } from '../../actors/runtime/machine-host.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { options as declared } from '../../core/configuration/options.js';
import { sessionId, taskManagerId } from '../../core/ids.js';
import type { CorePorts } from '../../core/ports.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import { FileCheckpointStorage } from '../../storage/checkpoints/file-checkpoint-storage.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import type { CheckpointStorage } from '../../storage/contracts.js';
import { MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { NodeFileSystem } from '../adapters/node-file-system.js';
import { createLogger, type LogSetting } from '../adapters/pino-logger.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { forgetTemporaryDirectory, makeTemporaryDirectory } from '../adapters/temporary-directory.js';
import { SlotPeers } from '../adapters/slot-peers.js';
import { WorkerSlotSpawner, type WorkerSlot } from '../adapters/worker-slot-spawner.js';
import { CodeCache } from '../job-code/code-cache.js';
import { jobManagerSettingsOf, slotBuffersOf, taskManagerSettingsOf } from '../processes/settings-of-actors.js';
import type { SlotSettings } from '../slot-settings.js';
import { embeddedSettingsOf, type EmbeddedSettings } from './embedded-settings.js';

export interface MiniClusterOptions {
  readonly taskManagers: number;
  /** Of each TaskManager. */
  readonly slots: number;
  /** What is set there counts, as in separate processes; keys without an effect here are refused (ES1). */
  readonly configuration?: Configuration;
  /** Default: what the configuration says, else errors only. */
  readonly logLevel?: LogSetting;
  readonly onTransition?: (record: TransitionRecord) => void;
}

export class MiniCluster {
  readonly client: Client;
  /** Of this cluster alone; removed with it. */
  readonly directory: string;
  readonly #options: MiniClusterOptions;
  readonly #configuration: Configuration;
  readonly #settings: EmbeddedSettings;
  readonly #logLevel: LogSetting;
  readonly #checkpoints: CheckpointStorage;
  readonly #ports: CorePorts;
  readonly #hub: InProcessHub;
  readonly #peers = new SlotPeers();
  readonly #node: JobManagerNode;
  readonly #taskManagers = new Map<string, { actor: TaskManager; spawner: WorkerSlotSpawner }>();
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(options: MiniClusterOptions) {
    this.#options = options;
    this.#configuration = options.configuration ?? Configuration.defaults;
    this.#settings = embeddedSettingsOf(this.#configuration);
    this.#logLevel =
      options.logLevel ??
      (this.#configuration.originOf(declared.logLevel) === undefined ? 'error' : this.#configuration.get(declared.logLevel));
    this.directory = makeTemporaryDirectory('millrace-', this.#settings.temporaryDirectory);
    this.#ports = { clock: systemClock, random: systemRandom, logger: createLogger(this.#logLevel, { pid: process.pid }) };
    this.#checkpoints =
      this.#settings.checkpoints.kind === 'memory'
        ? new MemoryCheckpointStorage()
        : new FileCheckpointStorage({ ...this.#ports, files: new NodeFileSystem(), directory: this.#checkpointDirectory });
    this.#hub = new InProcessHub({ ...this.#ports, defer: (deliver) => void setImmediate(deliver) });
    this.#node = this.#startJobManager();
    for (let n = 1; n <= options.taskManagers; n++) this.#startTaskManager(`tm-${n}`);
    this.client = new Client({ ...this.#ports, endpoint: this.#join('client').endpoint });
  }

  get codeCache(): CodeCache {
    return new CodeCache(join(this.directory, 'code'));
  }

  /** Slot threads that are alive, of all TaskManagers; for those who kill one. */
  get slotThreads(): readonly WorkerSlot[] {
    return [...this.#taskManagers.values()].flatMap(({ spawner }) => spawner.alive);
  }

  /** The same, of one TaskManager; ending them all is what its death is to jobs. */
  slotThreadsOf(taskManager: string): readonly WorkerSlot[] {
    return this.#taskManagers.get(taskManager)?.spawner.alive ?? [];
  }

  async stop(): Promise<void> {
    // Spawners first: no thread is loaded for a slot that is freed now.
    await Promise.all([...this.#taskManagers.values()].map(({ spawner }) => spawner.close()));
    await Promise.all([...this.#taskManagers.values()].map(({ actor }) => actor.shutdown('the cluster stops')));
    await this.#node.stop();
    await Promise.all(this.#closing.map((close) => close()));
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
    forgetTemporaryDirectory(this.directory);
  }

  #startJobManager(): JobManagerNode {
    const { bus, endpoint } = this.#join('job-manager');
    return new JobManagerNode({
      ...this.#ports,
      bus,
      endpoint,
      store: new MemoryHaStore(this.#ports),
      checkpointStorage: this.#checkpoints,
      blobs: new MemoryBlobStore(),
      holder: 'embedded',
      process: { host: 'localhost', pid: process.pid },
      ...jobManagerSettingsOf(this.#configuration),
      ...(this.#options.onTransition === undefined ? {} : { onTransition: this.#options.onTransition }),
    });
  }

  #startTaskManager(name: string): void {
    const { bus, endpoint } = this.#join(name);
    const { heapBytesMax, checkpoints } = this.#settings;
    const inMemory = checkpoints.kind === 'memory';
    const settings: SlotSettings = {
      log: { level: this.#logLevel, fields: { taskManager: name } },
      buffers: slotBuffersOf(this.#configuration, this.#options.slots),
      storage: inMemory ? { kind: 'main-thread' } : { kind: 'filesystem', directory: this.#checkpointDirectory },
      ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
      slots: this.#options.slots,
      // They are needed as soon as the job is submitted, so they are loaded while it is planned.
      spareThreads: this.#options.slots,
    };
    const spawner = new WorkerSlotSpawner(settings, { peers: this.#peers });
    const actor = new TaskManager({
      ...this.#ports,
      taskManagerId: taskManagerId(name),
      sessionId: sessionId(systemRandom.hex(8)),
      host: 'localhost',
      pid: process.pid,
      endpoint,
      subjects: createSubjects(),
      bus,
      spawner,
      codeCache: this.codeCache,
      ...(inMemory ? { chunks: this.#checkpoints } : {}),
      settings: { ...taskManagerSettingsOf(this.#configuration), slots: this.#options.slots },
      onFatal: (reason) => this.#ports.logger.log('error', 'a TaskManager cannot go on', { taskManager: name, reason }),
    });
    this.#taskManagers.set(name, { actor, spawner });
  }

  /** Of its own, unless the configuration names one, which outlives the cluster. */
  get #checkpointDirectory(): string {
    const { checkpoints } = this.#settings;
    return (checkpoints.kind === 'filesystem' ? checkpoints.directory : undefined) ?? join(this.directory, 'checkpoints');
  }

  #join(name: string): { readonly bus: Bus; readonly endpoint: Endpoint } {
    const bus = this.#hub.connect(name);
    const endpoint = createEndpoint({ ...this.#ports, name, bus, subjects: createSubjects() });
    this.#closing.push(async () => {
      endpoint.close();
      await bus.close();
    });
    return { bus, endpoint };
  }
}
