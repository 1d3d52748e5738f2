/**
 * What a task does next: one piece of work at a time, the most urgent first.
 *
 * TN1  Confirmed commits, then what is parked, the procedure under way (a checkpoint, time that moves, the end), a procedure
 *      that is due, the end of the task, mail, time, and records last.
 * TN2  While work is parked or an output is full, only the procedure under way goes on, and a checkpoint may begin (ST2).
 */
import { limits } from '../../core/limits.js';
import type { HeadLoop } from '../fusion/head-loop.js';
import type { Mailbox } from './mailbox.js';
import type { Parking } from './parking.js';
import type { ProcedureRunner } from './procedure-runner.js';
import type { RecordClock } from './record-clock.js';
import type { RecordReader } from './record-reader.js';
import type { SliceBudget } from './slice-budget.js';
import type { SourceDriver } from './source-driver.js';
import type { TaskCheckpoints } from './task-checkpoints.js';
import type { TaskClocks } from './task-clocks.js';
import type { TaskCommits } from './task-commits.js';
import type { TaskEnding } from './task-ending.js';
import type { TaskOutputs } from './task-outputs.js';

/** `progress`: something was done, go on. `waiting`: `wake` will be called. */
export type Step = 'progress' | 'waiting';

export interface TaskStepsOptions {
  readonly budget: SliceBudget;
  /** Results that may still be pulled in this step. */
  readonly quota: { left: number };
  readonly recordClock: RecordClock;
  readonly parking: Parking;
  readonly mailbox: Mailbox;
  readonly procedure: ProcedureRunner;
  readonly outputs: TaskOutputs;
  readonly reader: RecordReader;
  readonly clocks: TaskClocks;
  readonly checkpoints: TaskCheckpoints;
  readonly commits: TaskCommits;
  readonly ending: TaskEnding;
  /** Of the task, so far. */
  readonly recordsIn: () => number;
  /** The task failed, or ended. */
  readonly isOver: () => boolean;
  /** Everything is out and taken: the task closes. */
  readonly onDone: () => void;
}

/** Where records come from: a source, or the loops of the head's inputs. */
export interface TaskHead {
  readonly source: SourceDriver | undefined;
  readonly loops: readonly HeadLoop[];
}

/** See the head of this file. */
export class TaskSteps {
  readonly #options: TaskStepsOptions;
  #head: TaskHead = { source: undefined, loops: [] };

  constructor(options: TaskStepsOptions) {
    this.#options = options;
  }

  get source(): SourceDriver | undefined {
    return this.#head.source;
  }

  /** The chain is open. */
  readFrom(head: TaskHead): void {
    this.#head = head;
  }

  /** Steps until there is nothing to do or the budget of the slice is spent. */
  run(startedAt: number): Step {
    const { budget, recordsIn, isOver } = this.#options;
    budget.begin(startedAt, recordsIn());
    do {
      if (isOver()) return 'waiting';
      if (this.#step(startedAt) === 'waiting') return 'waiting';
    } while (!budget.isSpent(recordsIn()));
    return 'progress';
  }

  #step(startedAt: number): Step {
    const { quota, recordClock, commits, procedure, outputs, parking, ending, reader, mailbox, clocks, recordsIn, onDone } = this.#options;
    quota.left = limits.resultsPerStep;
    recordClock.look();
    commits.deliver();
    if (procedure.isWaiting) return 'waiting';
    const isFull = outputs.pressure.fullChannels > 0;
    if (!parking.isEmpty) {
      if (isFull || parking.isWaiting) return 'waiting';
      parking.resumeOne();
      return 'progress';
    }
    if (procedure.isRunning) return procedure.advance(isFull);
    if (this.#beginDueProcedure()) return 'progress';
    if (ending.phase === 'closing' && outputs.isAcknowledged() && reader.hasEnded) {
      onDone();
      return 'waiting';
    }
    if (isFull) return 'waiting';
    if (mailbox.runOne()) return 'progress';
    if (ending.phase === 'reading' && clocks.turn(recordsIn())) return 'progress';
    const { source, loops } = this.#head;
    return source === undefined ? reader.step(startedAt, loops) : this.#readSource(source);
  }

  /** A checkpoint, or the end, that waits for nothing but its turn. */
  #beginDueProcedure(): boolean {
    const { checkpoints, commits, ending, procedure } = this.#options;
    const checkpoint = checkpoints.next();
    if (checkpoint !== undefined) {
      procedure.begin(checkpoint);
      return true;
    }
    if (ending.phase !== 'finished' || !checkpoints.isCoveredBy(commits.confirmed)) return false;
    procedure.begin(ending.close());
    return true;
  }

  #readSource(source: SourceDriver): Step {
    const { budget, ending, procedure } = this.#options;
    if (ending.phase !== 'reading') return 'waiting';
    const step = source.step(budget.pollRecords);
    if (step !== 'end') return step;
    procedure.begin(ending.endInput());
    return 'progress';
  }
}
