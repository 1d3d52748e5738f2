/** What heartbeat answers of TaskManagers mean for the executions of a job: lost reports, lost tasks, tasks too many. */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { TaskManagerId } from '../../core/ids.js';
import type { ExecutionEvent } from '../../state-machines/execution/execution-machine.js';
import type { ExecutionGraph } from './execution-graph.js';
import type { Execution } from './execution.js';
import type { Beliefs, Findings } from './reconciliation.js';
import type { TaskCalls } from './task-calls.js';
import { eventOf } from './task-reports.js';

/** What the job believes to run on a TaskManager. */
export function attemptsOn(executions: readonly Execution[], taskManagerId: TaskManagerId): Omit<Beliefs, 'allocations'> {
  const there = executions.filter(({ slot, isTerminal }) => slot?.taskManagerId === taskManagerId && !isTerminal);
  return {
    known: new Set(there.map(({ attemptId }) => attemptId)),
    attempts: there.flatMap(({ attemptId, acceptedAtBeat }) =>
      acceptedAtBeat === undefined ? [] : [{ id: attemptId, sinceBeat: acceptedAtBeat }],
    ),
  };
}

export interface HealingOptions {
  readonly executions: ExecutionGraph;
  readonly calls: TaskCalls;
  readonly taskManagerId: TaskManagerId;
  readonly findings: Findings;
  readonly at: number;
}

/** Makes up for what was lost between the job and a TaskManager. */
export function heal({ executions, calls, taskManagerId, findings, at }: HealingOptions): void {
  for (const attemptId of findings.unknownAttempts) calls.cancelUnknown(taskManagerId, attemptId);
  const unreported = toErrorRecord(new MillraceError('TASK_FAILED', 'the task failed and the report of its error was lost'));
  for (const { attemptId, state } of findings.states) {
    const execution = executions.find(attemptId);
    const event = eventOf(state, at, unreported);
    if (execution !== undefined && event !== undefined && isNews(execution, event)) execution.send(event);
  }
  const missing = new MillraceError('TASK_MISSING', `the task is unexpectedly no longer running on TaskManager ${taskManagerId}`);
  for (const attemptId of findings.missingAttempts) {
    const execution = executions.find(attemptId);
    if (execution?.state === 'CANCELING') execution.send({ type: 'CANCEL_UNKNOWN', at });
    else execution?.send({ type: 'FAIL', at, error: toErrorRecord(missing) });
  }
}

/**
 * Whether a state seen in a heartbeat tells the execution something it does not know. A task that makes progress while it
 * is being cancelled has not heard of it: the call was lost.
 */
function isNews(execution: Execution, event: ExecutionEvent): boolean {
  if (event.type === 'TASK_INITIALIZING') return execution.state === 'DEPLOYING' || execution.state === 'CANCELING';
  if (event.type === 'TASK_RUNNING')
    return execution.state === 'DEPLOYING' || execution.state === 'INITIALIZING' || execution.state === 'CANCELING';
  return true;
}
