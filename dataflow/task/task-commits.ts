/**
 * Tells the operators of a task which checkpoints completed or were aborted.
 *
 * CM1  Each id is told at most once, ids only grow; a skipped one is covered by a later one (D3).
 * CM2  Calls are made one after the other, each after the promise of the one before settled; `settled` waits for all.
 * CM3  What a call throws or rejects with fails the task: a commit that did not happen must not be forgotten.
 */
import type { CheckpointId } from '../../core/ids.js';
import { functionError } from '../operators/user-error.js';
import type { ChainedOperator } from './chained-operator.js';
import type { UserCall, UserCalls } from './user-calls.js';

export interface TaskCommitsOptions {
  readonly operators: () => readonly ChainedOperator[];
  readonly isEnded: () => boolean;
  readonly calls: UserCalls;
  readonly fail: (error: unknown) => void;
}

export class TaskCommits {
  readonly #options: TaskCommitsOptions;
  #requested = 0;
  #confirmed = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(options: TaskCommitsOptions) {
    this.#options = options;
  }

  /** Highest id the operators were told of, or are about to be. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Whether this id is news. The operators hear of it in the next `deliver`. */
  request(id: CheckpointId): boolean {
    if (id <= this.#requested) return false;
    this.#requested = id;
    return true;
  }

  /** Called between records. */
  deliver(): void {
    const id = this.#requested as CheckpointId;
    if (id <= this.#confirmed) return;
    this.#confirmed = id;
    this.#tell('checkpointCompleted', id);
  }

  aborted(id: CheckpointId): void {
    this.#tell('checkpointAborted', id);
  }

  /** Resolves once every call made so far is done. Never rejects. */
  settled(): Promise<void> {
    return this.#queue;
  }

  #tell(call: Extract<UserCall, 'checkpointCompleted' | 'checkpointAborted'>, id: CheckpointId): void {
    const { operators, calls } = this.#options;
    for (const { operator, descriptor } of operators()) {
      this.#queue = this.#queue.then(async () => {
        if (this.#options.isEnded()) return;
        try {
          const told = operator?.[call]?.(id);
          if (told !== undefined) await calls.wait(descriptor, call, told);
        } catch (error) {
          this.#options.fail(functionError(descriptor.name, error));
        }
      });
    }
  }
}
