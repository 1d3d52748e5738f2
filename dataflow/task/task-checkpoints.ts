/**
 * The part of one task in the checkpoints of its job.
 *
 * TC1  Ids only grow: a checkpoint at or below the last one taken, abandoned or refused here is not taken.
 * TC2  A checkpoint is taken between records: prepare each operator → barrier to all outputs → cut → write in slices.
 * TC3  A checkpoint that this task gives up is cancelled downstream (cancel marker), so that no consumer waits for it.
 */
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { CheckpointId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { StreamEvent } from '../channels/elements.js';
import type { CheckpointTrigger, ChunkStore, TaskCallbacks, TaskDeclineReason } from '../task-runtime.js';
import { AbortedCheckpoints } from './aborted-checkpoints.js';
import type { ChainScope } from './event-time.js';
import { callOperator, type Procedure } from './procedure.js';
import type { SourceDriver } from './source-driver.js';
import { TaskSnapshots } from './task-snapshots.js';
import type { UserCalls } from './user-calls.js';

/** How far the end of input has come: reading → finished (END_OF_DATA sent) → closing (END_OF_PARTITION due or sent). */
export type EndPhase = 'reading' | 'finished' | 'closing';

export interface TaskCheckpointsOptions {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly chunks: ChunkStore;
  readonly clock: Clock;
  readonly callbacks: Pick<TaskCallbacks, 'onAcknowledged' | 'onDeclined'>;
  readonly calls: UserCalls;
  readonly wake: () => void;
  readonly scope: ChainScope;
  readonly broadcast: (event: StreamEvent) => void;
  readonly source: () => SourceDriver | undefined;
  readonly recordsIn: () => number;
  readonly recordsWritten: () => number;
  readonly accumulators: () => readonly AccumulatorState[];
  readonly endPhase: () => EndPhase;
}

/** A checkpoint to be taken before the next record. */
interface DueCheckpoint extends CheckpointTrigger {
  readonly alignmentMs: number;
}

/** See the head of this file. */
export class TaskCheckpoints {
  readonly #options: TaskCheckpointsOptions;
  readonly #snapshots: TaskSnapshots;
  readonly #aborted = new AbortedCheckpoints();
  #due: DueCheckpoint | undefined;
  #lastTriggered = 0;
  #lastTaken = 0;
  /** The latest final checkpoint this task took part in after `finish`. */
  #final: CheckpointId | undefined;
  /** The final one, once it is known to be complete. */
  #completedFinal: CheckpointId | undefined;

  constructor(options: TaskCheckpointsOptions) {
    this.#options = options;
    this.#snapshots = new TaskSnapshots(options);
  }

  /** The JobManager asks; `refusal` says why the task cannot. */
  trigger(trigger: CheckpointTrigger, refusal: TaskDeclineReason | undefined): 'accepted' | 'seen' | 'declined' {
    const id = trigger.checkpointId;
    const { callbacks } = this.#options;
    if (id <= this.#lastTriggered) return 'seen';
    if (refusal !== undefined) {
      callbacks.onDeclined(id, refusal, undefined);
      return 'declined';
    }
    this.#lastTriggered = id;
    if (this.#due !== undefined) callbacks.onDeclined(this.#due.checkpointId, 'CHECKPOINT_DECLINED_SUBSUMED', undefined);
    this.#due = { ...trigger, alignmentMs: 0 };
    return 'accepted';
  }

  /** Every input channel delivered the barrier. */
  onAligned(barrier: CheckpointTrigger, alignmentMs: number): void {
    this.#due = { ...barrier, alignmentMs };
  }

  onAbandoned(id: CheckpointId, reason: 'subsumed' | 'cancel-marker'): void {
    this.#lastTaken = Math.max(this.#lastTaken, id);
    this.#giveUp(id, reason === 'subsumed' ? 'CHECKPOINT_DECLINED_SUBSUMED' : 'CHECKPOINT_DECLINED_ON_CANCELLATION_BARRIER');
  }

  /** The JobManager gave the checkpoint up; `wasAligning`: its alignment here has just been ended. */
  abort(id: CheckpointId, wasAligning: boolean): void {
    const wasDue = this.#due?.checkpointId === id;
    if (wasDue) this.#due = undefined;
    if (wasDue || wasAligning) this.#options.broadcast({ kind: 'cancel-barrier', checkpointId: id });
    else if (id > this.#lastTaken) this.#aborted.add(id);
    this.#snapshots.discard(id);
  }

  /** The checkpoint whose turn it is. */
  next(): Procedure | undefined {
    const due = this.#due;
    if (due === undefined) return undefined;
    this.#due = undefined;
    return this.#take(due);
  }

  /**
   * Whether `confirmed` is the final checkpoint that everything this task did is in. A later one does not count: when a
   * final checkpoint fails because another region restarts, ordinary ones follow; nothing follows one that completed.
   */
  isCoveredBy(confirmed: number): boolean {
    if (this.#final === undefined) return false;
    return confirmed === this.#final || (this.#completedFinal === this.#final && confirmed > this.#final);
  }

  /** Whether it is the final one. Its word may be overtaken by that of a later one, which was triggered meanwhile. */
  completed(id: CheckpointId): boolean {
    if (id !== this.#final) return false;
    this.#completedFinal = id;
    return true;
  }

  /** Serialises some more; whether there is more to do. */
  advance(): boolean {
    return this.#snapshots.advance();
  }

  discardAll(): void {
    this.#snapshots.discardAll();
  }

  *#take({ checkpointId: id, triggeredAt, isFinal, alignmentMs }: DueCheckpoint): Procedure {
    const { descriptor, clock, scope, broadcast, calls, source, recordsIn, recordsWritten, accumulators, endPhase } = this.#options;
    if (id <= this.#lastTaken) return;
    this.#lastTaken = id;
    if (this.#aborted.take(id)) {
      broadcast({ kind: 'cancel-barrier', checkpointId: id });
      return;
    }
    if (endPhase() === 'closing') {
      this.#giveUp(id, 'CHECKPOINT_DECLINED_TASK_CLOSING');
      return;
    }
    const syncStartedAt = clock.monotonic();
    for (const { operator, descriptor: of } of scope.operators()) {
      const prepared = callOperator(of, () => operator?.prepareSnapshot?.(id));
      if (prepared !== undefined) yield calls.wait(of, 'prepareSnapshot', prepared);
      if (scope.isParked()) yield 'room';
    }
    broadcast({ kind: 'barrier', checkpointId: id, triggeredAt, isFinal });
    const isFinished = endPhase() === 'finished';
    this.#snapshots.cut(
      { checkpointId: id, descriptor, operators: scope.operators(), source: source(), isFinished, accumulators: accumulators() },
      { alignmentMs, syncStartedAt, recordsIn: recordsIn(), recordsWritten: recordsWritten() },
    );
    if (isFinished && isFinal) this.#final = id;
  }

  #giveUp(id: CheckpointId, reason: TaskDeclineReason): void {
    this.#options.broadcast({ kind: 'cancel-barrier', checkpointId: id });
    this.#options.callbacks.onDeclined(id, reason, undefined);
  }
}
