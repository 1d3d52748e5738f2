/**
 * Runs the tasks of a small job without a control plane: real task runtimes, channels and state under virtual time.
 *
 * The harness plays the JobManager: hands out splits, takes checkpoints, confirms them, starts everything again from a
 * checkpoint. A slot is a simulated process; slots talk over a bus that may delay, drop and repeat.
 *
 * TH1  The same seed gives the same run.
 * TH2  `restart` leaves nothing of the former attempts alive; the new ones start from the checkpoint that is named.
 */
import type { RestoredTasks } from '../actors/scheduler/job-sources.js';
import { shareRestoredSplits } from '../actors/scheduler/restored-splits.js';
import type { TaskDeploymentDescriptor } from '../bus/protocol/messages/tasks.js';
import { assert } from '../core/errors.js';
import {
  allocationId,
  attemptNumber,
  formatAttemptId,
  jobId,
  leaderEpoch,
  sessionId,
  taskManagerId,
  type AttemptId,
  type CheckpointId,
  type EdgeId,
  type OperatorId,
} from '../core/ids.js';
import type { Clock } from '../core/ports.js';
import type { ChannelNetwork } from '../dataflow/channels/channel-network.js';
import type { SlotLocation } from '../dataflow/channels/elements.js';
import type { KeySelector, OperatorFactory } from '../dataflow/contracts.js';
import { createTaskRuntime } from '../dataflow/create-task-runtime.js';
import type { TaskDeclineReason, TaskRuntime, TestSwitches } from '../dataflow/task-runtime.js';
import { taskWiringOf } from '../graph/deployment.js';
import {
  executionName,
  executionVerticesOf,
  executionVertexId,
  isSourceVertex,
  vertexOf,
  type ExecutionVertex,
} from '../graph/execution-graph.js';
import { planJob, type JobPlan } from '../graph/job-plan.js';
import { assignState } from '../graph/state-assignment.js';
import type { JobGraph, JobVertex, StreamGraph } from '../graph/types.js';
import { chunkHandleOf, verifyChunk } from '../storage/checkpoints/chunk-integrity.js';
import type { ChunkHandle } from '../storage/contracts.js';
import { HeapKeyedStateBackend } from '../storage/state/heap/heap-keyed-state-backend.js';
import { HarnessCheckpoints, type CheckpointedTask, type HarnessCheckpoint } from './harness-checkpoints.js';
import { HarnessSlots } from './harness-slots.js';
import { HarnessSplits } from './harness-splits.js';
import { LossyBusRoom } from './lossy-bus.js';
import { MemoryFileSystem } from './memory-file-system.js';
import type { SeededRandom } from './simulator/seeded-random.js';
import { Simulation } from './simulator/simulation.js';

export interface TaskHarnessOptions {
  readonly graph: StreamGraph<OperatorFactory, KeySelector>;
  readonly seed?: number;
  /** Where a subtask runs; default: each subtask index has a slot of its own, shared by all vertices. */
  readonly placement?: (vertex: JobVertex, subtaskIndex: number) => SlotLocation;
  /** Buffers of each channel, without floating ones, and none at the sender: so that little is ahead of a slow task. */
  readonly creditFrames?: number;
  readonly busDelayMs?: number;
  readonly faults?: { drop: number; duplicate: number };
  /** Takes a checkpoint this often, on its own. */
  readonly checkpointEveryMs?: number;
  readonly testSwitches?: TestSwitches;
  /** What the tasks take for time, instead of the time of the harness. */
  readonly clock?: Clock;
  /** Number of the first attempt; default 0. */
  readonly firstAttempt?: number;
  readonly eventsMax?: number;
  /** Where chunks of state are kept: share it with a harness that restores from this one's checkpoints. */
  readonly chunks?: Map<string, Uint8Array>;
}

interface HarnessTask extends CheckpointedTask {
  readonly name: string;
  readonly runtime: TaskRuntime;
  state: 'initializing' | 'running' | 'finished' | 'failed';
}

const job = jobId('0'.repeat(32));

