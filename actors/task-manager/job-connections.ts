/**
 * The jobs that have slots of a TaskManager, and what they are told at their heartbeats.
 *
 * JY1  A job is watched from its first active slot to its last.
 * JY2  A job that falls silent loses its own slots (TM3).
 * JY3  A heartbeat is answered with the truth about its slots and attempts at that moment (TM4).
 */
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import type { JobId, SessionId } from '../../core/ids.js';
import { JobConnection, type JobConnectionOptions } from './job-connection.js';
import type { SlotTable } from './slot-table.js';

export interface JobConnectionsOptions {
  readonly sessionId: SessionId;
  readonly slots: () => SlotTable;
  /** How each job's heartbeats are watched. */
  readonly monitoring: Omit<JobConnectionOptions, 'jobId' | 'onLost'>;
  /** A message was stale. */
  readonly count: (what: string) => void;
}

/** See the head of this file. */
export class JobConnections {
  readonly #options: JobConnectionsOptions;
  readonly #jobs = new Map<JobId, JobConnection>();

  constructor(options: JobConnectionsOptions) {
    this.#options = options;
  }

  ids(): readonly JobId[] {
    return [...this.#jobs.keys()];
  }

  /** Slots changed: watches the jobs that have active ones (JY1). */
  follow(): void {
    const active = new Set(
      this.#slots
        .all()
        .filter(({ state }) => state === 'ACTIVE')
        .flatMap(({ jobId }) => jobId ?? []),
    );
    for (const jobId of active) if (!this.#jobs.has(jobId)) this.#connect(jobId);
    for (const jobId of this.ids()) if (!active.has(jobId)) this.disconnect(jobId);
  }

  heartbeat(body: MessageBody<'scheduler.heartbeat'>): MessageReply<'scheduler.heartbeat'> {
    const { jobId, allocations, latestCheckpointId } = body;
    const { sessionId, count } = this.#options;
    if (body.sessionId !== sessionId) {
      count('heartbeat of a job for another session');
      return { sessionId, allocations: [], attempts: [] };
    }
    const connection = this.#jobs.get(jobId);
    const active = this.#slots.ofJob(jobId).filter(({ state }) => state === 'ACTIVE');
    const held = active.flatMap(({ allocationId }) => allocationId ?? []);
    const foreign = connection?.heard(allocations, held) ?? [];
    for (const allocationId of foreign) this.#slots.of(allocationId)?.free(allocationId, 'its job does not know the allocation');
    if (latestCheckpointId !== null && connection?.completed(latestCheckpointId) === true) {
      for (const { process } of active) process?.checkpointCompleted(latestCheckpointId);
    }
    const slots = this.#slots.ofJob(jobId);
    return {
      sessionId,
      allocations: slots.flatMap(({ allocationId }) => allocationId ?? []),
      attempts: slots.flatMap(({ process }) => [...(process?.attempts() ?? [])]),
    };
  }

  /** Every job's slots are its no more. */
  loseAll(reason: string): void {
    for (const jobId of this.ids()) this.#lose(jobId, reason);
  }

  disconnect(jobId: JobId): void {
    this.#jobs.get(jobId)?.stop();
    this.#jobs.delete(jobId);
  }

  get #slots(): SlotTable {
    return this.#options.slots();
  }

  #connect(jobId: JobId): void {
    const onLost = (reason: string): void => this.#lose(jobId, `its JobManager is silent (${reason})`);
    this.#jobs.set(jobId, new JobConnection({ ...this.#options.monitoring, jobId, onLost }));
  }

  #lose(jobId: JobId, reason: string): void {
    this.disconnect(jobId);
    for (const slot of this.#slots.ofJob(jobId)) slot.jobLost(reason);
  }
}
