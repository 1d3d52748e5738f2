/** One pending checkpoint: its machine, its timer and the snapshots it has collected. */
import { assert } from '../../core/errors.js';
import type { AttemptId, CheckpointId } from '../../core/ids.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import {
  pendingCheckpointMachine,
  type CheckpointFailureReason,
  type PendingCheckpointEffect,
} from '../../state-machines/pending-checkpoint/pending-checkpoint-machine.js';
import type { TaskSnapshot } from '../../storage/contracts.js';
import { MachineHost, type TransitionRecord } from '../runtime/machine-host.js';
import type { ExecutionView } from '../scheduler/checkpointing.js';

export interface PendingCheckpointOptions {
  readonly checkpointId: CheckpointId;
  /** Every task of the job as it was when the checkpoint began. */
  readonly executions: readonly ExecutionView[];
  readonly startedAt: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly name: string;
  readonly onTransition?: (record: TransitionRecord) => void;
  readonly trigger: (pending: PendingCheckpoint) => void;
  /** Must be answered by `finalized` or `finalizeFailed`. */
  readonly finalize: (pending: PendingCheckpoint) => void;
  /** Called once; without a reason the checkpoint completed. */
  readonly ended: (pending: PendingCheckpoint, reason: CheckpointFailureReason | undefined) => void;
}

export class PendingCheckpoint {
  readonly #options: PendingCheckpointOptions;
  readonly #snapshots = new Map<AttemptId, TaskSnapshot>();
  /** Came in with an acknowledgement; the machine says whether it is kept. */
  readonly #offered = new Map<AttemptId, TaskSnapshot>();
  readonly #machine: MachineHost<typeof pendingCheckpointMachine, PendingCheckpointEffect>;
  #timeout: TimerHandle | undefined;

  constructor(options: PendingCheckpointOptions) {
    this.#options = options;
    this.#machine = new MachineHost<typeof pendingCheckpointMachine, PendingCheckpointEffect>({
      machine: pendingCheckpointMachine,
      input: { checkpointId: options.checkpointId, awaited: options.executions.map(({ attemptId }) => attemptId) },
      name: options.name,
      perform: (effect) => this.#perform(effect),
      ...(options.onTransition === undefined ? {} : { onTransition: options.onTransition }),
      onEffectFailed: (error, effect) => {
        options.logger.log('error', 'a pending checkpoint could not perform an effect', { effect: effect.type, error: String(error) });
        this.abort('TRIGGER_CHECKPOINT_FAILURE');
      },
    });
  }

  get checkpointId(): CheckpointId {
    return this.#options.checkpointId;
  }

  get startedAt(): number {
    return this.#options.startedAt;
  }

  get executions(): readonly ExecutionView[] {
    return this.#options.executions;
  }

  /** What was acknowledged, in the order of the executions. */
  snapshots(): readonly TaskSnapshot[] {
    return this.#options.executions.flatMap(({ attemptId }) => this.#snapshots.get(attemptId) ?? []);
  }

  /** Those that have not acknowledged. */
  awaited(): readonly ExecutionView[] {
    return this.#options.executions.filter(({ attemptId }) => !this.#snapshots.has(attemptId));
  }

  acknowledged(attemptId: AttemptId, snapshot: TaskSnapshot): void {
    // An attempt acknowledges once: what a repetition brings is not even looked at.
    if (!this.#snapshots.has(attemptId)) this.#offered.set(attemptId, snapshot);
    this.#machine.send({ type: 'ACKNOWLEDGED', attemptId });
  }

  declined(attemptId: AttemptId, reason: CheckpointFailureReason): void {
    this.#machine.send({ type: 'DECLINED', attemptId, reason });
  }

  triggerFailed(attemptId: AttemptId): void {
    this.#machine.send({ type: 'TRIGGER_FAILED', attemptId });
  }

  finalized(): void {
    this.#machine.send({ type: 'FINALIZED' });
  }

  finalizeFailed(): void {
    this.#machine.send({ type: 'FINALIZE_FAILED' });
  }

  abort(reason: CheckpointFailureReason): void {
    this.#machine.send({ type: 'ABORT', reason });
  }

  #keep(attemptId: AttemptId): void {
    const snapshot = this.#offered.get(attemptId);
    assert(snapshot !== undefined, `the snapshot of ${attemptId} is kept, but none came in.`);
    this.#offered.delete(attemptId);
    this.#snapshots.set(attemptId, snapshot);
  }

  #perform(effect: Exclude<PendingCheckpointEffect, { readonly type: 'ignored' }>): void {
    switch (effect.type) {
      case 'triggerSources':
        this.#options.trigger(this);
        return;
      case 'watchTimeout':
        this.#timeout = this.#options.clock.setTimer(this.#options.timeoutMs, () => this.#machine.send({ type: 'EXPIRED' }));
        return;
      case 'cancelTimeout':
        this.#timeout?.cancel();
        return;
      case 'keepSnapshot':
        return this.#keep(effect.params.attemptId as AttemptId);
      case 'discardSnapshot':
        this.#offered.delete(effect.params.attemptId as AttemptId);
        return;
      case 'finalize':
        this.#options.finalize(this);
        return;
      case 'reportCompleted':
        this.#options.ended(this, undefined);
        return;
      case 'reportAborted':
        this.#options.ended(this, effect.params.reason);
        return;
    }
  }
}
