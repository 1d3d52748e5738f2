/**
 * How the sources of one task reach the SourceCoordinator of their job.
 *
 * SQ1  Splits found are sent in order, in parts below the bound, each until it is answered.
 * SQ2  One request for a split is under way per operator; each answer other than `wait` settles it, except that a reader
 *      of a discovering source asks again after `no-more`.
 */
import { encode } from '../../bus/codec/cbor.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { OperatorId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { Split } from '../../dataflow/contracts.js';
import type { SplitRequest, SplitSource, SplitTimeReply, SplitTimeReport } from '../../dataflow/task-runtime.js';
import { askUntilAnswered } from '../runtime/persistent-ask.js';

export interface SplitRequestsOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly descriptor: TaskDeploymentDescriptor;
}

/** Pause before a split is asked for again while the enumeration still runs. */
const waitMs = 50;

export class SplitRequests implements SplitSource {
  readonly #options: SplitRequestsOptions;
  readonly #requestNumbers = new Map<OperatorId, number>();

  constructor(options: SplitRequestsOptions) {
    this.#options = options;
  }

  async enumerated(operator: OperatorId, splits: readonly Split[], isOpen = false): Promise<void> {
    const { jobId, attemptId, leaderEpoch } = this.#options.descriptor;
    const parts = partition(splits);
    for (const [part, some] of parts.entries()) {
      const body = { jobId, attemptId, operatorId: operator, part, isLast: part === parts.length - 1, isOpen, splits: some };
      await askUntilAnswered(this.#options, { kind: 'job', jobId }, 'source.enumerated', { body, leaderEpoch, attempt: attemptId });
    }
  }

  exchangeTime(operator: OperatorId, alignment?: SplitTimeReport): Promise<SplitTimeReply> {
    const { jobId, attemptId, leaderEpoch } = this.#options.descriptor;
    const body = { jobId, attemptId, operatorId: operator, ...(alignment === undefined ? {} : { alignment }) };
    return askUntilAnswered(this.#options, { kind: 'job', jobId }, 'source.exchange-time', { body, leaderEpoch, attempt: attemptId });
  }

  async requestSplit(operator: OperatorId, { isShare, askAgainMs }: SplitRequest): Promise<Split | undefined> {
    const { jobId, attemptId, leaderEpoch } = this.#options.descriptor;
    for (;;) {
      const requestNumber = this.#requestNumbers.get(operator) ?? 0;
      const body = { jobId, attemptId, operatorId: operator, requestNumber, isShare, asksAgain: askAgainMs !== undefined };
      const answer = await askUntilAnswered(this.#options, { kind: 'job', jobId }, 'source.request-split', {
        body,
        leaderEpoch,
        attempt: attemptId,
      });
      if (answer.kind !== 'wait') this.#requestNumbers.set(operator, requestNumber + 1);
      if (answer.kind === 'split') return answer.split;
      if (answer.kind === 'no-more' && askAgainMs === undefined) return undefined;
      const pauseMs = answer.kind === 'no-more' ? Math.max(waitMs, askAgainMs ?? waitMs) : waitMs;
      await new Promise<void>((resolve) => this.#options.clock.setTimer(pauseMs, resolve));
    }
  }
}

/** At least one part, so that an empty list is closed too. */
function partition(splits: readonly Split[]): Split[][] {
  const parts: Split[][] = [[]];
  let bytes = 0;
  for (const { id, data, orderedIn } of splits) {
    const split = { id, data, ...(orderedIn === undefined ? {} : { orderedIn }) };
    const size = encode(split).length;
    if (bytes > 0 && bytes + size > limits.splitPartBytesMax) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(split);
    bytes += size;
  }
  return parts;
}
