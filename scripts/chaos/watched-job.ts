/**
 * A job that is looked at again and again while things are done to it.
 *
 * WJ1  Each leader counts for itself: what it counted last is added up.
 */
import { isEnded, type Client } from '../../actors/client/client.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { toErrorRecord } from '../../core/errors.js';
import type { JobId } from '../../core/ids.js';
import { creditFaultOf } from './credit-fault.js';

const pollMs = 50;

export class WatchedJob {
  last: JobSummary | undefined;
  /** The first that was seen (CH3). */
  creditFault: string | undefined;
  /** How often a task was seen that had granted something. */
  taskLooks = 0;
  readonly #client: Client;
  readonly #id: JobId;
  readonly #deadline: number;
  readonly #earlier = { checkpoints: 0, restarts: 0 };

  constructor(client: Client, id: JobId, deadline: number) {
    this.#client = client;
    this.#id = id;
    this.#deadline = deadline;
  }

  get checkpoints(): number {
    return this.#earlier.checkpoints + (this.last?.checkpointsCompleted ?? 0);
  }

  get restarts(): number {
    return this.#earlier.restarts + (this.last?.restarts ?? 0);
  }

  /** Where its tasks were when it was last looked at. */
  get taskManagers(): readonly string[] {
    const subtasks = (this.last?.vertices ?? []).flatMap((vertex) => vertex.subtasks);
    const names = subtasks.flatMap(({ taskManagerId }) => (taskManagerId === null ? [] : [taskManagerId]));
    return [...new Set(names)].sort();
  }

  /** False when it ended, or the time is over. */
  async untilRunning(): Promise<boolean> {
    return (await this.#until(({ status }) => status === 'RUNNING'))?.status === 'RUNNING';
  }

  /** As {@link untilRunning}, with all tasks running and something to restore. */
  async untilSettled(): Promise<boolean> {
    const isSettled = ({ status, tasks, latestCheckpointId }: JobSummary): boolean =>
      status === 'RUNNING' && latestCheckpointId !== null && Object.keys(tasks).every((state) => state === 'RUNNING');
    const summary = await this.#until(isSettled);
    return summary !== undefined && isSettled(summary);
  }

  /** After a blow: once it shows, so that the job is not taken for one that has recovered already. */
  async untilDisturbed(restartsBefore: number): Promise<void> {
    await this.#until(({ status, tasks }) => {
      const areAllRunning = status === 'RUNNING' && Object.keys(tasks).every((state) => state === 'RUNNING');
      return !areAllRunning || this.restarts > restartsBefore;
    });
  }

  /** Undefined when the time is over. */
  untilEnded(): Promise<JobSummary | undefined> {
    return this.#until(() => false);
  }

  async #until(isReached: (summary: JobSummary) => boolean): Promise<JobSummary | undefined> {
    while (performance.now() < this.#deadline) {
      const summary = await this.#look();
      if (summary !== undefined) this.#note(summary);
      if (summary !== undefined && (isEnded(summary) || isReached(summary))) return summary;
      await pause(pollMs);
    }
    return undefined;
  }

  /** Undefined while no JobManager answers: that it comes back is what is tested. */
  async #look(): Promise<JobSummary | undefined> {
    try {
      return await this.#client.describe(this.#id, { withHistory: true });
    } catch (error) {
      if (toErrorRecord(error).code === 'JOB_MANAGER_UNREACHABLE') return undefined;
      throw error;
    }
  }

  #note(summary: JobSummary): void {
    if (
      this.last !== undefined &&
      (summary.checkpointsCompleted < this.last.checkpointsCompleted || summary.restarts < this.last.restarts)
    ) {
      this.#earlier.checkpoints += this.last.checkpointsCompleted;
      this.#earlier.restarts += this.last.restarts;
    }
    this.last = summary;
    this.creditFault ??= creditFaultOf(summary);
    const subtasks = (summary.vertices ?? []).flatMap((vertex) => vertex.subtasks);
    this.taskLooks += subtasks.filter(({ metrics }) => metrics.grantedBytesPeak > 0).length;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
