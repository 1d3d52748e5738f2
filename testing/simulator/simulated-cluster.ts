/**
 * A whole cluster in a simulated world: the same actors, machines, task loops and channels as in real processes, with the
 * slots inline. What survives a process (store, chunks, disk) is shared; everything else dies with it.
 */
import { Client } from '../../actors/client/client.js';
import type { CoordinatorTestSwitches } from '../../actors/checkpoint-coordinator/checkpoint-coordinator.js';
import { JobManagerNode } from '../../actors/job-manager/job-manager-node.js';
import { heartbeatDefaults } from '../../actors/runtime/heartbeat-monitor.js';
import { TaskManager } from '../../actors/task-manager/task-manager.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { MillraceError } from '../../core/errors.js';
import { sessionId, taskManagerId, type LeaderEpoch } from '../../core/ids.js';
import type { NetworkBuffers } from '../../dataflow/channels/network-contracts.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { StreamTask } from '../../dataflow/task/stream-task.js';
import type { TestSwitches } from '../../dataflow/task-runtime.js';
import type { HaStore, LeaderToken } from '../../storage/contracts.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { InlineSlotSpawner } from '../inline-slot-spawner.js';
import { MemoryFileSystem } from '../memory-file-system.js';
import { processDisk } from './process-disk.js';
import { remoteStore, type StoreFaults } from './remote-store.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { SimulatedProcess, Simulation } from './simulation.js';

/** Guards that a test breaks on purpose, to see that the checkers notice. */
export interface BrokenGuards extends TestSwitches, CoordinatorTestSwitches {
  /** TaskManagers and tasks believe leaders of the past, and so does the store. */
  readonly isOldEpochAccepted?: boolean;
}

export interface SimulatedClusterOptions {
  readonly world: Simulation;
  readonly network: SimulatedNetwork;
  readonly taskManagers: number;
  readonly slots: number;
  /** What the module at a URL exports, evaluated anew for each slot. */
  readonly loadJob: (url: string, process: SimulatedProcess) => JobDefinition;
  readonly storeFaults: StoreFaults;
  /** Of each slot. */
  readonly buffers?: NetworkBuffers;
  readonly broken: BrokenGuards;
}

interface Member {
  readonly process: SimulatedProcess;
  readonly bus: Bus;
  readonly endpoint: Endpoint;
}

/** Of the leader's lease. */
export const leaseMs = 3_000;
const storeDelayMs = 2;

