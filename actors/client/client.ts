/**
 * A client of a cluster: submits jobs, follows and cancels them. It needs the bus, and nothing else.
 *
 * C1  Every request is tried again until it is answered or `patienceMs` is over, so that a JobManager that is being
 *     replaced is not noticed; job ids make submissions idempotent.
 */
import { createHash } from 'node:crypto';
import { BusError } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { AskType, MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import type { JobCode } from '../../bus/protocol/schemas.js';
import { fromErrorRecord, MillraceError } from '../../core/errors.js';
import { jobId as asJobId, type JobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock, Random } from '../../core/ports.js';
import type { AskingOperator, ComparedState } from '../../storage/state/state-comparison.js';
import { chunkBytesOf } from '../runtime/code-chunks.js';
import type { JobGraph } from '../../graph/types.js';

export interface ClientOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a request may go unanswered before it fails; default 30 s. */
  readonly patienceMs?: number;
  /** Called when a request has to be tried again, with why. */
  readonly onRetry?: (why: string) => void;
}

export interface Submission {
  readonly jobGraph: JobGraph;
  readonly code: { readonly kind: 'bundle'; readonly bytes: Uint8Array } | { readonly kind: 'module'; readonly url: string };
  /** Path of a retained checkpoint, or `<job id>/<checkpoint id>`. */
  readonly restoreFrom?: string;
  /** The states its operators ask for: then they are compared with those of the checkpoint before the job is accepted. */
  readonly states?: readonly AskingOperator[];
  /** Called, where states were compared, with what becomes of each. */
  readonly onStates?: (states: readonly ComparedState[]) => void;
}

const askTimeoutMs = 5_000;
const retryDelayMs = 100;
const pollMs = 200;
const patienceDefaultMs = 30_000;
const endStatuses: ReadonlySet<string> = new Set(['FINISHED', 'FAILED', 'CANCELED']);

function bodyOf({ states, later, ...operator }: AskingOperator): NonNullable<MessageBody<'job.submit'>['states']>[number] {
  return { ...operator, states: [...states], ...(later === undefined ? {} : { later: [...later] }) };
}

/** Whether a job with this status will never change again. */
export function isEnded({ status }: Pick<JobSummary, 'status'>): boolean {
  return endStatuses.has(status);
}

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Resolves once the job's record is durable. Throws what the JobManager rejected it for. */
  async submit(submission: Submission): Promise<JobId> {
    const jobId = asJobId(this.#options.random.hex(16));
    const body = {
      jobId,
      jobGraph: submission.jobGraph,
      code: await this.#upload(submission.code),
      restoreFrom: submission.restoreFrom ?? null,
      ...(submission.states === undefined ? {} : { states: submission.states.map(bodyOf) }),
    };
    const deadline = this.#deadline();
    for (;;) {
      const reply = await this.#ask('job.submit', body);
      if (reply.kind === 'accepted') {
        if (reply.states !== undefined) submission.onStates?.(reply.states);
        return jobId;
      }
      // The store did not answer, or the JobManager stepped down: the same job id may be submitted again (C1).
      if (reply.error.recovery !== 'retry' || this.#options.clock.monotonic() >= deadline) throw fromErrorRecord(reply.error);
      this.#options.onRetry?.(reply.error.message);
      await this.#pause(retryDelayMs);
    }
  }

  /** Undefined when the cluster does not know the job. */
  /** `withHistory`: also what went wrong, and the attempts that were replaced. */
  async describe(jobId: JobId, { withHistory = false } = {}): Promise<JobSummary | undefined> {
    const reply = await this.#ask('job.describe', { jobId, ...(withHistory ? { withHistory } : {}) });
    return reply.kind === 'found' ? reply.job : undefined;
  }

  async list(): Promise<readonly JobSummary[]> {
    const jobs: JobSummary[] = [];
    for (let after: MessageBody<'job.list'>['after']; ;) {
      const page = await this.#ask('job.list', after === undefined ? {} : { after });
      jobs.push(...page.jobs);
      if (page.next === undefined) return jobs;
      after = page.next;
    }
  }

  async overview(): Promise<MessageReply<'cluster.overview'>> {
    return this.#ask('cluster.overview', {});
  }

  /** Resolves once cancelling began; see {@link waitForEnd}. */
  async cancel(jobId: JobId): Promise<MessageReply<'job.cancel'>> {
    return this.#ask('job.cancel', { jobId });
  }

  /** Resolves when the job ended. `onProgress` is called with every look at it. */
  async waitForEnd(jobId: JobId, onProgress?: (summary: JobSummary) => void): Promise<JobSummary> {
    for (;;) {
      const summary = await this.describe(jobId);
      if (summary === undefined) {
        throw new MillraceError('JOB_UNKNOWN', `the cluster does not know job ${jobId}`, {
          domain: 'user',
          recovery: 'fail-job',
          hint: 'Its JobManager may have lost its store, or the cluster id is another one.',
        });
      }
      onProgress?.(summary);
      if (isEnded(summary)) return summary;
      await this.#pause(pollMs);
    }
  }

  async #upload(code: Submission['code']): Promise<JobCode> {
    if (code.kind === 'module') return code;
    const { bytes } = code;
    if (bytes.length > limits.blobBytesMax) {
      throw new MillraceError('CODE_TOO_LARGE', `the job's code has ${bytes.length} bytes, more than ${limits.blobBytesMax}`, {
        domain: 'user',
        recovery: 'fail-job',
        hint: 'Leave data out of the module: read it with a source.',
      });
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const size = chunkBytesOf(this.#options.endpoint.payloadBytesMax);
    const count = Math.max(1, Math.ceil(bytes.length / size));
    let isComplete = false;
    // A JobManager that was replaced in between has forgotten the first chunks: then all of them are sent again.
    for (let round = 0; round < limits.askAttemptsMax && !isComplete; round++) {
      for (let index = 0; index < count; index++) {
        const chunk = bytes.subarray(index * size, (index + 1) * size);
        isComplete = (await this.#ask('blob.upload-chunk', { sha256, index, count, bytes: chunk })).isComplete;
      }
    }
    if (!isComplete)
      throw new MillraceError('UPLOAD_INCOMPLETE', 'the JobManager did not take the code of the job', { domain: 'external' });
    return { kind: 'bundle', sha256, bytes: bytes.length };
  }

  async #ask<T extends AskType>(type: T, body: MessageBody<T>): Promise<MessageReply<T>> {
    const { endpoint, clock, patienceMs = patienceDefaultMs, onRetry } = this.#options;
    const deadline = this.#deadline();
    for (;;) {
      try {
        return await endpoint.ask({ kind: 'job-manager' }, type, body, { timeoutMs: askTimeoutMs });
      } catch (error) {
        if (!(error instanceof BusError) || error.failure === 'closed' || error.failure === 'too-large') throw error;
        if (clock.monotonic() >= deadline) {
          throw new MillraceError(
            'JOB_MANAGER_UNREACHABLE',
            `no JobManager answered ${type} for ${patienceMs / 1_000} s (${error.failure})`,
            {
              domain: 'external',
              recovery: 'retry',
              hint: 'Start one with `npm run cluster`, or check cluster.id and nats.servers.',
              cause: error,
            },
          );
        }
        onRetry?.(error.failure);
        await this.#pause(retryDelayMs);
      }
    }
  }

  #deadline(): number {
    return this.#options.clock.monotonic() + (this.#options.patienceMs ?? patienceDefaultMs);
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(delayMs, resolve));
  }
}
