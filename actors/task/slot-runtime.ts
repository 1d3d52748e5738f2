/**
 * What runs in a slot: the tasks of one job, behind ports only, so that a worker thread and the simulator run the same.
 *
 * SL1  A task is in the slot from its deployment until its final state is known to the scheduler; the main thread hears of
 *      every state in between, so heartbeats never miss a task that still has something to say.
 * SL2  A message for an attempt that is not here is answered `known: false`, never an error.
 * SL3  `stopped` comes last, after every task is closed.
 */
import { fromErrorRecord, MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AttemptId, CheckpointId, LeaderEpoch, TaskManagerId } from '../../core/ids.js';
import type { CorePorts, FileSystem, SlotStart, ThreadChannel, TimerHandle, Yield } from '../../core/ports.js';
import type { FrameBus } from '../../bus/contracts.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Endpoint, Envelope } from '../../bus/endpoint-contract.js';
import { createSubjects, type Subjects } from '../../bus/protocol/subjects.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { JobCode, TaskState } from '../../bus/protocol/schemas.js';
import { ThreadBus } from '../../bus/transports/thread/thread-bus.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import type { CreditReading, NetworkBuffers } from '../../dataflow/channels/network-contracts.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { SlotLoop } from '../../dataflow/slot-loop.js';
import type { ChunkStore, TaskRuntime, TaskRuntimeOptions, TestSwitches } from '../../dataflow/task-runtime.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import { SlotJobCode } from './job-code.js';
import { MainThreadChunks } from './main-thread-chunks.js';
import { partsOf, reportBytesOf } from './report-parts.js';
import type { FromSlot, SlotCommand, SlotNews, ToSlot } from './slot-messages.js';
import { Task, type TaskEnvironment } from './task.js';

export interface SlotRuntimeOptions extends CorePorts {
  readonly start: SlotStart;
  readonly channel: ThreadChannel<ToSlot, FromSlot>;
  readonly yield: Yield;
  readonly files: FileSystem;
  /** Where checkpoints are written; undefined: by way of the main thread. */
  readonly chunks?: ChunkStore;
  /** Loads what the module at this URL exports. */
  readonly loadJob: (url: string) => Promise<JobDefinition>;
  readonly createTaskRuntime: (options: TaskRuntimeOptions) => TaskRuntime;
  readonly createKeyedState: TaskRuntimeOptions['createKeyedState'];
  readonly isStrictState: boolean;
  /** What carries the frames of the slot, made of the bus by way of the main thread; default: that bus. */
  readonly createFrameBus?: (bus: FrameBus, subjects: Subjects) => FrameBus;
  /** What the slot has for frames that arrive. */
  readonly buffers?: NetworkBuffers;
  readonly testSwitches?: TestSwitches & { readonly isOldEpochAccepted?: boolean };
  readonly onTransition?: (record: TransitionRecord) => void;
}

/** How often the main thread hears of progress. */
const progressMs = 1_000;

export class SlotRuntime {
  readonly #options: SlotRuntimeOptions;
  readonly #bus: ThreadBus;
  readonly #endpoint: Endpoint;
  readonly #frames: FrameBus;
  readonly #network: ChannelNetwork;
  readonly #environment: TaskEnvironment;
  readonly #tasks = new Map<AttemptId, Task>();
  readonly #stale = new Map<string, number>();
  readonly #wantedCode = new Map<number, (answer: Extract<SlotCommand, { readonly kind: 'code' }>['code']) => void>();
  readonly #mainThreadChunks = new MainThreadChunks((request, transfer) => this.#say(request, transfer));
  #lastCodeId = 0;
  #highestEpoch = 0 as LeaderEpoch;
  #progress: TimerHandle | undefined;
  #phase: 'serving' | 'stopping' | 'closed' = 'serving';