export class SimulatedCluster {
  readonly disk = new MemoryFileSystem();
  readonly #options: SimulatedClusterOptions;
  readonly #random: SeededRandom;
  readonly #ha = createMemoryHaWorld();
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #jobManagers: SimulatedProcess[] = [];
  readonly #taskManagers = new Map<string, { process: SimulatedProcess; spawner: InlineSlotSpawner }>();
  readonly #spawners: InlineSlotSpawner[] = [];
  readonly #ledEpochs = new Set<LeaderEpoch>();
  #lives = 0;

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    this.#random = options.world.random.fork();
  }

  /** The latest life of the JobManager. */
  get jobManager(): SimulatedProcess | undefined {
    return this.#jobManagers.at(-1);
  }

  get taskManagers(): readonly SimulatedProcess[] {
    return [...this.#taskManagers.values()].map(({ process }) => process);
  }

  /** The epoch that was granted last. */
  get latestEpoch(): LeaderEpoch | undefined {
    return this.#ha.records.token?.epoch;
  }

  startAll(): void {
    this.startJobManager();
    for (let n = 1; n <= this.#options.taskManagers; n++) this.startTaskManager(`tm-${n}`);
  }

  /** `supersedes`: the former one is known to be dead. */
  startJobManager(supersedes?: string): SimulatedProcess {
    const { process, bus, endpoint } = this.#join('jm');
    const remote = <T extends object>(name: string, store: T): T => this.#remote(name, process, store);
    new JobManagerNode({
      ...this.#portsOf(process),
      bus,
      endpoint,
      store: remote('ha', this.#haStore(process)),
      checkpointStorage: remote('chunks', new MemoryCheckpointStorage({ chunks: this.#chunks, fence: this.#ha.records })),
      blobs: remote('blobs', new MemoryBlobStore(this.#blobs)),
      holder: process.name,
      process: { host: process.name, pid: 1 },
      ...(supersedes === undefined ? {} : { supersedes: [supersedes] }),
      leaseMs,
      renewMs: leaseMs / 3,
      heartbeat: heartbeatDefaults,
      onLeadership: (token) => this.#noteLeadership(process, token),
      testSwitches: this.#options.broken,
    });
    this.#jobManagers.push(process);
    return process;
  }

  /** L1 over all processes: attempt ids carry the epoch, so one that is led twice makes them collide. */
  #noteLeadership({ name }: SimulatedProcess, token: LeaderToken | undefined): void {
    if (token === undefined) return;
    if (this.#ledEpochs.has(token.epoch))
      this.#options.world.fail(new MillraceError('EPOCH_LED_TWICE', `${name} leads with epoch ${token.epoch}, which was led before`));
    this.#ledEpochs.add(token.epoch);
  }

  #haStore({ clock }: SimulatedProcess): HaStore {
    const store = new MemoryHaStore({ clock, world: this.#ha });
    return this.#options.broken.isOldEpochAccepted === true ? acceptingAnyEpoch(store, () => this.#ha.records.token) : store;
  }

  startTaskManager(name: string): SimulatedProcess {
    const { process, bus, endpoint } = this.#join(name);
    const { broken, loadJob, slots, buffers } = this.#options;
    const chunks = this.#remote('chunks', process, new MemoryCheckpointStorage({ chunks: this.#chunks }));
    const files = processDisk(this.disk, process, this.#random.fork());
    const spawner = new InlineSlotSpawner({
      defer: (deliver) => process.later(0, 'thread message', deliver),
      ports: () => ({
        ...this.#portsOf(process),
        yield: process.yield,
        files,
        chunks,
        loadJob: (url) => Promise.resolve(loadJob(url, process)),
        createTaskRuntime: (options) => new StreamTask(options),
        createKeyedState: (options) => new HeapKeyedStateBackend(options),
        isStrictState: true,
        testSwitches: broken,
        ...(buffers === undefined ? {} : { buffers }),
      }),
    });
    new TaskManager({
      ...this.#portsOf(process),
      taskManagerId: taskManagerId(name),
      sessionId: sessionId(process.name),
      host: 'simulated',
      pid: this.#lives,
      endpoint,
      subjects: createSubjects(),
      bus,
      spawner,
      codeCache: { find: () => Promise.resolve(undefined), put: (sha256) => Promise.resolve(`simulated:${sha256}`) },
      settings: { slots },
      onFatal: () => this.#restartTaskManager(name, process),
      testSwitches: broken,
    });
    this.#taskManagers.set(name, { process, spawner });
    this.#spawners.push(spawner);
    return process;
  }

  /** What slots did beyond their credit, of all lives of all TaskManagers; undefined when none did. */
  creditFault(): string | undefined {
    for (const { start, runtime } of this.#spawners.flatMap(({ started }) => started)) {
      const { overGrantFrames, grantedBytesPeak, grantBytesMax, grantBytesForced } = runtime.credit();
      const where = `slot ${start.slot} of ${start.taskManagerId}, session ${start.sessionId}`;
      if (overGrantFrames > 0) return `${overGrantFrames} data frames beyond what was granted in ${where}`;
      const mayGrant = grantBytesMax + grantBytesForced;
      if (grantedBytesPeak > mayGrant) return `${grantedBytesPeak} bytes were granted of ${mayGrant} in ${where}`;
    }
    return undefined;
  }

  /** Slots of a TaskManager that run now: kill one with its `crash`. */
  slotsOf(name: string): InlineSlotSpawner | undefined {
    return this.#taskManagers.get(name)?.spawner;
  }

  client(): { readonly client: Client; readonly process: SimulatedProcess } {
    const { process, endpoint } = this.#join('client');
    return { process, client: new Client({ endpoint, clock: process.clock, random: process.random, patienceMs: 600_000 }) };
  }

  #restartTaskManager(name: string, process: SimulatedProcess): void {
    process.kill();
    this.#options.world.schedule(300, `${name} starts again`, () => void this.startTaskManager(name));
  }

  #join(name: string): Member {
    const process = this.#options.world.process(`${name}-${++this.#lives}`);
    const bus = this.#options.network.connect(process);
    const { clock, random, logger } = process;
    return { process, bus, endpoint: createEndpoint({ name: process.name, bus, subjects: createSubjects(), clock, random, logger }) };
  }

  #portsOf({ clock, random, logger }: SimulatedProcess) {
    return { clock, random, logger };
  }

  #remote<T extends object>(name: string, process: SimulatedProcess, store: T): T {
    const { world, storeFaults } = this.#options;
    return remoteStore(store, { name, world, process, random: this.#random.fork(), delayMs: storeDelayMs, faults: storeFaults });
  }
}

/** A store that takes every writer for the leader: each token is replaced by the current one, and no lease ever ends. */
function acceptingAnyEpoch(store: HaStore, current: () => LeaderToken | undefined): HaStore {
  const forEver = Number.MAX_SAFE_INTEGER;
  const isToken = (value: unknown): boolean => typeof value === 'object' && value !== null && 'epoch' in value && 'holder' in value;
  return new Proxy(store, {
    get(target, property) {
      if (property === 'renew') return (token: LeaderToken) => Promise.resolve({ kind: 'granted', token, deadline: forEver });
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        const answer: unknown = await value.apply(
          target,
          args.map((argument) => (isToken(argument) ? current() : argument)),
        );
        return property === 'acquire' && (answer as { kind: string }).kind === 'granted'
          ? { ...(answer as object), deadline: forEver }
          : answer;
      };
    },
  });
}
