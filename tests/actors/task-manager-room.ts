/** A TaskManager with inline slots whose tasks do what the test says, a leader that pretends, virtual time. */
import type { TaskManagerSettings } from '../../actors/task-manager/task-manager.js';
import { TaskManager } from '../../actors/task-manager/task-manager.js';
import type { Handlers, Service } from '../../bus/endpoint-contract.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { AskType, MessageBody, MessageReply, TellType } from '../../bus/protocol/registry.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { Configuration } from '../../core/configuration/configuration.js';
import {
  allocationId,
  attemptNumber,
  formatAttemptId,
  jobId,
  leaderEpoch,
  sessionId,
  taskManagerId,
  type AllocationId,
  type LeaderEpoch,
} from '../../core/ids.js';
import type { CheckpointTrigger, TaskRuntime, TaskRuntimeMetrics, TaskRuntimeOptions } from '../../dataflow/task-runtime.js';
import { createTaskRuntime } from '../../dataflow/create-task-runtime.js';
import type { Logger } from '../../core/ports.js';
import { planJob } from '../../graph/job-plan.js';
import { defineJob } from '../../index.js';
import { InlineSlotSpawner } from '../../testing/inline-slot-spawner.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { nothing } from '../support/sinks.js';
import { BusRoom, type Participant } from './simulated-bus-room.js';

export const job = jobId('a'.repeat(32));
export const tm = taskManagerId('tm-1');
export const session = sessionId('s-1');

export const tinyJob = defineJob('tiny', (env) => {
  env
    .fromData(1, 2, 3)
    .map((value) => value + 1)
    .sinkTo(nothing());
});
export const tinyGraph = planJob(tinyJob.build({}, { configuration: Configuration.defaults })).jobGraph;

const metrics: TaskRuntimeMetrics = {
  recordsIn: 3,
  recordsOut: 2,
  recordsWritten: 1,
  bytesIn: 0,
  bytesOut: 0,
  duplicateFrames: 0,
  backPressuredMs: 0,
  busyMs: 0,
  idleMs: 0,
  queuedFrames: 0,
  waitingFrames: 0,
  overGrantFrames: 0,
  grantedBytesPeak: 0,
  grantBytesMax: 0,
  grantBytesForced: 0,
  segmentsInUse: 0,
  segmentsPeak: 0,
  segmentsMax: 0,
  slot: { unknownFrames: 0, malformedFrames: 0, sendFailures: 0, congestions: 0 },
  stateEntries: 0,
  channels: { inputUse: 0, outputUse: 0, inputs: [], outputs: [] },
};

/** A task's data plane that notes what it is told and says what the test wants. */
export class PretendedRuntime implements TaskRuntime {
  readonly options: TaskRuntimeOptions;
  readonly told: string[] = [];
  /** Whether `cancel` waits for `unstick`. */
  isStuck = false;
  unstick: () => void = () => undefined;

  constructor(options: TaskRuntimeOptions) {
    this.options = options;
  }

  initialize(): Promise<void> {
    this.told.push('initialize');
    return Promise.resolve();
  }

  start(): void {
    this.told.push('start');
  }

  triggerCheckpoint({ checkpointId }: CheckpointTrigger): 'accepted' {
    this.told.push(`trigger ${checkpointId}`);
    return 'accepted';
  }

  checkpointCompleted(id: number): void {
    this.told.push(`completed ${id}`);
  }

  checkpointAborted(id: number): void {
    this.told.push(`aborted ${id}`);
  }

  cancel(): Promise<void> {
    this.told.push('cancel');
    return this.isStuck ? new Promise((resolve) => (this.unstick = resolve)) : Promise.resolve();
  }

  metrics(): TaskRuntimeMetrics {
    return metrics;
  }
}

/** One message the leader got. */
export interface Heard<T extends AskType | TellType = AskType | TellType> {
  readonly type: T;
  readonly body: MessageBody<T>;
  readonly epoch: LeaderEpoch;
}

type Answers = { [T in AskType]?: (body: MessageBody<T>) => MessageReply<T> | Promise<MessageReply<T>> };

export interface TaskManagerRoomOptions {
  readonly settings?: Partial<TaskManagerSettings>;
  readonly codeCache?: { find(sha256: string): Promise<string | undefined>; put(sha256: string, bytes: Uint8Array): Promise<string> };
  readonly testSwitches?: { readonly isOldEpochAccepted?: boolean };
  /** Tasks really run the job instead of pretending. */
  readonly isReal?: boolean;
  /** Called with what the TaskManager logs. */
  readonly onLog?: (message: string) => void;
}

