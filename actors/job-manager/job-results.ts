/**
 * How the jobs of a cluster ended, as many as are kept (Flink's job store): the leader's copy of the results in the store.
 *
 * JR1  At most `maxCapacity` results, of at most `jobResultsBytesMax` together, none older than `expirationMs`; the oldest
 *      go first.
 * JR2  A result is dropped here only together with the one in the store; while its job still has a record both stay.
 */
import { limits } from '../../core/limits.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { JobId } from '../../core/ids.js';

export interface JobStoreSettings {
  readonly maxCapacity: number;
  readonly expirationMs: number;
}

export const jobStoreDefaults: JobStoreSettings = { maxCapacity: 1_000, expirationMs: 7 * 24 * 3_600_000 };

interface Kept {
  readonly summary: JobSummary;
  readonly endedAt: number;
  readonly bytes: number;
}

export class JobResults {
  readonly #settings: JobStoreSettings;
  readonly #kept = new Map<JobId, Kept>();
  #bytes = 0;

  constructor(settings: JobStoreSettings) {
    this.#settings = settings;
  }

  /** `bytes`: how long the result is in the store. */
  add(summary: JobSummary, endedAt: number, bytes: number): void {
    this.delete(summary.jobId);
    this.#kept.set(summary.jobId, { summary, endedAt, bytes });
    this.#bytes += bytes;
  }

  get(jobId: JobId): JobSummary | undefined {
    return this.#kept.get(jobId)?.summary;
  }

  has(jobId: JobId): boolean {
    return this.#kept.has(jobId);
  }

  delete(jobId: JobId): void {
    this.#bytes -= this.#kept.get(jobId)?.bytes ?? 0;
    this.#kept.delete(jobId);
  }

  summaries(): readonly JobSummary[] {
    return [...this.#kept.values()].map(({ summary }) => summary);
  }

  /** What is to be dropped now (JR1), oldest first. `isNeeded`: the job still has a record (JR2). */
  superfluous(now: number, isNeeded: (jobId: JobId) => boolean): readonly JobId[] {
    const { maxCapacity, expirationMs } = this.#settings;
    const oldestFirst = [...this.#kept.values()].sort((a, b) => a.endedAt - b.endedAt);
    let count = oldestFirst.length;
    let bytes = this.#bytes;
    const dropped: JobId[] = [];
    for (const { summary, endedAt, bytes: own } of oldestFirst) {
      const isSuperfluous = count > maxCapacity || bytes > limits.jobResultsBytesMax || now - endedAt >= expirationMs;
      if (!isSuperfluous) break;
      if (isNeeded(summary.jobId)) continue;
      dropped.push(summary.jobId);
      count -= 1;
      bytes -= own;
    }
    return dropped;
  }
}
