/**
 * What the tasks of a job report to its scheduler.
 *
 * RP1  Only current executions count: whatever else reports is told that it is not known (SA2).
 * RP2  Whatever a report says that no restart can mend, accumulators of two types or a shared resource that differs, fails
 *      the job.
 */
import type { Handlers } from '../../bus/endpoint-contract.js';
import type { MessageBody } from '../../bus/protocol/registry.js';
import { MillraceError } from '../../core/errors.js';
import type { AttemptId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { ExecutionGraph } from './execution-graph.js';
import type { Execution } from './execution.js';
import type { JobFailures } from './job-failures.js';
import type { JobSlots } from './job-slots.js';
import type { SharedResources } from './shared-resources.js';
import { eventOf, unexplained } from './task-reports.js';

export interface JobReportsOptions {
  readonly clock: Clock;
  readonly executions: ExecutionGraph;
  readonly failures: JobFailures;
  readonly slots: JobSlots;
  readonly sharedResources: SharedResources;
}

/** See the head of this file. */
export class JobReports {
  readonly #options: JobReportsOptions;

  constructor(options: JobReportsOptions) {
    this.#options = options;
  }

  handlers(): Handlers {
    const { executions, failures } = this.#options;
    return {
      'task.state-changed': (body) => ({ known: this.#stateChanged(body) }),
      'task.progressed': ({ tasks }) => {
        for (const { attemptId, metrics } of tasks) failures.failOn(executions.report(attemptId, metrics));
        return {};
      },
    };
  }

  /** Throws what the reporting task is answered when its attempt is not current, or has ended (RP1). */
  current(attemptId: AttemptId): Execution {
    const execution = this.#options.executions.find(attemptId);
    if (execution !== undefined && !execution.isTerminal) return execution;
    throw new MillraceError('UNKNOWN_ATTEMPT', `${attemptId} is not a current attempt of the job`, { recovery: 'restart-job' });
  }

  /** Answers whether the attempt is current (RP1). */
  #stateChanged({ attemptId, state, error, metrics, sharedResources: declared, results }: MessageBody<'task.state-changed'>): boolean {
    const { clock, executions, failures, slots, sharedResources } = this.#options;
    const execution = executions.find(attemptId);
    if (execution === undefined) return false;
    failures.failOn(executions.report(attemptId, metrics));
    if (state === 'FINISHED' && results !== undefined) execution.results = results;
    const taskManagerId = execution.slot?.taskManagerId;
    if (taskManagerId !== undefined) execution.acceptedAtBeat ??= slots.nextBeatOf(taskManagerId);
    failures.failOn(taskManagerId === undefined ? undefined : sharedResources.declare(declared, taskManagerId));
    if (state === 'RUNNING' && execution.slot !== undefined) slots.started(execution.slot);
    const event = eventOf(state, clock.now(), error ?? unexplained(execution));
    if (event !== undefined) execution.send(event);
    return true;
  }
}