export class TaskManagerRoom extends BusRoom {
  readonly leader: Participant = this.join('leader');
  readonly tmSide: Participant = this.join('tm-1');
  readonly spawner: InlineSlotSpawner;
  readonly runtimes: PretendedRuntime[] = [];
  readonly heard: Heard[] = [];
  readonly fatal: string[] = [];
  /** From now on no thread can be started. */
  canStartThreads = true;
  readonly taskManager: TaskManager;
  epoch = leaderEpoch(1);
  /** What the leader answers; change it to answer differently. */
  readonly answers: Answers = {
    'task-manager.register': () => ({ kind: 'registered', heartbeatIntervalMs: 500, heartbeatTimeoutMs: 5_000 }),
    'slot.offer': ({ slots }) => ({ accepted: slots.map(({ allocationId: id }) => id) }),
    'slot.failed': () => ({}),
    'task.state-changed': () => ({ known: true }),
    'task.progressed': () => ({}),
    'task.end-of-data': () => ({}),
    'checkpoint.acknowledged': () => ({}),
    'checkpoint.declined': () => ({}),
  };
  readonly #services: Service[] = [];
  readonly #silent = new Set<string>();
  #beating = new Set<AllocationId>();
  #isBeating = false;

  constructor(options: TaskManagerRoomOptions = {}) {
    super();
    const { process } = this.tmSide;
    const files = new MemoryFileSystem({ clock: process.clock });
    const { clock, random } = process;
    const logger: Logger = { log: (_, message) => options.onLog?.(message), child: () => logger };
    this.spawner = new InlineSlotSpawner({
      defer: (deliver) => void process.later(0, 'thread', deliver),
      ports: () => {
        if (!this.canStartThreads) throw new Error('no thread left');
        return {
          clock,
          random,
          logger,
          yield: process.yield,
          files,
          chunks: { write: () => Promise.reject(new Error('no chunks here')), read: () => Promise.reject(new Error('no chunks here')) },
          loadJob: (url) => (url === 'job://tiny' ? Promise.resolve(tinyJob) : Promise.reject(new Error(`no module at ${url}`))),
          createTaskRuntime: (runtimeOptions) => {
            if (options.isReal === true) return createTaskRuntime(runtimeOptions);
            const runtime = new PretendedRuntime(runtimeOptions);
            this.runtimes.push(runtime);
            return runtime;
          },
          createKeyedState: () => {
            throw new Error('no state here');
          },
          isStrictState: true,
        };
      },
    });
    this.taskManager = new TaskManager({
      clock,
      random,
      logger,
      taskManagerId: tm,
      sessionId: session,
      host: 'host',
      pid: 1,
      endpoint: this.tmSide.endpoint,
      subjects: createSubjects(),
      bus: this.tmSide.bus,
      spawner: this.spawner,
      codeCache: options.codeCache ?? { find: () => Promise.resolve(undefined), put: () => Promise.reject(new Error('no cache here')) },
      settings: { slots: 2, ...options.settings },
      onFatal: (reason) => this.fatal.push(reason),
      ...(options.testSwitches === undefined ? {} : { testSwitches: options.testSwitches }),
    });
  }

  /** A leader is there from now on, for the ResourceManager and the job. */
  lead(): void {
    const handlers = this.#handlers();
    this.#services.push(this.leader.endpoint.serve({ kind: 'resource-manager' }, { handlers }));
    this.#services.push(this.leader.endpoint.serve({ kind: 'job', jobId: job }, { handlers }));
    this.#services.push(this.leader.endpoint.serve({ kind: 'job-manager' }, { handlers }));
  }

