/** What the tasks of a job wait for that user code has not settled. */
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { limits } from '../../core/limits.js';
import type { Execution } from './execution.js';

/** The oldest first; nothing when no task waits unusually long. */
export function unsettledCallsOf(executions: readonly Pick<Execution, 'name' | 'metrics' | 'isTerminal'>[]): Pick<JobSummary, 'unsettled'> {
  const unsettled = executions.flatMap(({ name, metrics, isTerminal }) =>
    metrics.unsettled === undefined || isTerminal ? [] : [{ task: name, ...metrics.unsettled }],
  );
  if (unsettled.length === 0) return {};
  return { unsettled: unsettled.sort((left, right) => right.forMs - left.forMs).slice(0, limits.unsettledShown) };
}
