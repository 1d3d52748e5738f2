/** What is said of a job to people and observers: lines of the log, events on the bus that may be lost. */
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { ErrorRecord } from '../../core/errors.js';
import type { JobId, LeaderEpoch } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';
import type { ExecutionEffect } from '../../state-machines/execution/execution-machine.js';
import type { JobEffect } from '../../state-machines/job/job-machine.js';
import type { Execution } from './execution.js';

export type StatusChange = Extract<JobEffect, { readonly type: 'statusChanged' }>['params'];
export type ExecutionChange = Extract<ExecutionEffect, { readonly type: 'stateChanged' }>['params'];

export interface JobEventsOptions {
  readonly jobId: JobId;
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  readonly logger: Logger;
}

export class JobEvents {
  readonly #options: JobEventsOptions;

  constructor(options: JobEventsOptions) {
    this.#options = options;
  }

  statusChanged(change: StatusChange): void {
    const { logger, endpoint, jobId, leaderEpoch } = this.#options;
    logger.log('info', `job is ${change.to}`, { from: change.from, ...(change.error === null ? {} : { error: change.error }) });
    endpoint.tell({ kind: 'job-events', jobId }, 'job.status-changed', { jobId, ...change }, { leaderEpoch });
  }

  /** `error` names the task. */
  executionChanged(execution: Execution, { from, to, at }: ExecutionChange, error: ErrorRecord | null): void {
    const { logger, endpoint, jobId, leaderEpoch } = this.#options;
    const { attemptId, vertexId, subtaskIndex, taskName, name } = execution;
    logger.log(to === 'FAILED' ? 'warn' : 'debug', `${name} is ${to}`, { attemptId, from, ...(error === null ? {} : { error }) });
    endpoint.tell(
      { kind: 'job-events', jobId },
      'execution.state-changed',
      { jobId, attemptId, vertexId, taskName, subtaskIndex, from, to, at, error },
      { leaderEpoch },
    );
  }
}
