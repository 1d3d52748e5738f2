/**
 * The slots of a TaskManager: makes them, finds them, and tells the ResourceManager and the jobs about them. What becomes
 * of a slot is decided by its machine (TS1–TS6).
 */
import { toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { AllocationId, AttemptId, JobId, LeaderEpoch, SessionId, TaskManagerId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, SlotSpawner } from '../../core/ports.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { SlotStatus } from '../../bus/protocol/messages/cluster.js';
import type { Subjects } from '../../bus/protocol/subjects.js';
import type { ThreadBusRouter } from '../../bus/transports/thread/thread-bus-router.js';
import type { ChunkStore } from '../../dataflow/task-runtime.js';
import type { TransitionRecord } from '../runtime/machine-host.js';
import type { FromSlot, ToSlot } from '../task/slot-messages.js';
import type { JobCodeFetcher } from './job-code-fetcher.js';
import { SlotProcess } from './slot-process.js';
import { TaskSlot } from './task-slot.js';

export interface SlotTableOptions {
  readonly slots: number;
  readonly slotTimeoutMs: number;
  readonly taskManagerId: TaskManagerId;
  readonly sessionId: SessionId;
  /** For people. */
  readonly host: string;
  readonly endpoint: Endpoint;
  readonly subjects: Subjects;
  readonly router: ThreadBusRouter;
  readonly spawner: SlotSpawner<FromSlot, ToSlot>;
  readonly code: JobCodeFetcher;
  readonly chunks: ChunkStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the leader whose jobs have the slots. */
  readonly epoch: () => LeaderEpoch;
  readonly onChanged: () => void;
  readonly onFatal: (reason: string) => void;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly onEffectFailed: (error: unknown) => void;
}

const offerTimeoutMs = 1_000;
const offerRetryMs = 200;

export class SlotTable {
  readonly #options: SlotTableOptions;
  readonly #slots: readonly TaskSlot[];
  #isSilent = false;

  constructor(options: SlotTableOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.slots }, (_, slot) => this.#create(slot));
  }

  all(): readonly TaskSlot[] {
    return this.#slots;
  }

  at(slot: number): TaskSlot | undefined {
    return this.#slots[slot];
  }

  of(allocationId: AllocationId): TaskSlot | undefined {
    return this.#slots.find((slot) => slot.allocationId === allocationId);
  }

  ofJob(jobId: JobId): readonly TaskSlot[] {
    return this.#slots.filter((slot) => slot.jobId === jobId);
  }

  statuses(): SlotStatus[] {
    return this.#slots.map((slot) => slot.status());
  }

  /** Whether the attempt was here to be cancelled. */
  cancel(attemptId: AttemptId): boolean {
    return this.#slots.some((slot) => slot.process?.cancel(attemptId) === true);
  }

  get isIdle(): boolean {
    return this.#slots.every(({ state }) => state === 'FREE');
  }

  /** From now on no slot is announced free: the TaskManager leaves. */
  silence(): void {
    this.#isSilent = true;
  }

  #create(slot: number): TaskSlot {
    const { slotTimeoutMs, clock, endpoint, taskManagerId, sessionId, epoch, onChanged, onTransition, onEffectFailed } = this.#options;
    return new TaskSlot({
      slot,
      slotTimeoutMs,
      offerRetryMs,
      clock,
      startProcess: (jobId, allocationId, onEnded) => this.#start(slot, jobId, allocationId, onEnded),
      offer: (...offer) => this.#offer(...offer),
      reportSlotFailed: (index, jobId, allocationId, error) => {
        const body = { jobId, taskManagerId, slot: index, allocationId, error };
        endpoint
          .ask({ kind: 'job', jobId }, 'slot.failed', body, { leaderEpoch: epoch(), attempts: limits.askAttemptsMax })
          .catch((failure: unknown) => this.#unheard('slot.failed', failure));
      },
      announceFree: (index, jobId, allocationId, startFailures) => {
        this.#options.logger.log('info', 'a slot is free again', { slot: index, jobId, allocationId });
        if (this.#isSilent) return;
        const body = { taskManagerId, sessionId, slot: index, allocationId, startFailures };
        endpoint.tell({ kind: 'resource-manager' }, 'slot.available', body, { leaderEpoch: epoch() });
      },
      onChanged,
      ...(onTransition === undefined ? {} : { onTransition }),
      onEffectFailed,
    });
  }

  #start(slot: number, jobId: JobId, allocationId: AllocationId, onEnded: (error: ErrorRecord) => void): SlotProcess {
    const { taskManagerId, sessionId, subjects, spawner, router, clock, logger, code, chunks, onFatal, endpoint, epoch } = this.#options;
    const { prefix: subjectPrefix, clusterId } = subjects;
    const { payloadBytesMax } = router;
    logger.log('info', 'a slot is allocated', { slot, jobId, allocationId });
    return new SlotProcess({
      start: { taskManagerId, sessionId, slot, jobId, allocationId, payloadBytesMax, subjectPrefix, clusterId },
      spawner,
      router,
      clock,
      logger,
      resolveCode: (wanted) => code.resolve(wanted),
      chunks,
      onProgress: (tasks) => {
        endpoint
          .ask({ kind: 'job', jobId }, 'task.progressed', { jobId, tasks: [...tasks] }, { leaderEpoch: epoch() })
          .catch((failure: unknown) => this.#unheard('task.progressed', failure));
      },
      onEnded,
      onFatal,
    });
  }

  async #offer(slot: number, jobId: JobId, allocationId: AllocationId, offerId: number): Promise<'accepted' | 'rejected' | 'failed'> {
    const { endpoint, taskManagerId, sessionId, host, epoch } = this.#options;
    const body = { jobId, taskManagerId, sessionId, host, offerId, slots: [{ slot, allocationId }] };
    try {
      const { accepted } = await endpoint.ask({ kind: 'job', jobId }, 'slot.offer', body, {
        leaderEpoch: epoch(),
        timeoutMs: offerTimeoutMs,
      });
      return accepted.includes(allocationId) ? 'accepted' : 'rejected';
    } catch (error) {
      this.#unheard('slot.offer', error);
      return 'failed';
    }
  }

  #unheard(type: string, error: unknown): void {
    this.#options.logger.log('debug', `${type} was not answered`, { error: toErrorRecord(error).message });
  }
}
