/**
 * The TaskManager: slots, their threads, and what the ResourceManager and the jobs are told about them.
 *
 * TM1  Messages of an earlier leader are fenced; a later leader fails the tasks of the one before, and is registered with
 *      at once.
 * TM2  Everything that is asked of it is idempotent: slots by allocation, tasks by attempt.
 * TM3  A slot that dies, or whose job is gone, costs only its own tasks.
 * TM4  What it answers to heartbeats is the truth about its slots and attempts at that moment.
 * TM5  It runs user code nowhere: a stuck task never delays a heartbeat.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { AttemptId, LeaderEpoch, SessionId, TaskManagerId } from '../../core/ids.js';
import type { CorePorts, SlotSpawner } from '../../core/ports.js';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint, Envelope, Handlers } from '../../bus/endpoint-contract.js';
import type { Subjects } from '../../bus/protocol/subjects.js';
import type { SlotStatus } from '../../bus/protocol/messages/cluster.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { ThreadBusRouter } from '../../bus/transports/thread/thread-bus-router.js';
import type { ChunkStore } from '../../dataflow/task-runtime.js';
import type { RegistrationInput } from '../../state-machines/task-manager-registration/task-manager-registration-machine.js';
import { heartbeatDefaults } from '../runtime/heartbeat-monitor.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import type { FromSlot, ToSlot } from '../task/slot-messages.js';
import { JobCodeFetcher, type JobCodeCache } from './job-code-fetcher.js';
import { JobConnections } from './job-connections.js';
import { LeaderFence } from './leader-fence.js';
import { registrationDefaults, ResourceManagerConnection } from './resource-manager-connection.js';
import { SlotTable } from './slot-table.js';

export interface TaskManagerSettings {
  readonly slots: number;
  /** How long an allocated slot waits to be taken by its job. */
  readonly slotTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly registration: RegistrationInput;
  /** How long tasks may take to close when the TaskManager shuts down. */
  readonly shutdownMs: number;
}

export const taskManagerDefaults: TaskManagerSettings = {
  slots: 1,
  slotTimeoutMs: 10_000,
  heartbeatIntervalMs: heartbeatDefaults.intervalMs,
  heartbeatTimeoutMs: heartbeatDefaults.timeoutMs,
  registration: registrationDefaults,
  shutdownMs: 10_000,
};

export interface TaskManagerOptions extends CorePorts {
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  readonly host: string;
  readonly pid: number;
  readonly endpoint: Endpoint;
  readonly subjects: Subjects;
  /** The connection `endpoint` is on. */
  readonly bus: Bus;
  readonly spawner: SlotSpawner<FromSlot, ToSlot>;
  readonly codeCache: JobCodeCache;
  /** For slots whose checkpoint storage lives in the memory of this process; others open their own. */
  readonly chunks?: ChunkStore;
  readonly settings?: Partial<TaskManagerSettings>;
  /** Only the end of the process helps; called from anywhere, at most a few times. */
  readonly onFatal: (reason: string) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  /** Tests only: breaks guards on purpose, to see that the checkers notice. */
  readonly testSwitches?: { readonly isOldEpochAccepted?: boolean };
}

export class TaskManager {
  readonly #options: TaskManagerOptions;
  readonly #settings: TaskManagerSettings;
  readonly #startedAt: number;
  readonly #router: ThreadBusRouter;
  readonly #fence: LeaderFence;
  readonly #slots: SlotTable;
  /** Messages that were stale or repeated, by what they were. */
  readonly #stale = new Map<string, number>();
  readonly #jobs: JobConnections;
  readonly #resourceManager: ResourceManagerConnection;
  /** Of the leader whose arrival was acted upon. */
  #handledEpoch = 0 as LeaderEpoch;
  #onIdle: (() => void) | undefined;
  #isShuttingDown = false;

