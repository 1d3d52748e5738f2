/**
 * Which free slots go to which job. Pure.
 *
 * SM1  Jobs are served in the order they declared; none gets more than it requires.
 * SM2  Each slot is taken from the TaskManager with the smallest share of its slots in use, so that load spreads evenly.
 */
import type { JobId, TaskManagerId } from '../../core/ids.js';

export interface JobNeed {
  readonly jobId: JobId;
  readonly required: number;
  /** Slots it has or has been promised. */
  readonly held: number;
}

export interface FreeSlots {
  readonly taskManagerId: TaskManagerId;
  readonly free: readonly number[];
  /** All its slots, in use or not. */
  readonly total: number;
}

export interface Match {
  readonly jobId: JobId;
  readonly taskManagerId: TaskManagerId;
  readonly slot: number;
}

export interface Shortage {
  readonly jobId: JobId;
  readonly required: number;
  readonly available: number;
}

/** Matches what is missing with what is free (SM1, SM2). */
export function matchSlots(
  needs: readonly JobNeed[],
  taskManagers: readonly FreeSlots[],
): { readonly matches: readonly Match[]; readonly shortages: readonly Shortage[] } {
  const left = taskManagers.map(({ taskManagerId, free, total }) => ({ taskManagerId, free: [...free], total }));
  const matches: Match[] = [];
  const shortages: Shortage[] = [];
  for (const { jobId, required, held } of needs) {
    let available = held;
    for (; available < required; available++) {
      const from = leastUsed(left);
      if (from === undefined) break;
      matches.push({ jobId, taskManagerId: from.taskManagerId, slot: from.free.shift() as number });
    }
    if (available < required) shortages.push({ jobId, required, available });
  }
  return { matches, shortages };
}

function leastUsed<T extends { readonly free: readonly number[]; readonly total: number }>(taskManagers: readonly T[]): T | undefined {
  let best: T | undefined;
  for (const candidate of taskManagers) {
    if (candidate.free.length === 0) continue;
    if (best === undefined || candidate.free.length * best.total > best.free.length * candidate.total) best = candidate;
  }
  return best;
}
