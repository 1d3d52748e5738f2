/**
 * Takes checkpoints as the JobManager's coordinator does, for the task harness.
 *
 * HC1  At most one checkpoint is pending; it completes when every task acknowledged it, and not before.
 * HC2  Once all tasks are at the end of their data, a final checkpoint is taken, after one that began before.
 */
import type { CheckpointId } from '../core/ids.js';
import type { TaskAcknowledgement, TaskRuntime } from '../dataflow/task-runtime.js';
import type { FormerVertex } from '../graph/former-state.js';
import type { SourceCoordinatorSnapshot, TaskSnapshot } from '../storage/contracts.js';

/** A completed checkpoint as the harness keeps it. */
export interface HarnessCheckpoint {
  readonly id: CheckpointId;
  readonly isFinal: boolean;
  readonly tasks: ReadonlyMap<string, TaskSnapshot>;
  /** The vertices whose tasks these are. */
  readonly vertices: readonly FormerVertex[];
  /** The splits that were known. */
  readonly sources: readonly SourceCoordinatorSnapshot[];
}

/** A deployed task, as far as checkpoints go. */
export interface CheckpointedTask {
  readonly runtime: TaskRuntime;
  readonly isSource: boolean;
}

export interface HarnessCheckpointsOptions {
  /** Of the present attempt, by execution vertex. */
  readonly tasks: () => ReadonlyMap<string, CheckpointedTask>;
  readonly isRunning: () => boolean;
  readonly nowMs: () => number;
  /** Does something a little later, unless the attempt ends before. */
  readonly later: (action: () => void) => void;
  readonly vertices: () => readonly FormerVertex[];
  readonly sources: () => readonly SourceCoordinatorSnapshot[];
}

interface PendingCheckpoint {
  readonly id: CheckpointId;
  readonly acknowledged: Map<string, TaskAcknowledgement>;
  readonly isFinal: boolean;
}

export class HarnessCheckpoints {
  /** Oldest first. */
  readonly completed: HarnessCheckpoint[] = [];
  readonly #options: HarnessCheckpointsOptions;
  #pending: PendingCheckpoint | undefined;
  #endOfData = new Set<string>();
  #lastCheckpointId = 0;
  /** A checkpoint after the end of all data completed: nothing follows. */
  #isFinalDone = false;

  constructor(options: HarnessCheckpointsOptions) {
    this.#options = options;
  }

  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  get isAtEnd(): boolean {
    return this.#endOfData.size >= this.#options.tasks().size;
  }

  /** A new attempt starts. */
  reset(restoredId: CheckpointId | undefined): void {
    this.#endOfData = new Set();
    this.#pending = undefined;
    this.#isFinalDone = false;
    this.#lastCheckpointId = Math.max(this.#lastCheckpointId, restoredId ?? 0);
  }

  /** Starts a checkpoint unless one is pending or a task is not running; its id. */
  trigger(): CheckpointId | undefined {
    const { tasks, isRunning, later, nowMs } = this.#options;
    if (this.#pending !== undefined || !isRunning()) return undefined;
    this.#lastCheckpointId += 1;
    const id = this.#lastCheckpointId as CheckpointId;
    const isFinal = this.#endOfData.size === tasks().size;
    this.#pending = { id, acknowledged: new Map(), isFinal };
    for (const { runtime, isSource } of tasks().values()) {
      if (isSource) later(() => runtime.triggerCheckpoint({ checkpointId: id, triggeredAt: nowMs(), isFinal }));
    }
    return id;
  }

  /** Gives a pending checkpoint up. */
  abort(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    for (const { runtime } of this.#options.tasks().values()) this.#options.later(() => runtime.checkpointAborted(pending.id));
    this.#triggerFinal();
  }

  declined(id: CheckpointId): void {
    if (this.#pending?.id === id) this.abort();
  }

  acknowledged(key: string, runtime: TaskRuntime, acknowledgement: TaskAcknowledgement): void {
    const { tasks, later, vertices, sources } = this.#options;
    const pending = this.#pending;
    if (pending === undefined || tasks().get(key)?.runtime !== runtime || pending.id !== acknowledgement.checkpointId) return;
    pending.acknowledged.set(key, acknowledgement);
    if (pending.acknowledged.size < tasks().size) return;
    this.#pending = undefined;
    const snapshots = new Map([...pending.acknowledged].map(([task, { snapshot }]) => [task, snapshot]));
    this.completed.push({ id: pending.id, isFinal: pending.isFinal, tasks: snapshots, vertices: vertices(), sources: sources() });
    for (const task of tasks().values()) later(() => task.runtime.checkpointCompleted(pending.id));
    this.#isFinalDone = pending.isFinal;
    this.#triggerFinal();
  }

  endOfData(key: string): void {
    this.#endOfData.add(key);
    this.#triggerFinal();
  }

  /** HC2. */
  #triggerFinal(): void {
    if (this.#endOfData.size < this.#options.tasks().size) return;
    this.#options.later(() => {
      if (!this.#isFinalDone) this.trigger();
    });
  }
}
