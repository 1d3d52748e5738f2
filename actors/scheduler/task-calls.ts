/**
 * Deploys and cancels tasks on TaskManagers.
 *
 * TC1  A deployment is repeated only while its execution still waits for it: nothing is deployed after it was cancelled.
 * TC2  A cancel call that nobody takes is reported once a pause has passed, so that the tries of the execution outlast a
 *      restart of the bus.
 */
import { BusError } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import { fromErrorRecord, MillraceError, toErrorRecord } from '../../core/errors.js';
import type { AttemptId, JobId, LeaderEpoch, TaskManagerId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import type { Execution } from './execution.js';

export interface TaskCallsOptions {
  readonly jobId: JobId;
  readonly leaderEpoch: LeaderEpoch;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Beat of the TaskManager from which on its answers know of what it just accepted. */
  readonly nextBeatOf: (taskManagerId: TaskManagerId) => number;
}

/** How long a TaskManager may take to answer; a dead one is found by its heartbeats before three of these have passed. */
const callMs = 3_000;
const pauseMs = 250;

export class TaskCalls {
  readonly #options: TaskCallsOptions;
  readonly #pauses = new Set<TimerHandle>();
  #isStopped = false;

  constructor(options: TaskCallsOptions) {
    this.#options = options;
  }

  /** Deploys to the execution's slot; a failure comes back to the execution as FAIL. */
  deploy(execution: Execution, descriptor: TaskDeploymentDescriptor): void {
    this.#tryDeploy(execution, descriptor, 1);
  }

  /** Cancels an attempt; the execution hears CANCEL_UNKNOWN or CANCEL_UNANSWERED, or later the report of its task. */
  cancel(execution: Execution): void {
    const { clock } = this.#options;
    if (execution.slot === undefined || this.#isStopped) return;
    this.#askToCancel(execution.slot.taskManagerId, execution.attemptId).then(
      ({ known }) => {
        if (!known && !this.#isStopped) execution.send({ type: 'CANCEL_UNKNOWN', at: clock.now() });
      },
      () => this.#pause(() => execution.send({ type: 'CANCEL_UNANSWERED', at: clock.now() })),
    );
  }

  /** Cancels a task that should not be there. */
  cancelUnknown(taskManagerId: TaskManagerId, attemptId: AttemptId): void {
    this.#options.logger.log('warn', 'a task that is not part of the job is cancelled', { taskManagerId, attemptId });
    this.#askToCancel(taskManagerId, attemptId).catch((error: unknown) =>
      this.#options.logger.log('debug', 'task.cancel did not arrive', { attemptId, error: toErrorRecord(error).message }),
    );
  }

  /** Nothing is repeated or reported any more. */
  stop(): void {
    this.#isStopped = true;
    for (const pause of this.#pauses) pause.cancel();
    this.#pauses.clear();
  }

  #tryDeploy(execution: Execution, descriptor: TaskDeploymentDescriptor, attempt: number): void {
    const { endpoint, leaderEpoch, nextBeatOf } = this.#options;
    const { taskManagerId } = execution.slot as NonNullable<Execution['slot']>;
    endpoint
      .ask({ kind: 'task-manager', taskManagerId }, 'task.deploy', descriptor, {
        timeoutMs: callMs,
        leaderEpoch,
        attempt: execution.attemptId,
      })
      .then(
        (reply) => {
          if (this.#isStopped) return;
          execution.acceptedAtBeat = nextBeatOf(taskManagerId);
          if (reply.kind === 'refused') this.#fail(execution, fromErrorRecord(reply.error));
        },
        (error: unknown) => {
          if (attempt >= limits.askAttemptsMax || !isWorthRepeating(error)) this.#fail(execution, error);
          else {
            this.#pause(() => {
              if (execution.state === 'DEPLOYING') this.#tryDeploy(execution, descriptor, attempt + 1);
            });
          }
        },
      );
  }

  #fail(execution: Execution, cause: unknown): void {
    // A task that reported since was deployed, whatever became of the answer.
    if (this.#isStopped || execution.state !== 'DEPLOYING') return;
    const { taskManagerId } = execution.slot as NonNullable<Execution['slot']>;
    const isTooLarge = cause instanceof BusError && cause.failure === 'too-large';
    const isFatal = isTooLarge || (cause instanceof MillraceError && (cause.recovery === 'fail-job' || cause.recovery === 'crash'));
    const error = new MillraceError('DEPLOYMENT_FAILED', `${execution.name} could not be deployed to TaskManager ${taskManagerId}`, {
      domain: cause instanceof MillraceError ? cause.domain : 'external',
      recovery: isFatal ? 'fail-job' : 'restart-job',
      cause,
      ...(isTooLarge ? { hint: 'What a task is told must fit one message: lower the parallelism, or split the job.' } : {}),
    });
    execution.send({ type: 'FAIL', at: this.#options.clock.now(), error: toErrorRecord(error) });
  }

  #askToCancel(taskManagerId: TaskManagerId, attemptId: AttemptId) {
    const { endpoint, jobId, leaderEpoch } = this.#options;
    return endpoint.ask(
      { kind: 'task-manager', taskManagerId },
      'task.cancel',
      { jobId, attemptId },
      { timeoutMs: callMs, leaderEpoch, attempt: attemptId },
    );
  }

  #pause(callback: () => void): void {
    if (this.#isStopped) return;
    const pause = this.#options.clock.setTimer(pauseMs, () => {
      this.#pauses.delete(pause);
      callback();
    });
    this.#pauses.add(pause);
  }
}

/** Whether the call may have failed on its way; a refusal or a message that does not fit stays what it is. */
function isWorthRepeating(error: unknown): boolean {
  return error instanceof BusError && error.failure !== 'too-large';
}
