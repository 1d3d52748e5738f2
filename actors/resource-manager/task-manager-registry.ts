/** The TaskManagers that registered, one session of each (RM1), their slots as they report them (RM3), until they fall silent (RM4). */
import type { MessageBody } from '../../bus/protocol/registry.js';
import { toErrorRecord } from '../../core/errors.js';
import type { AllocationId, JobId, SessionId, TaskManagerId } from '../../core/ids.js';
import type { HeartbeatMonitor } from '../runtime/heartbeat-monitor.js';
import { RegisteredTaskManager } from './registered-task-manager.js';
import { unanswered, watch, type PeerOptions } from './watched-peers.js';

export interface TaskManagerRegistryOptions extends PeerOptions {
  /** A slot is free again; given back, or not given at all. */
  readonly onFreed: (wasGivenBack: boolean) => void;
  readonly onRemoved: (removed: RemovedTaskManager) => void;
}

export interface RemovedTaskManager {
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  /** Goes on a sentence that begins with the TaskManager. */
  readonly reason: string;
}

interface Allocation {
  readonly jobId: JobId;
  readonly allocationId: AllocationId;
}

const slotRequestMs = 2_000;

/** See the head of this file. */
export class TaskManagerRegistry {
  readonly #options: TaskManagerRegistryOptions;
  readonly #taskManagers = new Map<TaskManagerId, RegisteredTaskManager>();
  #isStopped = false;

  constructor(options: TaskManagerRegistryOptions) {
    this.#options = options;
  }

  /** In the order they registered. */
  all(): readonly RegisteredTaskManager[] {
    return [...this.#taskManagers.values()];
  }

  get(taskManagerId: TaskManagerId): RegisteredTaskManager | undefined {
    return this.#taskManagers.get(taskManagerId);
  }

  /** Undefined when another session of it is registered, or none. */
  session(taskManagerId: TaskManagerId, sessionId: SessionId): RegisteredTaskManager | undefined {
    const present = this.#taskManagers.get(taskManagerId);
    return present?.sessionId === sessionId ? present : undefined;
  }

  /** RM1. */
  register(body: MessageBody<'task-manager.register'>): void {
    const { taskManagerId, sessionId, host, pid, slots } = body;
    const present = this.#taskManagers.get(taskManagerId);
    if (present?.sessionId === sessionId) {
      present.report(slots);
      return;
    }
    if (present !== undefined) this.remove({ taskManagerId, sessionId: present.sessionId, reason: 'was started again' });
    this.#add(body);
    this.#options.logger.log('info', 'a TaskManager registered', { taskManagerId, sessionId, at: { host, pid }, slots: slots.length });
  }

  remove(removed: RemovedTaskManager): void {
    const { taskManagerId, sessionId, reason } = removed;
    const taskManager = this.session(taskManagerId, sessionId);
    if (taskManager === undefined || this.#isStopped) return;
    this.#options.logger.log('warn', `a TaskManager ${reason}`, { taskManagerId, sessionId });
    taskManager.monitor?.stop();
    this.#taskManagers.delete(taskManagerId);
    this.#options.onRemoved(removed);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { monitor } of this.#taskManagers.values()) monitor?.stop();
  }

  #add({ taskManagerId, sessionId, host, pid, slots }: MessageBody<'task-manager.register'>): void {
    const { onTransition, onEffectFailed, onFreed } = this.#options;
    const taskManager = new RegisteredTaskManager(
      {
        ...(onTransition === undefined ? {} : { onTransition }),
        onEffectFailed,
        taskManagerId,
        sessionId,
        host,
        pid,
        requestSlot: (slot, allocation) => this.#requestSlot(taskManager, slot, allocation),
        onFreed,
      },
      slots,
    );
    this.#taskManagers.set(taskManagerId, taskManager);
    taskManager.monitor = this.#watch(taskManager);
  }

  #watch(taskManager: RegisteredTaskManager): HeartbeatMonitor {
    const { taskManagerId, sessionId } = taskManager;
    return watch(this.#options, {
      name: `task-manager.${taskManagerId}`,
      send: () => this.#beat(taskManager),
      onLost: (loss) => {
        const isSilent = loss === 'timeout';
        const reason = isSilent ? `did not answer for ${this.#options.heartbeat.timeoutMs} ms` : 'is not there any more';
        this.remove({ taskManagerId, sessionId, reason });
      },
    });
  }

  #beat(taskManager: RegisteredTaskManager): void {
    const { endpoint, leaderEpoch, heartbeat } = this.#options;
    const { taskManagerId, sessionId } = taskManager;
    const to = { kind: 'task-manager', taskManagerId } as const;
    endpoint.ask(to, 'resource-manager.heartbeat', { sessionId }, { timeoutMs: heartbeat.timeoutMs, leaderEpoch }).then(
      (answer) => {
        if (this.session(taskManagerId, sessionId) !== taskManager) return;
        if (answer.sessionId === sessionId) {
          taskManager.monitor?.received();
          taskManager.report(answer.slots);
        } else this.remove({ taskManagerId, sessionId, reason: 'was started again' });
      },
      (error: unknown) => unanswered(taskManager.monitor, error),
    );
  }

  #requestSlot(taskManager: RegisteredTaskManager, slot: number, allocation: Allocation): void {
    const { endpoint, leaderEpoch, logger } = this.#options;
    const { taskManagerId, sessionId } = taskManager;
    const { allocationId } = allocation;
    const to = { kind: 'task-manager', taskManagerId } as const;
    endpoint.ask(to, 'slot.request', { ...allocation, slot, sessionId }, { timeoutMs: slotRequestMs, leaderEpoch }).then(
      (reply) => {
        if (reply.kind === 'allocated') taskManager.slot(slot)?.send({ type: 'REQUEST_ACCEPTED', allocationId });
        else taskManager.slot(slot)?.send({ type: 'REQUEST_REFUSED', allocationId, holder: reply.holder });
      },
      (error: unknown) => {
        logger.log('warn', 'a TaskManager did not answer a slot request', { taskManagerId, slot, error: toErrorRecord(error).message });
        taskManager.slot(slot)?.send({ type: 'REQUEST_FAILED', allocationId });
      },
    );
  }
}
