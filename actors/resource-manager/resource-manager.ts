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
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint, Envelope, Handlers, Service } from '../../bus/endpoint-contract.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { toErrorRecord } from '../../core/errors.js';
import { allocationId, type JobId, type LeaderEpoch } from '../../core/ids.js';
import type { CorePorts, TimerHandle } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { heartbeatDefaults } from '../runtime/heartbeat-monitor.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import { JobRequirements } from './job-requirements.js';
import type { TaskManagerOverview } from './overview.js';
import type { RegisteredTaskManager } from './registered-task-manager.js';
import { matchSlots } from './slot-matching.js';
import { TaskManagerRegistry, type RemovedTaskManager } from './task-manager-registry.js';

export interface ResourceManagerOptions extends CorePorts {
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  /** The connection of the endpoint: its losses excuse those who do not answer. */
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly heartbeat?: HeartbeatMonitorInput;
  readonly onTransition?: (record: TransitionRecord) => void;
}

/** Requirements and registrations of this time are matched together, so that slots spread evenly. */
const matchDelayMs = 10;
/** Pause before a slot is tried again that its TaskManager did not give. */
const retryDelayMs = 250;
const startPauseMsMax = 10_000;

/** RM5. */
function startPauseMs(startFailures: number): number {
  return Math.min(retryDelayMs * 2 ** Math.min(startFailures - 1, 10), startPauseMsMax);
}

/** See the head of this file. */
export class ResourceManager {
  readonly #options: ResourceManagerOptions;
  readonly #heartbeat: HeartbeatMonitorInput;
  readonly #taskManagers: TaskManagerRegistry;
  readonly #jobs: JobRequirements;
  #service: Service | undefined;
  #matching: { readonly timer: TimerHandle; readonly at: number } | undefined;
  #isStopped = false;

  constructor(options: ResourceManagerOptions) {
    this.#options = options;
    this.#heartbeat = options.heartbeat ?? heartbeatDefaults;
    const peers = { ...options, heartbeat: this.#heartbeat, onEffectFailed: (error: unknown) => this.#effectFailed(error) };
    this.#taskManagers = new TaskManagerRegistry({
      ...peers,
      onFreed: (wasGivenBack) => this.#match(wasGivenBack ? matchDelayMs : retryDelayMs),
      onRemoved: (removed) => this.#removed(removed),
    });
    this.#jobs = new JobRequirements({ ...peers, onChanged: () => this.#match(matchDelayMs) });
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
    this.#taskManagers.stop();
    this.#jobs.stop();
  }

  /** The registered TaskManagers, in the order they registered. */
  overview(): readonly TaskManagerOverview[] {
    return this.#taskManagers.all().map((taskManager) => taskManager.overview());
  }

  handlers(): Handlers {
    return {
      'task-manager.register': (body) => this.#register(body),
      'task-manager.disconnected': (body) => this.#taskManagers.remove(body),
      'slot.available': ({ taskManagerId, sessionId, slot, allocationId: allocation, startFailures = 0 }) => {
        const taskManager = this.#taskManagers.session(taskManagerId, sessionId);
        if (startFailures > 0) taskManager?.holdBack(slot, this.#options.clock.monotonic() + startPauseMs(startFailures));
        taskManager?.slot(slot)?.send({ type: 'BECAME_AVAILABLE', allocationId: allocation });
      },
      'resource-manager.declare-requirements': ({ jobId, version, slots }) => {
        this.#jobs.declare(jobId, version, slots);
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
    this.#taskManagers.register(body);
    this.#match(matchDelayMs);
    return { kind: 'registered', heartbeatIntervalMs: this.#heartbeat.intervalMs, heartbeatTimeoutMs: this.#heartbeat.timeoutMs };
  }

  #removed({ taskManagerId, sessionId, reason }: RemovedTaskManager): void {
    const { endpoint, leaderEpoch } = this.#options;
    for (const jobId of this.#jobs.ids()) {
      endpoint.tell({ kind: 'job', jobId }, 'task-manager.disconnected', { taskManagerId, sessionId, reason }, { leaderEpoch });
    }
    this.#match(matchDelayMs);
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
    const { random, clock } = this.#options;
    const taskManagers = this.#taskManagers.all();
    const heldBy = (jobId: JobId): number => taskManagers.reduce((sum, taskManager) => sum + taskManager.heldBy(jobId), 0);
    const { matches, shortages } = matchSlots(
      this.#jobs.needs(heldBy),
      taskManagers.map((taskManager) => ({
        taskManagerId: taskManager.taskManagerId,
        free: taskManager.freeSlots(clock.monotonic()),
        total: taskManager.total,
      })),
    );
    for (const { jobId, taskManagerId, slot } of matches) {
      const host = this.#taskManagers.get(taskManagerId)?.slot(slot);
      host?.send({ type: 'REQUEST', jobId, allocationId: allocationId(random.hex(16)) });
    }
    this.#matchReleased(taskManagers, shortages.length > 0);
    for (const shortage of shortages) this.#jobs.tellShortage(shortage, taskManagers.length);
  }

  /** A job that is short waits for the slots that are held back, too. */
  #matchReleased(taskManagers: readonly RegisteredTaskManager[], isShort: boolean): void {
    const releases = taskManagers.flatMap((taskManager) => taskManager.nextRelease() ?? []);
    if (isShort && releases.length > 0) this.#match(Math.max(matchDelayMs, Math.min(...releases) - this.#options.clock.monotonic()));
  }

  #effectFailed(error: unknown): void {
    this.#options.logger.log('error', 'the ResourceManager could not perform an effect', { error: toErrorRecord(error) });
  }
}