/** A job's tasks under virtual time; see the head of this file. */
export class TaskHarness {
  readonly world: Simulation;
  readonly plan: JobPlan<OperatorFactory, KeySelector>;
  readonly files = new MemoryFileSystem();
  readonly bus: LossyBusRoom;
  readonly declined: { readonly checkpointId: CheckpointId; readonly task: string; readonly reason: TaskDeclineReason }[] = [];
  readonly failures: { readonly task: string; readonly error: unknown }[] = [];
  readonly sharedResources: Record<string, string> = {};
  readonly graph: StreamGraph<OperatorFactory, KeySelector>;
  readonly #options: TaskHarnessOptions;
  readonly #random: SeededRandom;
  readonly #chunks: Map<string, Uint8Array>;
  readonly #splits: HarnessSplits;
  readonly #slots: HarnessSlots;
  #tasks = new Map<string, HarnessTask>();
  readonly #checkpoints: HarnessCheckpoints;
  #attempt: number;

  constructor(options: TaskHarnessOptions) {
    this.#options = options;
    this.graph = options.graph;
    this.#chunks = options.chunks ?? new Map();
    this.#attempt = (options.firstAttempt ?? 0) - 1;
    this.world = new Simulation({ seed: options.seed ?? 1, ...(options.eventsMax === undefined ? {} : { eventsMax: options.eventsMax }) });
    this.#random = this.world.random.fork();
    this.plan = planJob(options.graph);
    this.#splits = new HarnessSplits(this.plan.jobGraph);
    this.bus = new LossyBusRoom({
      world: this.world,
      random: this.#random.fork(),
      delayMs: options.busDelayMs ?? 1,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
    });
    this.#slots = new HarnessSlots({
      world: this.world,
      bus: this.bus,
      creditFrames: options.creditFrames,
      isSequenceCheckOff: options.testSwitches?.isSequenceCheckOff === true,
      clock: options.clock,
    });
    this.#checkpoints = new HarnessCheckpoints({
      tasks: () => this.#tasks,
      isRunning: () => this.isRunning,
      nowMs: () => this.world.nowMs,
      later: (action) => this.#later(action),
      vertices: () => this.plan.jobGraph.vertices.map(({ id, ...vertex }) => ({ vertexId: id, ...vertex })),
      sources: () => this.#splits.lists(),
    });
    if (options.checkpointEveryMs !== undefined) this.#checkpointPeriodically(options.checkpointEveryMs);
  }

  /** Oldest first. */
  get completed(): readonly HarnessCheckpoint[] {
    return this.#checkpoints.completed;
  }

  /** Starts all tasks, from `checkpoint` or from the beginning. */
  deploy(checkpoint?: HarnessCheckpoint): void {
    this.#attempt += 1;
    this.#checkpoints.reset(checkpoint?.id);
    this.#tasks = new Map();
    this.#slots.renew(this.#attempt);
    const { jobGraph } = this.plan;
    const assigned = checkpoint === undefined ? new Map() : restoredTasks(jobGraph, checkpoint);
    this.#splits.reset(assigned, checkpoint?.sources ?? []);
    for (const vertex of executionVerticesOf(jobGraph)) {
      const tasks = assigned.get(executionVertexId(vertex.vertexId, vertex.subtaskIndex)) ?? [];
      const restore = checkpoint === undefined ? null : { checkpointId: checkpoint.id, isFinal: checkpoint.isFinal, tasks: [...tasks] };
      this.#deployTask(vertex, restore);
    }
  }

  /** Kills everything as `kill -9` would, and deploys again (TH2). */
  restart(checkpoint: HarnessCheckpoint | undefined = this.completed.at(-1)): void {
    this.kill();
    this.deploy(checkpoint);
  }

  /** Ends everything as `kill -9` would. */
  kill(): void {
    this.#slots.kill();
  }

  /** Cancels every task. */
  async cancel(): Promise<void> {
    await Promise.all([...this.#tasks.values()].map(({ runtime }) => runtime.cancel()));
  }

  tasks(): readonly { readonly name: string; readonly state: HarnessTask['state']; readonly runtime: TaskRuntime }[] {
    return [...this.#tasks.values()];
  }

  networks(): readonly ChannelNetwork[] {
    return this.#slots.networks();
  }

  get isFinished(): boolean {
    return this.#tasks.size > 0 && [...this.#tasks.values()].every((task) => task.state === 'finished');
  }

  get isRunning(): boolean {
    return [...this.#tasks.values()].every((task) => task.state === 'running');
  }

  /** Runs until every task finished; fails with the first error of a task. */
  async runToEnd(limitMs = 600_000): Promise<void> {
    await this.world.runUntil(() => this.isFinished || this.failures.length > 0, this.world.nowMs + limitMs);
    const [failure] = this.failures;
    if (failure !== undefined) throw failure.error;
  }

  runUntil(isDone: () => boolean, limitMs = 600_000): Promise<void> {
    return this.world.runUntil(isDone, this.world.nowMs + limitMs);
  }

  /** Starts a checkpoint unless one is pending or a task is not running; its id. */
  triggerCheckpoint(): CheckpointId | undefined {
    return this.#checkpoints.trigger();
  }

  /** Gives a pending checkpoint up. */
  abortCheckpoint(): void {
    this.#checkpoints.abort();
  }

  #checkpointPeriodically(everyMs: number): void {
    this.world.schedule(everyMs, 'checkpoint is due', () => {
      if (!this.#checkpoints.isAtEnd) this.triggerCheckpoint();
      if (!this.isFinished) this.#checkpointPeriodically(everyMs);
    });
  }

  #deployTask(vertex: ExecutionVertex, restore: TaskDeploymentDescriptor['restore']): void {
    const { jobGraph } = this.plan;
    const jobVertex = vertexOf(jobGraph, vertex.vertexId);
    const key = executionVertexId(vertex.vertexId, vertex.subtaskIndex);
    const name = executionName(jobVertex, vertex.subtaskIndex);
    const location = this.#locationOf(jobVertex, vertex.subtaskIndex);
    const slot = this.#slots.at(location);
    const descriptor = this.#descriptorOf(vertex, restore);
    const { process, clock, network, loop } = slot;
    const { random, logger } = process;
    const later = <T>(value: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        process.later(this.#random.next() * 2, 'answered', () => {
          try {
            resolve(value());
          } catch (error) {
            reject(error as Error);
          }
        });
      });
    const runtime = createTaskRuntime({
      descriptor,
      taskInfo: {
        jobId: job,
        jobName: jobGraph.name,
        taskName: jobVertex.name,
        subtaskIndex: vertex.subtaskIndex,
        parallelism: jobVertex.parallelism,
        maxParallelism: jobVertex.maxParallelism,
        attemptId: descriptor.attemptId,
        attemptNumber: attemptNumber(this.#attempt),
        taskManagerId: location.taskManagerId,
        sessionId: sessionId('session'),
      },
      code: this.#code(),
      ports: { clock, random, logger, files: this.files },
      network,
      loop,
      chunks: {
        write: (chunkName, bytes) => {
          const kept = bytes.slice();
          return later(() => this.#writeChunk(chunkName, kept));
        },
        read: (handle) => later(() => verifyChunk(handle, this.#chunks.get(handle.name), 'harness')),
      },
      splitSource: {
        enumerated: (operator, splits, isOpen = false) =>
          later(() => this.#splits.enumerated(operator, descriptor.attemptId, { splits, isOpen })),
        requestSplit: async (operator, request) => {
          const split = await this.#splits.request(operator, descriptor.attemptId, request);
          return later(() => split);
        },
        exchangeTime: (operator, alignment) => later(() => this.#splits.timeOf(operator, descriptor.attemptId, alignment)),
      },
      createKeyedState: (options) => new HeapKeyedStateBackend(options),
      callbacks: {
        onEndOfData: () => this.#checkpoints.endOfData(key),
        onFinished: () => this.#setState(key, runtime, 'finished'),
        onAcknowledged: (acknowledgement) => this.#checkpoints.acknowledged(key, runtime, acknowledgement),
        onDeclined: (checkpointId, reason) => {
          this.declined.push({ checkpointId, task: name, reason });
          this.#checkpoints.declined(checkpointId);
        },
        onFailed: (error) => {
          this.failures.push({ task: name, error });
          this.#setState(key, runtime, 'failed');
        },
        onSharedResource: (resource, token) => {
          this.sharedResources[resource] = token;
        },
      },
      isStrictState: true,
      ...(this.#options.testSwitches === undefined ? {} : { testSwitches: this.#options.testSwitches }),
    });
    this.#tasks.set(key, { name, runtime, state: 'initializing', isSource: isSourceVertex(jobGraph, vertex.vertexId) });
    // Deployments arrive one by one, in any order.
    process.later(this.#random.next() * 20, `deploy ${name}`, () => this.#initialize(key, name, runtime));
  }

  #initialize(key: string, name: string, runtime: TaskRuntime): void {
    runtime.initialize().then(
      () => {
        this.#setState(key, runtime, 'running');
        runtime.start();
      },
      (error: unknown) => {
        this.failures.push({ task: name, error });
        this.#setState(key, runtime, 'failed');
      },
    );
  }

  #setState(key: string, runtime: TaskRuntime, state: HarnessTask['state']): void {
    const task = this.#tasks.get(key);
    if (task?.runtime === runtime) task.state = state;
  }

  #code(): { operators: ReadonlyMap<OperatorId, OperatorFactory>; keySelectors: ReadonlyMap<EdgeId, KeySelector> } {
    const keySelectors = new Map<EdgeId, KeySelector>();
    for (const [id, edge] of this.plan.edges) if (edge.keySelector !== undefined) keySelectors.set(id, edge.keySelector);
    return { operators: new Map([...this.plan.nodes].map(([id, node]) => [id, node.factory])), keySelectors };
  }

  #descriptorOf(vertex: ExecutionVertex, restore: TaskDeploymentDescriptor['restore']): TaskDeploymentDescriptor {
    const { jobGraph } = this.plan;
    const wiring = taskWiringOf({
      jobGraph,
      ...vertex,
      placed: (vertexId, subtaskIndex) => {
        const location = this.#locationOf(vertexOf(jobGraph, vertexId), subtaskIndex);
        return {
          attemptId: this.#attemptIdOf({ vertexId, subtaskIndex }),
          location: { taskManagerId: taskManagerId(location.taskManagerId), slot: location.slot },
        };
      },
    });
    const operators = vertexOf(jobGraph, vertex.vertexId).operators;
    return {
      jobId: job,
      leaderEpoch: leaderEpoch(1),
      allocationId: allocationId('allocation'),
      attemptId: this.#attemptIdOf(vertex),
      attemptNumber: this.#attempt,
      vertexId: vertex.vertexId,
      subtaskIndex: vertex.subtaskIndex,
      jobGraph,
      code: { kind: 'module', url: 'harness:' },
      ...wiring,
      restore,
      enumerate:
        vertex.subtaskIndex === 0
          ? operators.filter(({ kind, id }) => kind === 'source' && this.#splits.needsEnumeration(id)).map(({ id }) => id)
          : [],
    };
  }

  #attemptIdOf({ vertexId, subtaskIndex }: ExecutionVertex): AttemptId {
    return formatAttemptId({ vertexId, subtaskIndex, leaderEpoch: leaderEpoch(1), attemptNumber: attemptNumber(this.#attempt) });
  }

  #locationOf(vertex: JobVertex, subtaskIndex: number): SlotLocation {
    return this.#options.placement?.(vertex, subtaskIndex) ?? { taskManagerId: 'tm', slot: subtaskIndex };
  }

  #writeChunk(name: string, bytes: Uint8Array): ChunkHandle {
    assert(!this.#chunks.has(name), `Chunk ${name} was written twice.`);
    this.#chunks.set(name, bytes);
    return chunkHandleOf(name, bytes);
  }

  #later(action: () => void): void {
    const attempt = this.#attempt;
    this.world.schedule(this.#random.next() * 5, 'control message', () => {
      if (attempt === this.#attempt) action();
    });
  }
}

/** The state of a checkpoint, dealt out as the scheduler does. */
function restoredTasks(jobGraph: JobGraph, { tasks, vertices }: HarnessCheckpoint): RestoredTasks {
  const assigned = assignState({ jobGraph, tasks: [...tasks.values()], vertices });
  return shareRestoredSplits({ jobGraph, former: vertices, assigned });
}
