/** What the reports of tasks mean for their executions. Pure. */
import type { TaskState } from '../../bus/protocol/schemas.js';
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { ExecutionEvent } from '../../state-machines/execution/execution-machine.js';
import type { Execution } from './execution.js';

/** Names the task that failed, unless the error names something better. */
export function located(error: ErrorRecord, execution: Execution): ErrorRecord {
  return error.where === undefined ? { ...error, where: execution.name } : error;
}

/** Why an execution failed that gives no reason. */
export function unexplained(execution: Execution): ErrorRecord {
  return toErrorRecord(
    new MillraceError('TASK_ENDED', 'the task ended without being asked to and without naming an error', { where: execution.name }),
  );
}

/** What the state of a task means for its execution. */
export function eventOf(state: TaskState, at: number, error: ErrorRecord): ExecutionEvent | undefined {
  switch (state) {
    case 'INITIALIZING':
      return { type: 'TASK_INITIALIZING', at };
    case 'RUNNING':
      return { type: 'TASK_RUNNING', at };
    case 'FINISHED':
      return { type: 'TASK_FINISHED', at };
    case 'CANCELED':
      return { type: 'TASK_CANCELED', at };
    case 'FAILED':
      return { type: 'TASK_FAILED', at, error };
    case 'CREATED':
    case 'DEPLOYING':
    case 'CANCELING':
      return undefined;
  }
}
