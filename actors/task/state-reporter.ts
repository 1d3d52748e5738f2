/**
 * Tells the scheduler the states of one attempt.
 *
 * SR1  Reports arrive in order: the next one goes out only after the last one was answered.
 * SR2  A report is repeated until it is answered or the slot ends: a lost message never hides a final state.
 * SR3  A report that a later one overtook before it went out is dropped: INITIALIZING says nothing once FAILED is known.
 */
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { TaskDeploymentDescriptor, TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { TaskState } from '../../bus/protocol/schemas.js';
import { askUntilAnswered } from '../runtime/persistent-ask.js';
import { fittingMetrics } from './report-parts.js';

/** One thing to say. */
export interface StateReport {
  readonly state: TaskState;
  readonly error: ErrorRecord | null;
}

export interface StateReporterOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly descriptor: TaskDeploymentDescriptor;
  readonly metrics: () => TaskMetrics;
  readonly sharedResources: () => Readonly<Record<string, string>>;
  /** Told with FINISHED. */
  readonly results: () => Readonly<Record<string, readonly unknown[]>>;
  /** The scheduler knows the state. */
  readonly onAnswered: (report: StateReport) => void;
  /** The scheduler does not know the attempt, or will not hear of it. */
  readonly onRefused: (error: MillraceError) => void;
}

export class StateReporter {
  readonly #options: StateReporterOptions;
  #next: StateReport | undefined;
  #isAsking = false;

  constructor(options: StateReporterOptions) {
    this.#options = options;
  }

  report(report: StateReport): void {
    this.#next = report;
    if (!this.#isAsking) void this.#send();
  }

  async #send(): Promise<void> {
    this.#isAsking = true;
    for (let report = this.#take(); report !== undefined; report = this.#take()) await this.#tell(report);
    this.#isAsking = false;
  }

  #take(): StateReport | undefined {
    const report = this.#next;
    this.#next = undefined;
    return report;
  }

  async #tell(report: StateReport): Promise<void> {
    const { endpoint, clock, descriptor, metrics, sharedResources, results, onAnswered, onRefused, logger } = this.#options;
    const { jobId, attemptId, leaderEpoch } = descriptor;
    try {
      const answer = await askUntilAnswered({ endpoint, clock }, { kind: 'job', jobId }, 'task.state-changed', {
        body: {
          jobId,
          attemptId,
          ...report,
          // Half a message: results and errors need the rest.
          metrics: fittingMetrics(metrics(), Math.min(limits.reportBytesMax, endpoint.payloadBytesMax >> 1)),
          sharedResources: { ...sharedResources() },
          ...(report.state === 'FINISHED' ? { results: copied(results()) } : {}),
        },
        leaderEpoch,
        attempt: attemptId,
      });
      if (answer.known) onAnswered(report);
      else onRefused(refusal(`its scheduler does not know attempt ${attemptId}`));
    } catch (error) {
      const { code, message } = toErrorRecord(error);
      // A later leader knows nothing of the attempt: that is how it learns to go.
      logger.log(code === 'MESSAGE_FENCED' ? 'debug' : 'warn', 'a state was not reported', { state: report.state, message });
      onRefused(refusal(`its scheduler did not take the report of ${report.state}: ${message}`));
    }
  }
}

function refusal(message: string): MillraceError {
  return new MillraceError('ATTEMPT_UNKNOWN', message, { domain: 'internal', recovery: 'restart-job' });
}

function copied(results: Readonly<Record<string, readonly unknown[]>>): Record<string, unknown[]> {
  return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, [...values]]));
}
