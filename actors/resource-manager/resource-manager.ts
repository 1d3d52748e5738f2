/**
 * The ResourceManager: knows the TaskManagers and their slots, and gives slots to the jobs that require them.
 *
 * RM1  A TaskManager is registered under one session at a time; the same session again changes nothing, a new one replaces
 *      the old one, whose slots are gone, and every job is told.
 * RM2  A job is given slots until it holds what it requires; of its declarations the highest version counts.
 * RM3  What TaskManagers report with their heartbeats wins over what is remembered, so lost messages heal.
 * RM4  A job or TaskManager that does not answer heartbeats is forgotten.
 * RM5  A slot whose thread could not be started is left alone for a while, longer each time; others are taken meanwhile.
 */
import { BusError, type Bus } from '../../bus/contracts.js';
import type { Endpoint, Envelope, Handlers, Service } from '../../bus/endpoint-contract.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { toErrorRecord } from '../../core/errors.js';
import { allocationId, type AllocationId, type JobId, type LeaderEpoch, type SessionId, type TaskManagerId } from '../../core/ids.js';
import type { CorePorts, TimerHandle } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { HeartbeatMonitor, heartbeatDefaults } from '../runtime/heartbeat-monitor.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import type { TaskManagerOverview } from './overview.js';
import { RegisteredTaskManager } from './registered-task-manager.js';
import { matchSlots } from './slot-matching.js';

export interface ResourceManagerOptions extends CorePorts {
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  /** The connection of the endpoint: its losses excuse those who do not answer. */
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly heartbeat?: HeartbeatMonitorInput;
  readonly onTransition?: (record: TransitionRecord) => void;
}

interface JobRequirements {
  version: number;
  slots: number;
  readonly monitor: HeartbeatMonitor;
  /** What it was last told to be short of. */
  told: string | undefined;
}

/** Requirements and registrations of this time are matched together, so that slots spread evenly. */
const matchDelayMs = 10;
/** Pause before a slot is tried again that its TaskManager did not give. */
const retryDelayMs = 250;
const slotRequestMs = 2_000;
const startPauseMsMax = 10_000;

/** RM5. */
function startPauseMs(startFailures: number): number {
  return Math.min(retryDelayMs * 2 ** Math.min(startFailures - 1, 10), startPauseMsMax);
}

export class ResourceManager {
  readonly #options: ResourceManagerOptions;
  readonly #heartbeat: HeartbeatMonitorInput;
  readonly #taskManagers = new Map<TaskManagerId, RegisteredTaskManager>();
  readonly #jobs = new Map<JobId, JobRequirements>();
  #service: Service | undefined;
  #matching: { readonly timer: TimerHandle; readonly at: number } | undefined;
  #isStopped = false;

  constructor(options: ResourceManagerOptions) {
    this.#options = options;
    this.#heartbeat = options.heartbeat ?? heartbeatDefaults;
  }

