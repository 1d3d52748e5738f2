/**
 * The failures of a job: each is told to the scheduler's machine once, as what it is, and remembered.
 *
 * JF1  What failed of one cause at once (the tasks of a lost slot or TaskManager) is one failure.
 * JF2  Failures that come while the job is still busy with an earlier one are remembered as concurrent with it.
 */
import { MillraceError, toErrorRecord, type ErrorRecord } from '../../core/errors.js';
import type { ExceptionEntry } from '../../bus/protocol/messages/jobs.js';
import type { Clock, Logger, Random } from '../../core/ports.js';
import type { FailureMoment, SchedulerEvent } from '../../state-machines/scheduler/scheduler-model.js';
import { ExceptionHistory } from './exception-history.js';
import type { Execution } from './execution.js';
import type { PooledSlot } from './slot-pool.js';

export interface JobFailuresOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly executions: () => readonly Execution[];
  readonly tell: (event: SchedulerEvent) => void;
  /** What the job is doing about failures. */
  readonly phase: () => 'running' | 'recovering' | 'ending';
  readonly exceptionsMax?: number;
}

interface Failed {
  readonly execution: Execution;
  readonly error: ErrorRecord;
  readonly at: number;
}

export class JobFailures {
  readonly #options: JobFailuresOptions;
  readonly #history: ExceptionHistory;
  /** While slots are being lost: what failed of it (JF1). */
  #together: Failed[] | undefined;

  constructor(options: JobFailuresOptions) {
    this.#options = options;
    this.#history = new ExceptionHistory(options.exceptionsMax === undefined ? {} : { entriesMax: options.exceptionsMax });
  }

  /** Latest first. */
  history(): readonly ExceptionEntry[] {
    return this.#history.entries();
  }

  /** An execution entered FAILED, or ended without being asked to. */
  executionFailed(execution: Execution, error: ErrorRecord, at: number): void {
    const { tell } = this.#options;
    if (this.#together !== undefined) {
      this.#together.push({ execution, error, at });
      return;
    }
    this.#remember(error, at, execution);
    tell({ type: 'SUBTASKS_FAILED', subtasks: [execution.subtask], ...this.#moment(error) });
  }

  /** A task that was being cancelled had failed itself. */
  causeLearned(execution: Execution, error: ErrorRecord): void {
    this.#remember(error, this.#options.clock.now(), execution);
    this.#options.tell({ type: 'CAUSE_LEARNED', error });
  }

  /** Fails what ran in the slots (JF1). */
  slotsLost(slots: readonly PooledSlot[], cause: MillraceError): void {
    const { clock, tell, executions } = this.#options;
    const allocations = new Set(slots.map(({ allocationId }) => allocationId));
    const at = clock.now();
    const error = toErrorRecord(cause);
    this.#together = [];
    for (const execution of executions()) {
      if (execution.slot !== undefined && allocations.has(execution.slot.allocationId) && !execution.isTerminal)
        execution.send({ type: 'FAIL', at, error });
    }
    const failed = this.#together;
    this.#together = undefined;
    for (const [index, one] of failed.entries()) this.#remember(one.error, one.at, one.execution, index > 0);
    if (failed.length === 0) tell({ type: 'SLOT_LOST' });
    else tell({ type: 'SUBTASKS_FAILED', subtasks: failed.map(({ execution }) => execution.subtask), ...this.#moment(error) });
  }

  /** Something all tasks depend on failed. */
  failJob(error: ErrorRecord): void {
    this.note(error);
    this.#options.tell({ type: 'JOB_FAILED', ...this.#moment(error) });
  }

  /** Fails the job when there is something to fail it with. */
  failOn(error: MillraceError | undefined): void {
    if (error !== undefined) this.failJob(toErrorRecord(error));
  }

  /** For the restart strategy: a wall clock may be set back, and a back-off must not wait until it has caught up. */
  #moment(error: ErrorRecord): FailureMoment {
    const { clock, random } = this.#options;
    return { error, at: clock.monotonic(), random: random.next() };
  }

  failInternally(cause: unknown): void {
    this.#options.logger.log('error', 'the scheduler could not perform an effect', { error: toErrorRecord(cause) });
    this.failJob(toErrorRecord(new MillraceError('SCHEDULER_FAILED', 'the scheduler could not perform what it decided', { cause })));
  }

  /** Remembers a failure that is told to the machine with more than is known here. */
  note(error: ErrorRecord): void {
    this.#remember(error, this.#options.clock.now(), undefined);
  }

  #remember(error: ErrorRecord, at: number, execution: Execution | undefined, isTogether = false): void {
    const phase = this.#options.phase();
    if (phase === 'ending') return;
    const note = {
      at,
      task: execution?.name ?? null,
      attemptId: execution?.attemptId ?? null,
      taskManagerId: execution?.slot?.taskManagerId ?? null,
      error,
    };
    this.#history.add(note, isTogether || phase === 'recovering');
  }
}