  constructor(options: SlotRuntimeOptions) {
    this.#options = options;
    const { start, channel, clock, random } = options;
    const logger = options.logger.child({ slot: start.slot, jobId: start.jobId });
    const subjects = createSubjects({ prefix: start.subjectPrefix, clusterId: start.clusterId });
    this.#bus = new ThreadBus({
      post: (message, transfer) => channel.post(message, transfer),
      logger,
      payloadBytesMax: start.payloadBytesMax,
      isDataSubject: subjects.isData,
    });
    this.#endpoint = createEndpoint({ name: `slot.${start.taskManagerId}.${start.slot}`, bus: this.#bus, subjects, clock, random, logger });
    const loop = new SlotLoop({ yield: options.yield, logger });
    this.#frames = options.createFrameBus?.(this.#bus, subjects) ?? this.#bus;
    this.#network = new ChannelNetwork({
      location: { taskManagerId: start.taskManagerId, slot: start.slot },
      bus: this.#frames,
      dataSubject: ({ taskManagerId, slot }) => subjects.data(taskManagerId as TaskManagerId, slot),
      clock,
      logger,
      ...(options.buffers === undefined ? {} : { buffers: options.buffers }),
      isCreditIgnored: options.testSwitches?.isCreditIgnored === true,
      isSequenceCheckOff: options.testSwitches?.isSequenceCheckOff === true,
    });
    this.#environment = this.#createEnvironment(loop, {
      clock,
      random,
      logger,
      files: options.files,
      ...(options.print === undefined ? {} : { print: options.print }),
    });
    this.#serve();
    channel.onMessage((message) => this.#receive(message));
  }

  /** Tasks that are here, with their states. */
  tasks(): readonly { readonly attemptId: AttemptId; readonly name: string; readonly state: TaskState }[] {
    return [...this.#tasks.values()].map(({ attemptId, name, state }) => ({ attemptId, name, state }));
  }

  /** What was late, duplicate or stale, also for tasks that are gone: messages by what they were, events by `task STATE EVENT reason`. */
  counters(): ReadonlyMap<string, number> {
    const counts = new Map(this.#stale);
    for (const task of this.#tasks.values()) addIgnored(counts, task);
    return counts;
  }

  /** Since the slot began, of all its tasks. */
  credit(): CreditReading {
    return this.#network.credit();
  }

  deadLetters(): ReturnType<Endpoint['deadLetters']> {
    return this.#endpoint.deadLetters();
  }

  /** Whether there is a task that has neither ended nor begun to. */
  get hasTasksToFail(): boolean {
    return [...this.#tasks.values()].some(({ state }) => !isEnding(state));
  }

  /** Fails every task: an error that belongs to none of them, or memory that runs out. */
  failTasks(error: ErrorRecord): void {
    for (const task of [...this.#tasks.values()]) task.fail(error);
  }

  #createEnvironment(loop: SlotLoop, ports: CorePorts & { readonly files: FileSystem }): TaskEnvironment {
    const { start, chunks, createTaskRuntime, createKeyedState, isStrictState, testSwitches, onTransition, loadJob } = this.#options;
    return {
      taskManagerId: start.taskManagerId,
      sessionId: start.sessionId,
      endpoint: this.#endpoint,
      ports,
      jobCode: new SlotJobCode({ loadJob, resolveCode: (code) => this.#resolveCode(code) }),
      createRuntime: (options) =>
        createTaskRuntime({
          ...options,
          network: this.#network,
          loop,
          chunks: chunks ?? this.#mainThreadChunks,
          createKeyedState,
          isStrictState,
          ...(testSwitches === undefined ? {} : { testSwitches }),
        }),
      ...(onTransition === undefined ? {} : { onTransition }),
    };
  }

  #serve(): void {
    const { taskManagerId, slot } = this.#options.start;
    const withTask = (attemptId: AttemptId, action: (task: Task) => void): { known: boolean } => {
      const task = this.#tasks.get(attemptId);
      if (task === undefined) {
        this.#count('message for an attempt that is not here');
        return { known: false };
      }
      action(task);
      return { known: true };
    };
    this.#endpoint.serve(
      { kind: 'slot', taskManagerId, slot },
      {
        fence: (envelope) => this.#fence(envelope),
        handlers: {
          'checkpoint.trigger': ({ attemptId, checkpointId, triggeredAt, isFinal }) =>
            withTask(attemptId, (task) => task.triggerCheckpoint({ checkpointId, triggeredAt, isFinal })),
          'checkpoint.confirm': ({ attemptId, checkpointId }) => withTask(attemptId, (task) => task.confirmCheckpoint(checkpointId)),
          'checkpoint.abort': ({ attemptId, checkpointId }) => withTask(attemptId, (task) => task.abortCheckpoint(checkpointId)),
        },
      },
    );
  }

  #fence({ leaderEpoch }: Envelope): string | undefined {
    if (this.#options.testSwitches?.isOldEpochAccepted === true) return undefined;
    return leaderEpoch < this.#highestEpoch ? `epoch ${leaderEpoch} is below ${this.#highestEpoch}` : undefined;
  }

  #receive(message: ToSlot): void {
    if (message.layer === 'bus') this.#bus.receive(message);
    else this.#obey(message);
  }

  #obey(command: SlotCommand): void {
    switch (command.kind) {
      case 'deploy':
        return this.#deploy(command.descriptor);
      case 'cancel':
        return this.#tasks.get(command.attemptId)?.cancel();
      case 'fail-tasks':
        return this.failTasks(command.error);
      case 'checkpoint-completed':
        return this.#confirmAll(command.checkpointId);
      case 'code':
        this.#wantedCode.get(command.id)?.(command.code);
        this.#wantedCode.delete(command.id);
        return undefined;
      case 'chunk':
        return this.#mainThreadChunks.answered(command.id, command.answer);
      case 'stop':
        return this.#stop(command.error);
    }
  }

  #deploy(descriptor: TaskDeploymentDescriptor): void {
    const { attemptId } = descriptor;
    if (this.#tasks.has(attemptId)) {
      this.#count('deployment of an attempt that is here');
      return;
    }
    if (this.#phase !== 'serving') {
      this.#say({ kind: 'task', attemptId, state: 'CANCELED', phase: 'released' });
      return;
    }
    this.#highestEpoch = Math.max(this.#highestEpoch, descriptor.leaderEpoch) as LeaderEpoch;
    const task = new Task({
      ...this.#environment,
      descriptor,
      onState: (state) => this.#say({ kind: 'task', attemptId, state, phase: 'open' }),
      onClosed: (state) => {
        this.#say({ kind: 'task', attemptId, state, phase: 'closed' });
        this.#finishStopping();
      },
      onReleased: (state) => {
        this.#tasks.delete(attemptId);
        addIgnored(this.#stale, task);
        this.#say({ kind: 'task', attemptId, state, phase: 'released' });
        this.#finishStopping();
      },
    });
    this.#tasks.set(attemptId, task);
    this.#armProgress();
    task.start();
  }

  #confirmAll(checkpointId: CheckpointId): void {
    for (const task of this.#tasks.values()) if (task.state === 'RUNNING') task.confirmCheckpoint(checkpointId);
  }

  #resolveCode(code: JobCode): Promise<string> {
    if (code.kind === 'module') return Promise.resolve(code.url);
    this.#lastCodeId += 1;
    const id = this.#lastCodeId;
    return new Promise((resolve, reject) => {
      this.#wantedCode.set(id, (answer) => {
        if (answer.kind === 'module') resolve(answer.url);
        else reject(fromErrorRecord(answer.error));
      });
      this.#say({ kind: 'code-wanted', id, code });
    });
  }

  #stop(error: ErrorRecord): void {
    if (this.#phase !== 'serving') return;
    this.#phase = 'stopping';
    this.failTasks(error);
    this.#finishStopping();
  }

  /** Reports that nobody answered yet are given up here: whoever stopped the slot knows that its tasks are gone. */
  #finishStopping(): void {
    if (this.#phase !== 'stopping') return;
    // Later, so that a task that just closed has sent its report.
    queueMicrotask(() => {
      if (![...this.#tasks.values()].every((task) => task.isClosed)) return;
      this.#close();
    });
  }

  #close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#progress?.cancel();
    this.#network.close();
    const stopped = (): void => {
      this.#options.channel.post({ layer: 'slot', kind: 'stopped' });
      this.#endpoint.close();
    };
    void Promise.allSettled([this.#frames.flush(), this.#bus.flush()]).then(stopped);
  }

  #armProgress(): void {
    if (this.#progress !== undefined) return;
    this.#progress = this.#options.clock.setTimer(progressMs, () => {
      this.#progress = undefined;
      if (this.#tasks.size === 0) return;
      const begun = [...this.#tasks.values()].filter(({ state }) => state === 'RUNNING' || state === 'INITIALIZING');
      const reports = begun.map((task) => ({ attemptId: task.attemptId, metrics: task.metrics() }));
      for (const tasks of partsOf(reports, reportBytesOf(this.#bus.payloadBytesMax))) this.#say({ kind: 'progress', tasks });
      this.#armProgress();
    });
  }

  #count(what: string): void {
    this.#stale.set(what, (this.#stale.get(what) ?? 0) + 1);
  }

  #say(news: DistributiveOmit<SlotNews, 'layer'>, transfer?: readonly ArrayBuffer[]): void {
    if (this.#phase === 'closed') return;
    this.#options.channel.post({ layer: 'slot', ...news }, transfer);
  }
}

function addIgnored(counts: Map<string, number>, task: Task): void {
  for (const [key, count] of task.ignored) counts.set(`task ${key}`, (counts.get(`task ${key}`) ?? 0) + count);
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What an error that belongs to no task becomes. */
export function slotError(code: string, message: string, cause?: unknown): ErrorRecord {
  return toErrorRecord(
    new MillraceError(code, message, { domain: 'internal', recovery: 'restart-job', ...(cause === undefined ? {} : { cause }) }),
  );
}

function isEnding(state: TaskState): boolean {
  return state === 'FINISHED' || state === 'FAILED' || state === 'CANCELING' || state === 'CANCELED';
}
