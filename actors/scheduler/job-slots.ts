/**
 * The slots of a job and the TaskManagers they are on: accepts offers, watches the TaskManagers, notices what is lost, gives
 * everything back at the end.
 *
 * JS1  Offers are accepted only between `open` and `release` or `drop`, and never from a session that another one replaced. A
 *      TaskManager that was lost because it could not be reached is welcome again.
 * JS2  Every loss of slots is told once, with all slots it took at once.
 * JS3  A TaskManager is watched from the first slot it gave until it has none left.
 * JS4  A slot that could not be started so often as `limits.slotStartFailuresMax` in a row fails the job: nothing else is free.
 */
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint, Handlers } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import { fromErrorRecord, MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AllocationId, AttemptId, CheckpointId, JobId, LeaderEpoch, SessionId, TaskManagerId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { HeartbeatMonitorInput } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import type { Expected, Findings } from './reconciliation.js';
import type { PooledSlot, SlotPool } from './slot-pool.js';
import { SlotRequirements } from './slot-requirements.js';
import { TaskManagerLink } from './task-manager-link.js';

export interface JobSlotsOptions {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  readonly bus: Pick<Bus, 'onStatus'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly heartbeat: HeartbeatMonitorInput;
  readonly pool: SlotPool;
  /** What the job believes to run on a TaskManager. */
  readonly attemptsOn: (taskManagerId: TaskManagerId) => {
    readonly attempts: readonly Expected<AttemptId>[];
    readonly known: ReadonlySet<AttemptId>;
  };
  readonly latestCheckpointId: () => CheckpointId | undefined;
  readonly onAccepted: () => void;
  readonly onLost: (slots: readonly PooledSlot[], error: MillraceError) => void;
  /** No restart can help. */
  readonly onUnstartable: (error: MillraceError) => void;
  readonly onFindings: (taskManagerId: TaskManagerId, findings: Findings) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

/** How long giving a slot back may take before it is tried again; the end of the heartbeats frees it too. */
const freeMs = 2_000;
/** Sessions remembered as replaced: a delayed offer of an older one would need that many restarts in between. */
const replacedSessionsMax = 64;

export class JobSlots {
  readonly #options: JobSlotsOptions;
  readonly #requirements: SlotRequirements;
  readonly #links = new Map<TaskManagerId, TaskManagerLink>();
  /** Beat from which on the TaskManager knows that its offer was accepted. */
  readonly #acceptedAtBeat = new Map<AllocationId, number>();
  readonly #replacedSessions = new Set<SessionId>();
  /** By TaskManager and slot: how often in a row its thread could not be started for this job. */
  readonly #startFailures = new Map<string, number>();
  #shortage: MessageBody<'resource-manager.resources-short'> | undefined;
  #isOpen = false;

  constructor(options: JobSlotsOptions) {
    this.#options = options;
    this.#requirements = new SlotRequirements({ ...options, isSatisfied: () => options.pool.held >= options.pool.required });
  }

  handlers(): Handlers {
    return {
      'slot.offer': (body) => ({ accepted: [...this.#accept(body)] }),
      'slot.failed': ({ taskManagerId, slot: index, allocationId, error }) => {
        this.#countStart(taskManagerId, index, error);
        this.#lose(
          (slot) => slot.allocationId === allocationId,
          new MillraceError('SLOT_LOST', 'the slot is gone with all its tasks', { domain: 'external', cause: fromErrorRecord(error) }),
        );
        return {};
      },
      'task-manager.disconnected': ({ taskManagerId, sessionId, reason }) => this.#loseTaskManager(taskManagerId, sessionId, reason),
      'resource-manager.job-heartbeat': ({ jobId }) => ({ jobId, ...this.#requirements.declared }),
      'resource-manager.resources-short': (body) => {
        const before = this.shortage;
        this.#shortage = body;
        const now = this.shortage;
        // Told again as often as the requirement is declared.
        if (now !== undefined && (now.required !== before?.required || now.available !== before.available))
          this.#options.logger.log('warn', 'the job waits for slots', { ...now });
      },
    };
  }

  /** A task of the job runs in the slot. */
  started({ taskManagerId, slot }: PooledSlot): void {
    this.#startFailures.delete(`${taskManagerId}/${slot}`);
  }

  /** Requires what the job needs and does not have. */
  open(): void {
    this.#isOpen = true;
    this.#shortage = undefined;
    this.#requirements.require(this.#options.pool.required);
  }

  /** Gives every slot back. */
  release(reason: string): void {
    const { pool, endpoint, jobId, leaderEpoch, logger } = this.#options;
    for (const { taskManagerId, allocationId } of pool.slots()) {
      endpoint
        .ask(
          { kind: 'task-manager', taskManagerId },
          'slot.free',
          { jobId, allocationId, reason },
          { timeoutMs: freeMs, attempts: limits.askAttemptsMax, leaderEpoch },
        )
        .catch((error: unknown) =>
          logger.log('debug', 'a slot could not be given back', { allocationId, error: toErrorRecord(error).message }),
        );
    }
    this.#requirements.require(0);
    this.drop();
  }

  /** Lets go of everything without telling anybody. */
  drop(): void {
    this.#isOpen = false;
    this.#requirements.stop();
    for (const link of this.#links.values()) link.stop();
    this.#links.clear();
    this.#options.pool.lose(() => true);
  }

  /** Beat of a TaskManager from which on its answers know what it confirmed just now. */
  nextBeatOf(taskManagerId: TaskManagerId): number {
    return this.#links.get(taskManagerId)?.nextBeat ?? 0;
  }

  /** What the ResourceManager said of the slots the job waits for; undefined when it has them all, or was not told. */
  get shortage(): JobSummary['shortage'] {
    const { pool } = this.#options;
    if (!this.#isOpen || this.#shortage === undefined || pool.held >= pool.required) return undefined;
    const { available, taskManagers } = this.#shortage;
    return { required: pool.required, available, taskManagers };
  }

  /** Why the job does not get its slots. */
  shortageError(waitedMs: number): MillraceError {
    const { pool, jobName } = this.#options;
    const known =
      this.#shortage === undefined
        ? ''
        : `; ${this.#shortage.taskManagers} TaskManagers are registered and have ${this.#shortage.available} slots for it`;
    return new MillraceError(
      'NO_RESOURCES',
      `job "${jobName}" requires ${pool.required} slots but has got ${pool.held} within ${waitedMs} ms${known}`,
      {
        domain: 'external',
        recovery: 'fail-job',
        hint: 'Start more TaskManagers, raise taskmanager.numberOfTaskSlots, or lower the parallelism; slot.request.timeout says how long a job waits.',
      },
    );
  }

  /** JS4. */
  #countStart(taskManagerId: TaskManagerId, slot: number, error: ErrorRecord): void {
    const key = `${taskManagerId}/${slot}`;
    if (error.code !== 'SLOT_NOT_STARTED' || !this.#isOpen) {
      this.#startFailures.delete(key);
      return;
    }
    const failures = (this.#startFailures.get(key) ?? 0) + 1;
    this.#startFailures.set(key, failures);
    if (failures < limits.slotStartFailuresMax) return;
    this.#startFailures.delete(key);
    this.#options.onUnstartable(
      new MillraceError(
        'SLOTS_CANNOT_START',
        `slot ${slot} of TaskManager ${taskManagerId} could not be started ${failures} times in a row`,
        {
          domain: 'external',
          recovery: 'fail-job',
          where: `TaskManager ${taskManagerId}`,
          hint: 'Look at its log; its NODE_OPTIONS, its memory and its installation are what threads start with.',
          cause: fromErrorRecord(error),
        },
      ),
    );
  }

  #accept({ taskManagerId, sessionId, slots }: MessageBody<'slot.offer'>): readonly AllocationId[] {
    if (!this.#isOpen || this.#replacedSessions.has(sessionId)) return [];
    const link = this.#links.get(taskManagerId);
    if (link !== undefined && link.sessionId !== sessionId) {
      this.#forbid(link.sessionId);
      this.#loseTaskManager(taskManagerId, link.sessionId, 'was started again');
    }
    const accepted = this.#options.pool.offer(slots.map(({ slot, allocationId }) => ({ taskManagerId, sessionId, slot, allocationId })));
    if (accepted.length > 0) this.#watch(taskManagerId, sessionId);
    const nextBeat = this.nextBeatOf(taskManagerId);
    for (const allocationId of accepted) if (!this.#acceptedAtBeat.has(allocationId)) this.#acceptedAtBeat.set(allocationId, nextBeat);
    if (accepted.length > 0) this.#options.onAccepted();
    return accepted;
  }

  #watch(taskManagerId: TaskManagerId, sessionId: SessionId): void {
    if (this.#links.has(taskManagerId)) return;
    const { pool, attemptsOn, jobId, latestCheckpointId } = this.#options;
    const link = new TaskManagerLink({
      ...this.#options,
      taskManagerId,
      sessionId,
      heartbeatBody: () => ({
        jobId,
        sessionId,
        allocations: pool.slotsOf(taskManagerId).map(({ allocationId }) => allocationId),
        latestCheckpointId: latestCheckpointId() ?? null,
      }),
      beliefs: () => ({
        ...attemptsOn(taskManagerId),
        allocations: pool
          .slotsOf(taskManagerId)
          .map(({ allocationId }) => ({ id: allocationId, sinceBeat: this.#acceptedAtBeat.get(allocationId) ?? 0 })),
      }),
      onFindings: (findings) => {
        const lost = new Set(findings.lostAllocations);
        if (lost.size > 0) {
          this.#lose(
            (slot) => lost.has(slot.allocationId),
            new MillraceError('SLOT_LOST', `TaskManager ${taskManagerId} does not have the slot any more`, { domain: 'external' }),
          );
        }
        this.#options.onFindings(taskManagerId, findings);
      },
      onLost: (reason, isReplaced) => {
        if (isReplaced) this.#forbid(sessionId);
        this.#loseTaskManager(taskManagerId, sessionId, reason);
      },
    });
    this.#links.set(taskManagerId, link);
  }

  #forbid(sessionId: SessionId): void {
    this.#replacedSessions.add(sessionId);
    for (const oldest of this.#replacedSessions) {
      if (this.#replacedSessions.size <= replacedSessionsMax) break;
      this.#replacedSessions.delete(oldest);
    }
  }

  #loseTaskManager(taskManagerId: TaskManagerId, sessionId: SessionId, reason: string): void {
    const error = new MillraceError('TASK_MANAGER_LOST', `TaskManager ${taskManagerId} ${reason}`, {
      domain: 'external',
      where: `TaskManager ${taskManagerId}`,
    });
    this.#lose((slot) => slot.taskManagerId === taskManagerId && slot.sessionId === sessionId, error);
  }

  #lose(isLost: (slot: PooledSlot) => boolean, error: MillraceError): void {
    const { pool, logger, onLost } = this.#options;
    const slots = pool.slots().filter(isLost);
    if (slots.length === 0) return;
    pool.lose(isLost);
    for (const { allocationId } of slots) this.#acceptedAtBeat.delete(allocationId);
    this.#unwatchEmpty();
    logger.log('warn', 'slots of the job are lost', { slots: slots.length, reason: error.message });
    onLost(slots, error);
  }

  #unwatchEmpty(): void {
    for (const [taskManagerId, link] of [...this.#links]) {
      if (this.#options.pool.slotsOf(taskManagerId).length > 0) continue;
      link.stop();
      this.#links.delete(taskManagerId);
    }
  }
}
