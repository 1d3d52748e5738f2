/** What a failure makes restart, and what it is blamed on. Pure. */
import type { ErrorRecord } from '../../core/errors.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';

/** Subtasks by pipelined region, in the order of the execution graph. */
export type Regions = readonly (readonly ExecutionVertexId[])[];

/** `region` restarts the regions of what failed, `full` everything. */
export function affectedBy(
  regions: Regions,
  failover: 'region' | 'full',
  failed: readonly ExecutionVertexId[] | 'all',
): readonly ExecutionVertexId[] {
  if (failed === 'all' || failover === 'full') return regions.flat();
  const names = new Set(failed);
  return regions.filter((region) => region.some((subtask) => names.has(subtask))).flat();
}

/** Both lists without duplicates, the first one's order first. */
export function union<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return [...new Set([...first, ...second])];
}

/** `list` without what is in `removed`. */
export function without<T>(list: readonly T[], removed: readonly T[]): readonly T[] {
  const names = new Set(removed);
  return list.filter((item) => !names.has(item));
}

/** What is in both lists, in the order of the first. */
export function common<T>(list: readonly T[], other: readonly T[]): readonly T[] {
  const names = new Set(other);
  return list.filter((item) => names.has(item));
}

/** Whether no restart can help. */
export function isFatal(error: ErrorRecord): boolean {
  return error.recovery === 'fail-job' || error.recovery === 'crash';
}

/** Whether an error only tells that a neighbour went away: when the neighbour's own error is known, that one is the cause. */
export function isConsequence(error: ErrorRecord): boolean {
  return error.code.startsWith('CHANNEL_');
}

/** The error to blame when `learned` turns up after `known`: the first one, unless it is a mere consequence. */
export function firstCause(known: ErrorRecord | null, learned: ErrorRecord): ErrorRecord {
  if (known === null) return learned;
  return isConsequence(known) && !isConsequence(learned) ? learned : known;
}
