/**
 * What went wrong in a job under this leader (Flink's exception history): first causes, each with the failures that came
 * while it was being dealt with, latest first.
 *
 * EH1  Bounded: so many entries, so many concurrent failures of each (the rest are counted), texts of bounded length.
 * EH2  The first cause of an entry is the one the job is told of (S5): a failure that only tells that a neighbour went
 *      away gives its place to the neighbour's own.
 */
import type { ExceptionEntry, FailureNote } from '../../bus/protocol/messages/jobs.js';
import type { ErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { firstCause } from '../../state-machines/scheduler/failover.js';

export interface ExceptionHistoryOptions {
  /** Entries kept; 0: none. Default `limits.exceptionHistory`. */
  readonly entriesMax?: number;
}

export class ExceptionHistory {
  readonly #entriesMax: number;
  #entries: ExceptionEntry[] = [];

  constructor({ entriesMax = limits.exceptionHistory }: ExceptionHistoryOptions = {}) {
    this.#entriesMax = entriesMax;
  }

  /** Latest first. */
  entries(): readonly ExceptionEntry[] {
    return this.#entries;
  }

  /** `isConcurrent`: it came while the job was still busy with the latest entry. */
  add(failure: FailureNote, isConcurrent: boolean): void {
    const [latest, ...earlier] = this.#entries;
    if (latest === undefined || !isConcurrent) {
      const entry = { ...failure, error: compact(failure.error, causesMax), concurrent: [], concurrentCount: 0 };
      this.#entries = [entry, ...this.#entries].slice(0, this.#entriesMax);
      return;
    }
    const isCause = firstCause(latest.error, failure.error) === failure.error;
    const { concurrent, concurrentCount, ...known } = latest;
    const [cause, other] = isCause ? [failure, known] : [known, failure];
    this.#entries = [
      {
        ...cause,
        error: compact(cause.error, causesMax),
        concurrent: [...concurrent, { ...other, error: compact(other.error, 0) }].slice(0, limits.exceptionHistory),
        concurrentCount: concurrentCount + 1,
      },
      ...earlier,
    ];
  }
}

const causesMax = 3;

/** A first cause keeps its stack and causes, within bounds: the history of a job crosses the bus in one message. */
function compact(error: ErrorRecord, causesLeft: number): ErrorRecord {
  const { stack, cause, hint, where, ...rest } = error;
  return {
    ...rest,
    message: rest.message.slice(0, limits.exceptionTextMax),
    ...(where === undefined ? {} : { where: where.slice(0, limits.exceptionTextMax) }),
    ...(hint === undefined ? {} : { hint: hint.slice(0, limits.exceptionTextMax) }),
    ...(stack === undefined || causesLeft < causesMax ? {} : { stack: stack.slice(0, 4 * limits.exceptionTextMax) }),
    ...(cause === undefined || causesLeft === 0 ? {} : { cause: compact(cause, causesLeft - 1) }),
  };
}
