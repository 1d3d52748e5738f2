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
import type { CheckpointId, EdgeId, OperatorId } from '../core/ids.js';
import type { Clock } from '../core/ports.js';
import type { ChannelNetwork } from '../dataflow/channels/channel-network.js';
import type { SlotLocation } from '../dataflow/channels/elements.js';
import type { KeySelector, OperatorFactory } from '../dataflow/contracts.js';
import { createTaskRuntime } from '../dataflow/create-task-runtime.js';
import type { TaskCallbacks, TaskDeclineReason, TaskRuntime, TestSwitches } from '../dataflow/task-runtime.js';
import {
  executionName,
  executionVerticesOf,
  executionVertexId,
  isSourceVertex,
  vertexOf,
  type ExecutionVertex,
} from '../graph/execution-graph.js';
import { planJob, type JobPlan } from '../graph/job-plan.js';
import { restoredWatermarks } from '../graph/restored-watermarks.js';
import { assignState } from '../graph/state-assignment.js';
import type { JobGraph, JobVertex, StreamGraph } from '../graph/types.js';
import { HeapKeyedStateBackend } from '../storage/state/heap/heap-keyed-state-backend.js';
import { HarnessDescriptors } from './harness-descriptors.js';
import { harnessChunks } from './harness-chunks.js';
import { HarnessCheckpoints, type CheckpointedTask, type HarnessCheckpoint } from './harness-checkpoints.js';
import { HarnessSlots } from './harness-slots.js';
import { HarnessSplits } from './harness-splits.js';
import { LossyBusRoom } from './lossy-bus.js';
import { MemoryFileSystem } from './memory-file-system.js';
import type { SeededRandom } from './simulator/seeded-random.js';
import { Simulation, type SimulatedProcess } from './simulator/simulation.js';

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
  readonly #descriptors: HarnessDescriptors;
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
    const { jobGraph } = this.plan;
    this.#splits = new HarnessSplits(jobGraph);
    this.#descriptors = new HarnessDescriptors({
      jobGraph,
      placement: options.placement,
      needsEnumeration: (operator) => this.#splits.needsEnumeration(operator),
    });
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
      vertices: () => jobGraph.vertices.map(({ id, ...vertex }) => ({ vertexId: id, ...vertex })),
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
    const watermarks = checkpoint && restoredWatermarks({ jobGraph, tasks: [...checkpoint.tasks.values()], vertices: checkpoint.vertices });
    this.#splits.reset(assigned, checkpoint?.sources ?? []);
    for (const vertex of executionVerticesOf(jobGraph)) {
      const subtask = executionVertexId(vertex.vertexId, vertex.subtaskIndex);
      const state = { tasks: [...(assigned.get(subtask) ?? [])], watermarks: { ...watermarks?.get(subtask) } };
      const restore = checkpoint === undefined ? null : { checkpointId: checkpoint.id, isFinal: checkpoint.isFinal, ...state };
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
    const key = executionVertexId(vertex.vertexId, vertex.subtaskIndex);
    const name = executionName(vertexOf(jobGraph, vertex.vertexId), vertex.subtaskIndex);
    const { process, clock, network, loop } = this.#slots.at(this.#descriptors.locationOf(vertex));
    const { random, logger } = process;
    const descriptor = this.#descriptors.descriptorOf(vertex, this.#attempt, restore);
    const later = <T>(value: () => T): Promise<T> => this.#answered(process, value);
    const runtime: TaskRuntime = createTaskRuntime({
      descriptor,
      taskInfo: this.#descriptors.infoOf(vertex, this.#attempt),
      code: this.#code(),
      ports: { clock, random, logger, files: this.files },
      network,
      loop,
      chunks: harnessChunks(this.#chunks, later),
      splitSource: this.#splits.sourceFor(descriptor.attemptId, later),
      createKeyedState: (options) => new HeapKeyedStateBackend(options),
      callbacks: this.#callbacksOf(key, name, () => runtime),
      isStrictState: true,
      ...(this.#options.testSwitches === undefined ? {} : { testSwitches: this.#options.testSwitches }),
    });
    this.#tasks.set(key, { name, runtime, state: 'initializing', isSource: isSourceVertex(jobGraph, vertex.vertexId) });
    // Deployments arrive one by one, in any order.
    process.later(this.#random.next() * 20, `deploy ${name}`, () => this.#initialize(key, name, runtime));
  }

  /** What a task asks is answered a little later, unless its process is gone by then. */
  #answered<T>(process: SimulatedProcess, value: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      process.later(this.#random.next() * 2, 'answered', () => {
        try {
          resolve(value());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  #callbacksOf(key: string, name: string, runtime: () => TaskRuntime): TaskCallbacks {
    return {
      onEndOfData: () => this.#checkpoints.endOfData(key),
      onFinished: () => this.#setState(key, runtime(), 'finished'),
      onAcknowledged: (acknowledgement) => this.#checkpoints.acknowledged(key, runtime(), acknowledgement),
      onDeclined: (checkpointId, reason) => {
        this.declined.push({ checkpointId, task: name, reason });
        this.#checkpoints.declined(checkpointId);
      },
      onFailed: (error) => {
        this.failures.push({ task: name, error });
        this.#setState(key, runtime(), 'failed');
      },
      onSharedResource: (resource, token) => {
        this.sharedResources[resource] = token;
      },
    };
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