  /** The leader is gone: nobody answers for it. */
  leave(): void {
    for (const service of this.#services.splice(0)) service.stop();
    this.stopBeating();
  }

  /** From now on messages of this type get no answer. */
  silence(type: AskType): void {
    this.#silent.add(type);
  }

  announce(): void {
    this.leader.endpoint.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'jm' }, { leaderEpoch: this.epoch });
  }

  ask<T extends AskType>(type: T, body: MessageBody<T>, epoch = this.epoch): Promise<MessageReply<T>> {
    const asked = this.leader.endpoint.ask({ kind: 'task-manager', taskManagerId: tm }, type, body, { leaderEpoch: epoch });
    return this.settle(asked);
  }

  askSlot<T extends AskType>(slot: number, type: T, body: MessageBody<T>): Promise<MessageReply<T>> {
    return this.settle(this.leader.endpoint.ask({ kind: 'slot', taskManagerId: tm, slot }, type, body, { leaderEpoch: this.epoch }));
  }

  /** The leader's heartbeats, every 500 ms: for the registration, and for the job with these allocations. */
  beat(...allocations: AllocationId[]): void {
    this.#beating = new Set(allocations);
    if (this.#isBeating) return;
    this.#isBeating = true;
    const once = (): void => {
      if (!this.#isBeating) return;
      const to = { kind: 'task-manager', taskManagerId: tm } as const;
      const { endpoint, process } = this.leader;
      endpoint.ask(to, 'resource-manager.heartbeat', { sessionId: session }, { leaderEpoch: this.epoch }).catch(() => undefined);
      if (this.#beating.size > 0) {
        const body = { jobId: job, sessionId: session, allocations: [...this.#beating], latestCheckpointId: null };
        endpoint.ask(to, 'scheduler.heartbeat', body, { leaderEpoch: this.epoch }).catch(() => undefined);
      }
      process.clock.setTimer(500, once);
    };
    once();
  }

  stopBeating(): void {
    this.#isBeating = false;
  }

  /** A leader with registered TaskManager and an active slot. */
  async withActiveSlot(allocation: AllocationId, slot = 0): Promise<void> {
    if (!this.taskManager.isRegistered) {
      this.lead();
      await this.until(() => this.taskManager.isRegistered);
    }
    this.beat(...this.#beating, allocation);
    await this.ask('slot.request', { jobId: job, allocationId: allocation, slot, sessionId: session });
    await this.until(() => this.taskManager.slots()[slot]?.state === 'ACTIVE');
  }

  descriptor(allocation: AllocationId, attempt = 0, fields: Partial<TaskDeploymentDescriptor> = {}): TaskDeploymentDescriptor {
    const vertex = tinyGraph.vertices[0]?.id as TaskDeploymentDescriptor['vertexId'];
    return {
      jobId: job,
      leaderEpoch: this.epoch,
      allocationId: allocation,
      attemptId: formatAttemptId({ vertexId: vertex, subtaskIndex: 0, leaderEpoch: this.epoch, attemptNumber: attemptNumber(attempt) }),
      attemptNumber: attempt,
      vertexId: vertex,
      subtaskIndex: 0,
      jobGraph: tinyGraph,
      code: { kind: 'module', url: 'job://tiny' },
      inputs: [],
      outputs: [],
      restore: null,
      enumerate: [],
      ...fields,
    };
  }

  /** Deploys the tiny job's task and waits until it runs. */
  async withRunningTask(allocation: AllocationId, slot = 0): Promise<PretendedRuntime> {
    await this.withActiveSlot(allocation, slot);
    await this.ask('task.deploy', this.descriptor(allocation));
    await this.until(() => this.states().includes('RUNNING'));
    return this.runtimes.at(-1) as PretendedRuntime;
  }

  /** Bodies of all messages of a type, oldest first. */
  bodies<T extends AskType | TellType>(type: T): readonly MessageBody<T>[] {
    return this.heard.filter((message): message is Heard<T> => message.type === type).map(({ body }) => body);
  }

  /** States reported so far, oldest first. */
  states(): readonly string[] {
    return this.bodies('task.state-changed').map(({ state }) => state);
  }

  slotStates(): readonly string[] {
    return this.taskManager.slots().map(({ state }) => state);
  }

  #handlers(): Handlers {
    const tells: TellType[] = ['slot.available', 'task-manager.disconnected'];
    const note = (type: string) => (body: unknown, envelope: { readonly leaderEpoch: LeaderEpoch }) => {
      this.heard.push({ type, body, epoch: envelope.leaderEpoch } as Heard);
      if (this.#silent.has(type)) return new Promise(() => undefined);
      return this.answers[type as AskType]?.(body as never);
    };
    const types = [...tells, 'blob.fetch-chunk', 'source.request-split', 'source.enumerated', ...Object.keys(this.answers)];
    return Object.fromEntries(types.map((type) => [type, note(type)])) as Handlers;
  }
}

export const alloc = (name: string): AllocationId => allocationId(name);
