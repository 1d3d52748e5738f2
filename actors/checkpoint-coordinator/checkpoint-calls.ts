/**
 * What the tasks of a job are told about a checkpoint.
 *
 * CL1  A trigger that a source did not take fails the checkpoint. Everything else may be lost: a confirmation is healed by the
 *      scheduler's heartbeat, an abort by the barrier of the next checkpoint.
 */
import type { AskOptions, Endpoint } from '../../bus/endpoint-contract.js';
import { toErrorRecord } from '../../core/errors.js';
import type { AttemptId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Logger } from '../../core/ports.js';
import type { CheckpointHost } from '../scheduler/checkpointing.js';
import type { PendingCheckpoint } from './pending-checkpoint.js';

export interface CheckpointCallsOptions {
  readonly host: Pick<CheckpointHost, 'jobId' | 'leaderEpoch'>;
  readonly endpoint: Endpoint;
  readonly logger: Logger;
}

/** How long a message to a task may take before it is sent again. */
const taskAskMs = 2_000;

/** See the head of this file. */
export class CheckpointCalls {
  readonly #options: CheckpointCallsOptions;

  constructor(options: CheckpointCallsOptions) {
    this.#options = options;
  }

  /** Asks the sources to begin it; the others follow barriers. */
  trigger(pending: PendingCheckpoint, isFinal: boolean): void {
    const { host, endpoint } = this.#options;
    const body = { jobId: host.jobId, checkpointId: pending.checkpointId, triggeredAt: pending.startedAt, isFinal };
    for (const { attemptId, location, isSource } of pending.executions) {
      if (!isSource || location === undefined) continue;
      endpoint.ask({ kind: 'slot', ...location }, 'checkpoint.trigger', { ...body, attemptId }, this.#askOptions(attemptId)).then(
        ({ known }) => {
          if (!known) pending.triggerFailed(attemptId);
        },
        () => pending.triggerFailed(attemptId),
      );
    }
  }

  /** Tells every task how it ended. */
  tell(pending: PendingCheckpoint, type: 'checkpoint.confirm' | 'checkpoint.abort'): void {
    const { host, endpoint, logger } = this.#options;
    for (const { attemptId, location } of pending.executions) {
      if (location === undefined) continue;
      const body = { jobId: host.jobId, attemptId, checkpointId: pending.checkpointId };
      endpoint
        .ask({ kind: 'slot', ...location }, type, body, this.#askOptions(attemptId))
        .catch((error: unknown) => logger.log('debug', `${type} did not arrive`, { attemptId, error: toErrorRecord(error).message }));
    }
  }

  #askOptions(attemptId: AttemptId): AskOptions {
    return { timeoutMs: taskAskMs, attempts: limits.askAttemptsMax, leaderEpoch: this.#options.host.leaderEpoch, attempt: attemptId };
  }
}