  /** Serves its address and registers at once. */
  constructor(options: TaskManagerOptions) {
    const { bus, clock, logger, subjects, taskManagerId, endpoint } = options;
    this.#options = options;
    this.#settings = { ...taskManagerDefaults, ...options.settings };
    this.#startedAt = clock.now();
    this.#router = new ThreadBusRouter({ connection: bus, clock, logger, ownPrefix: subjects.slotsPrefix(taskManagerId) });
    this.#fence = new LeaderFence({
      onChanged: (epoch, earlier) => this.#leaderChanged(epoch, earlier),
      isOff: options.testSwitches?.isOldEpochAccepted === true,
    });
    this.#jobs = new JobConnections({
      sessionId: options.sessionId,
      slots: () => this.#slots,
      monitoring: this.#monitoring(),
      count: (what) => this.#count(what),
    });
    this.#slots = this.#createSlots(new JobCodeFetcher({ endpoint, cache: options.codeCache }));
    this.#serve();
    this.#resourceManager = this.#connect();
  }

  get isRegistered(): boolean {
    return this.#resourceManager.isRegistered;
  }

  slots(): readonly SlotStatus[] {
    return this.#slots.statuses();
  }

  /** What was late, duplicate or stale: messages by what they were, events by `machine STATE EVENT reason`. */
  counters(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>([...this.#stale, ['router lost', this.#router.lost]]);
    for (const slot of this.#slots.all()) for (const [key, count] of slot.ignored) counts.set(`slot ${slot.slot} ${key}`, count);
    for (const [key, count] of this.#resourceManager.ignored) counts.set(`registration ${key}`, count);
    return counts;
  }

  /** Fails the tasks, ends the slots, says goodbye. Resolves when nothing runs any more; the connections stay open. */
  async shutdown(reason: string): Promise<void> {
    if (this.#isShuttingDown) return;
    this.#isShuttingDown = true;
    const { endpoint, taskManagerId, sessionId, bus, logger } = this.#options;
    logger.log('info', 'the TaskManager shuts down', { reason });
    this.#resourceManager.stop();
    this.#slots.silence();
    const jobs = this.#jobs.ids();
    const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
    for (const slot of this.#slots.all()) {
      if (slot.allocationId !== null) slot.free(slot.allocationId, reason);
      slot.process?.stop(toErrorRecord(new MillraceError('TASK_MANAGER_SHUTDOWN', reason)), this.#settings.shutdownMs);
    }
    this.#checkIdle();
    await idle;
    const goodbye = { taskManagerId, sessionId, reason };
    endpoint.tell({ kind: 'resource-manager' }, 'task-manager.disconnected', goodbye, { leaderEpoch: this.#fence.epoch });
    for (const jobId of jobs)
      endpoint.tell({ kind: 'job', jobId }, 'task-manager.disconnected', goodbye, { leaderEpoch: this.#fence.epoch });
    for (const jobId of jobs) this.#jobs.disconnect(jobId);
    await bus.flush().catch((error: unknown) => logger.log('debug', 'the goodbye may be lost', { error: toErrorRecord(error).message }));
  }

  #connect(): ResourceManagerConnection {
    const { clock, bus, endpoint, logger, taskManagerId, onFatal } = this.#options;
    return new ResourceManagerConnection({
      ...this.#monitoring(),
      name: `registration of ${taskManagerId}`,
      clock,
      bus,
      endpoint,
      logger,
      registration: this.#settings.registration,
      epoch: () => this.#fence.epoch,
      describe: () => this.#describe(),
      onGiveUp: (why) => onFatal(`TaskManager ${taskManagerId} gives up: ${why}`),
    });
  }

  #monitoring() {
    const { clock, bus, onTransition } = this.#options;
    return {
      intervalMs: this.#settings.heartbeatIntervalMs,
      timeoutMs: this.#settings.heartbeatTimeoutMs,
      graceMs: heartbeatDefaults.graceMs,
      clock,
      bus,
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed: (error: unknown) => this.#effectFailed(error),
    };
  }

  #describe(): MessageBody<'task-manager.register'> {
    const { taskManagerId, sessionId, host, pid } = this.#options;
    return { taskManagerId, sessionId, host, pid, startedAt: this.#startedAt, slots: this.#slots.statuses() };
  }

  #serve(): void {
    const { endpoint, taskManagerId } = this.#options;
    const handlers: Handlers = {
      'slot.request': (body) => this.#requestSlot(body),
      'slot.free': ({ allocationId, reason }) => {
        const slot = this.#slots.of(allocationId);
        if (slot === undefined) this.#count('freeing of an allocation that is gone');
        else slot.free(allocationId, reason);
        return {};
      },
      'resource-manager.heartbeat': ({ sessionId }) => {
        if (sessionId === this.#options.sessionId) this.#resourceManager.heard();
        else this.#count('heartbeat of the ResourceManager for another session');
        return { sessionId: this.#options.sessionId, slots: this.#slots.statuses() };
      },
      'scheduler.heartbeat': (body) => this.#jobs.heartbeat(body),
      'task.deploy': (descriptor) => this.#deploy(descriptor),
      'task.cancel': ({ attemptId }) => this.#cancel(attemptId),
    };
    endpoint.serve({ kind: 'task-manager', taskManagerId }, { handlers, fence: this.#fence.gate });
    endpoint.serve(
      { kind: 'leader-events' },
      { handlers: { 'leader.announced': (_, envelope) => this.#leaderAnnounced(envelope) }, fence: this.#fence.gate },
    );
  }

  #createSlots(code: JobCodeFetcher): SlotTable {
    const { taskManagerId, sessionId, host, endpoint, subjects, spawner, chunks, clock, logger, onFatal, onTransition } = this.#options;
    const { slots, slotTimeoutMs } = this.#settings;
    return new SlotTable({
      slots,
      slotTimeoutMs,
      taskManagerId,
      sessionId,
      host,
      endpoint,
      subjects,
      router: this.#router,
      spawner,
      code,
      chunks,
      clock,
      logger,
      epoch: () => this.#fence.epoch,
      onChanged: () => this.#slotChanged(),
      onFatal,
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed: (error) => this.#effectFailed(error),
    });
  }

  #requestSlot({ jobId, allocationId, slot: index, sessionId }: MessageBody<'slot.request'>): MessageReply<'slot.request'> {
    if (sessionId !== this.#options.sessionId) {
      this.#count('slot request for another session');
      return { kind: 'refused', reason: 'stale-session', holder: null };
    }
    const slot = this.#slots.at(index);
    if (slot === undefined) return { kind: 'refused', reason: 'unknown-slot', holder: null };
    if (slot.state === 'FREE' && !this.#isShuttingDown) slot.allocate(jobId, allocationId);
    const isOurs = slot.allocationId === allocationId && slot.state !== 'RELEASING';
    return isOurs ? { kind: 'allocated' } : { kind: 'refused', reason: 'occupied', holder: slot.allocationId };
  }

  #deploy(descriptor: TaskDeploymentDescriptor): MessageReply<'task.deploy'> {
    const { allocationId, jobId } = descriptor;
    const slot = this.#slots.of(allocationId);
    if (slot === undefined || slot.jobId !== jobId) {
      this.#count('deployment into an allocation that is gone');
      return refused(`it has no slot for allocation ${allocationId} of job ${jobId}`);
    }
    slot.deployReceived(allocationId);
    if (slot.state !== 'ACTIVE' || slot.process === undefined) return refused(`slot ${slot.slot} is ${slot.state}`);
    if (!slot.process.deploy(descriptor)) this.#count('deployment of an attempt that was deployed');
    return { kind: 'accepted' };
  }

  #cancel(attemptId: AttemptId): MessageReply<'task.cancel'> {
    const known = this.#slots.cancel(attemptId);
    if (!known) this.#count('cancelling of an attempt that is not here');
    return { known };
  }

  /** The first leader seen may not be the one that was registered with, so its announcement counts too. */
  #leaderAnnounced({ leaderEpoch }: Envelope): void {
    if (leaderEpoch === this.#handledEpoch) {
      this.#count('announcement of a leader that is known');
      return;
    }
    this.#handledEpoch = leaderEpoch;
    this.#resourceManager.leaderChanged();
  }

  #leaderChanged(epoch: LeaderEpoch, earlier: LeaderEpoch): void {
    const reason = `leader ${earlier} was replaced by ${epoch}`;
    this.#options.logger.log('info', 'a new leader', { epoch, earlier });
    this.#handledEpoch = epoch;
    this.#jobs.loseAll(reason);
    this.#resourceManager.leaderChanged();
  }

  #slotChanged(): void {
    this.#jobs.follow();
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#isShuttingDown && this.#slots.isIdle) this.#onIdle?.();
  }

  #count(what: string): void {
    this.#stale.set(what, (this.#stale.get(what) ?? 0) + 1);
  }

  #effectFailed(error: unknown): void {
    this.#options.logger.log('error', 'an effect of the TaskManager failed', { error: toErrorRecord(error) });
  }
}

function refused(why: string): MessageReply<'task.deploy'> {
  const error = new MillraceError('SLOT_NOT_ACTIVE', `the TaskManager cannot take the task: ${why}`, { recovery: 'restart-job' });
  return { kind: 'refused', error: toErrorRecord(error) };
}