  /** Starts to answer at the ResourceManager's address. */
  start(): void {
    this.#service = this.#options.endpoint.serve(
      { kind: 'resource-manager' },
      { handlers: this.handlers(), fence: (envelope) => this.#fence(envelope) },
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#service?.stop();
    this.#matching?.timer.cancel();
    for (const { monitor } of this.#taskManagers.values()) monitor?.stop();
    for (const { monitor } of this.#jobs.values()) monitor.stop();
  }

  /** The registered TaskManagers, in the order they registered. */
  overview(): readonly TaskManagerOverview[] {
    return [...this.#taskManagers.values()].map((taskManager) => taskManager.overview());
  }

  handlers(): Handlers {
    return {
      'task-manager.register': (body) => this.#register(body),
      'task-manager.disconnected': ({ taskManagerId, sessionId, reason }) => this.#remove(taskManagerId, sessionId, reason),
      'slot.available': ({ taskManagerId, sessionId, slot, allocationId: allocation, startFailures = 0 }) => {
        const taskManager = this.#session(taskManagerId, sessionId);
        if (startFailures > 0) taskManager?.holdBack(slot, this.#options.clock.monotonic() + startPauseMs(startFailures));
        taskManager?.slot(slot)?.send({ type: 'BECAME_AVAILABLE', allocationId: allocation });
      },
      'resource-manager.declare-requirements': ({ jobId, version, slots }) => {
        this.#declare(jobId, version, slots);
        return {};
      },
    };
  }

  /** A later leader's epoch means that this one is over; TaskManagers that register may not know the present one yet. */
  #fence({ leaderEpoch, type }: Envelope): string | undefined {
    const own = this.#options.leaderEpoch;
    if (leaderEpoch === own || (leaderEpoch < own && type === 'task-manager.register')) return undefined;
    return `epoch ${leaderEpoch} is not this leader's ${own}`;
  }

  #register(body: MessageBody<'task-manager.register'>): MessageReply<'task-manager.register'> {
    const { taskManagerId, sessionId, host, pid, slots } = body;
    const present = this.#taskManagers.get(taskManagerId);
    if (present?.sessionId === sessionId) present.report(slots);
    else {
      if (present !== undefined) this.#remove(taskManagerId, present.sessionId, 'was started again');
      this.#add(body);
      this.#options.logger.log('info', 'a TaskManager registered', { taskManagerId, sessionId, at: { host, pid }, slots: slots.length });
    }
    this.#match(matchDelayMs);
    return { kind: 'registered', heartbeatIntervalMs: this.#heartbeat.intervalMs, heartbeatTimeoutMs: this.#heartbeat.timeoutMs };
  }

  #add({ taskManagerId, sessionId, host, pid, slots }: MessageBody<'task-manager.register'>): void {
    const { clock, bus, onTransition } = this.#options;
    const common = {
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed: (error: unknown) => this.#effectFailed(error),
    };
    const taskManager = new RegisteredTaskManager(
      {
        ...common,
        taskManagerId,
        sessionId,
        host,
        pid,
        requestSlot: (slot, allocation) => this.#requestSlot(taskManager, slot, allocation),
        onFreed: (wasGivenBack) => this.#match(wasGivenBack ? matchDelayMs : retryDelayMs),
      },
      slots,
    );
    this.#taskManagers.set(taskManagerId, taskManager);
    taskManager.monitor = new HeartbeatMonitor({
      ...this.#heartbeat,
      ...common,
      name: `task-manager.${taskManagerId}`,
      clock,
      bus,
      send: () => this.#beatTaskManager(taskManager),
      onLost: (reason) =>
        this.#remove(
          taskManagerId,
          sessionId,
          reason === 'timeout' ? `did not answer for ${this.#heartbeat.timeoutMs} ms` : 'is not there any more',
        ),
    });
  }

  #beatTaskManager(taskManager: RegisteredTaskManager): void {
    const { endpoint, leaderEpoch } = this.#options;
    const { taskManagerId, sessionId } = taskManager;
    endpoint
      .ask(
        { kind: 'task-manager', taskManagerId },
        'resource-manager.heartbeat',
        { sessionId },
        { timeoutMs: this.#heartbeat.timeoutMs, leaderEpoch },
      )
      .then(
        (answer) => {
          if (this.#session(taskManagerId, sessionId) !== taskManager) return;
          if (answer.sessionId === sessionId) {
            taskManager.monitor?.received();
            taskManager.report(answer.slots);
          } else this.#remove(taskManagerId, sessionId, 'was started again');
        },
        (error: unknown) => this.#unanswered(taskManager.monitor, error),
      );
  }

  #remove(taskManagerId: TaskManagerId, sessionId: SessionId, reason: string): void {
    const taskManager = this.#session(taskManagerId, sessionId);
    if (taskManager === undefined || this.#isStopped) return;
    const { endpoint, leaderEpoch, logger } = this.#options;
    logger.log('warn', `a TaskManager ${reason}`, { taskManagerId, sessionId });
    taskManager.monitor?.stop();
    this.#taskManagers.delete(taskManagerId);
    for (const jobId of this.#jobs.keys()) {
      endpoint.tell({ kind: 'job', jobId }, 'task-manager.disconnected', { taskManagerId, sessionId, reason }, { leaderEpoch });
    }
    this.#match(matchDelayMs);
  }

  #declare(jobId: JobId, version: number, slots: number): void {
    const job = this.#jobs.get(jobId);
    if (job !== undefined && version < job.version) return;
    if (slots === 0) {
      this.#forget(jobId);
      return;
    }
    if (job === undefined) this.#jobs.set(jobId, { version, slots, monitor: this.#watchJob(jobId), told: undefined });
    else {
      job.version = version;
      job.slots = slots;
      job.told = undefined;
    }
    this.#match(matchDelayMs);
  }

  #watchJob(jobId: JobId): HeartbeatMonitor {
    const { clock, bus, onTransition, logger } = this.#options;
    return new HeartbeatMonitor({
      ...this.#heartbeat,
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed: (error) => this.#effectFailed(error),
      name: `job.${jobId}`,
      clock,
      bus,
      send: () => this.#beatJob(jobId),
      onLost: () => {
        logger.log('warn', 'a job does not answer any more; its requirements are dropped', { jobId });
        this.#forget(jobId);
      },
    });
  }

  #beatJob(jobId: JobId): void {
    const { endpoint, leaderEpoch } = this.#options;
    endpoint
      .ask({ kind: 'job', jobId }, 'resource-manager.job-heartbeat', { jobId }, { timeoutMs: this.#heartbeat.timeoutMs, leaderEpoch })
      .then(
        ({ slots, version }) => {
          const job = this.#jobs.get(jobId);
          job?.monitor.received();
          if (job !== undefined && version > job.version) this.#declare(jobId, version, slots);
        },
        (error: unknown) => this.#unanswered(this.#jobs.get(jobId)?.monitor, error),
      );
  }

  #forget(jobId: JobId): void {
    this.#jobs.get(jobId)?.monitor.stop();
    this.#jobs.delete(jobId);
  }

  /** Matches after a while; what was planned for later comes along. */
  #match(delayMs: number): void {
    const { clock } = this.#options;
    const at = clock.monotonic() + delayMs;
    if (this.#isStopped || (this.#matching !== undefined && this.#matching.at <= at)) return;
    this.#matching?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#matching = undefined;
      this.#matchNow();
    });
    this.#matching = { timer, at };
  }

  #matchNow(): void {
    const { endpoint, leaderEpoch, random, clock } = this.#options;
    const taskManagers = [...this.#taskManagers.values()];
    const held = (jobId: JobId): number => taskManagers.reduce((sum, taskManager) => sum + taskManager.heldBy(jobId), 0);
    const { matches, shortages } = matchSlots(
      [...this.#jobs].map(([jobId, { slots }]) => ({ jobId, required: slots, held: held(jobId) })),
      taskManagers.map((taskManager) => ({
        taskManagerId: taskManager.taskManagerId,
        free: taskManager.freeSlots(clock.monotonic()),
        total: taskManager.total,
      })),
    );
    for (const { jobId, taskManagerId, slot } of matches) {
      this.#taskManagers
        .get(taskManagerId)
        ?.slot(slot)
        ?.send({ type: 'REQUEST', jobId, allocationId: allocationId(random.hex(16)) });
    }
    this.#matchReleased(taskManagers, shortages.length > 0);
    for (const { jobId, required, available } of shortages) {
      const job = this.#jobs.get(jobId);
      const text = `${required} ${available} ${taskManagers.length}`;
      if (job === undefined || job.told === text) continue;
      job.told = text;
      const body = { jobId, required, available, taskManagers: taskManagers.length };
      endpoint.tell({ kind: 'job', jobId }, 'resource-manager.resources-short', body, { leaderEpoch });
    }
  }

  /** A job that is short waits for the slots that are held back, too. */
  #matchReleased(taskManagers: readonly RegisteredTaskManager[], isShort: boolean): void {
    const releases = taskManagers.flatMap((taskManager) => taskManager.nextRelease() ?? []);
    if (isShort && releases.length > 0) this.#match(Math.max(matchDelayMs, Math.min(...releases) - this.#options.clock.monotonic()));
  }

  #requestSlot(
    taskManager: RegisteredTaskManager,
    slot: number,
    allocation: { readonly jobId: JobId; readonly allocationId: AllocationId },
  ): void {
    const { endpoint, leaderEpoch, logger } = this.#options;
    const { taskManagerId, sessionId } = taskManager;
    endpoint
      .ask(
        { kind: 'task-manager', taskManagerId },
        'slot.request',
        { ...allocation, slot, sessionId },
        { timeoutMs: slotRequestMs, leaderEpoch },
      )
      .then(
        (reply) => {
          const answered = { allocationId: allocation.allocationId };
          if (reply.kind === 'allocated') taskManager.slot(slot)?.send({ type: 'REQUEST_ACCEPTED', ...answered });
          else taskManager.slot(slot)?.send({ type: 'REQUEST_REFUSED', ...answered, holder: reply.holder });
        },
        (error: unknown) => {
          logger.log('warn', 'a TaskManager did not answer a slot request', { taskManagerId, slot, error: toErrorRecord(error).message });
          taskManager.slot(slot)?.send({ type: 'REQUEST_FAILED', allocationId: allocation.allocationId });
        },
      );
  }

  #session(taskManagerId: TaskManagerId, sessionId: SessionId): RegisteredTaskManager | undefined {
    const present = this.#taskManagers.get(taskManagerId);
    return present?.sessionId === sessionId ? present : undefined;
  }

  #unanswered(monitor: HeartbeatMonitor | undefined, error: unknown): void {
    if (!this.#isStopped && error instanceof BusError && error.failure === 'no-responders') monitor?.noResponders();
  }

  #effectFailed(error: unknown): void {
    this.#options.logger.log('error', 'the ResourceManager could not perform an effect', { error: toErrorRecord(error) });
  }
}
