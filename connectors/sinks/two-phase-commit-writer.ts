/**
 * The base of sinks whose output appears exactly once: what is written between two checkpoints is one transaction, made
 * durable before the checkpoint is acknowledged and visible after it has completed (Flink's TwoPhaseCommitSinkFunction).
 *
 * TP1  `preCommit` of everything written before a barrier is done before the checkpoint is acknowledged.
 * TP2  `commit` is called only for transactions that stand in a completed checkpoint, oldest first, and again for all of
 *      them on restore: it must be idempotent, and it must not forget a transaction because time has passed.
 * TP3  The transaction of an aborted checkpoint is committed with the next one that completes: its records came before.
 * TP4  A failed `preCommit` or `commit` fails the task, after all transactions that are due were tried.
 * TP5  Without checkpoints everything is committed at the end of input; a job that restarts may then write records again.
 * TP6  Closing aborts the open transaction only. Those that were pre-committed belong to a checkpoint that may complete.
 */
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId } from '../../core/ids.js';
import type { Emit, Operator, OperatorContext, OperatorSnapshotContext } from '../../dataflow/contracts.js';

/** What a writer keeps in a checkpoint. */
interface WriterState<Pending> {
  readonly formatVersion: 1;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  /** Pre-committed and not known to be committed, oldest first. */
  readonly pending: readonly { readonly checkpointId: number; readonly transaction: Pending }[];
  /** What `keep` told. */
  readonly kept?: unknown;
}

interface Sealed<Pending> {
  readonly checkpointId: number;
  readonly transaction: Promise<Pending>;
}

/** What `recover` is told. */
export interface Recovery<Pending> {
  /** Transactions of the restored checkpoint; they have been committed just now. */
  readonly committed: readonly Pending[];
  /** What `keep` told in the restored checkpoint; one entry a former subtask that had something. */
  readonly kept: readonly unknown[];
  /**
   * Whether `committed` is all that former attempts of this subtask may still need: then their other leftovers can go.
   * False when the job was restored with another parallelism, so that another subtask may have what looks abandoned.
   */
  readonly isComplete: boolean;
}

/**
 * Writes records in transactions. `Transaction` is the open one, with whatever it needs; `Pending` is what it takes to
 * commit it, also in another process: plain data that travels in checkpoints.
 */
export abstract class TwoPhaseCommitWriter<T, Transaction, Pending> implements Operator<T, never> {
  #context: OperatorContext | undefined;
  #current: Transaction | undefined;
  #sealed: Sealed<Pending>[] = [];
  #commits: Promise<void> = Promise.resolve();

  /** Starts a transaction; called for the first record after a barrier, and when one `isDue` without a record. */
  protected abstract begin(): Transaction;
  /** Adds a record; `timestamp` is event time in ms or `noTimestamp`. May hold back the input with `context.park`. */
  protected abstract write(transaction: Transaction, value: T, timestamp: number): void;
  /** Makes the transaction durable; no record is added after this. */
  protected abstract preCommit(transaction: Transaction): Promise<Pending>;
  /** Makes it visible (TP2). */
  protected abstract commit(pending: Pending): Promise<void>;
  /** Gives up a transaction that was not pre-committed. */
  protected abstract abort(transaction: Transaction): Promise<void>;
  /** Connects to the target, before anything else. */
  protected prepare(_context: OperatorContext): void | Promise<void> {}
  /** Aborts what former attempts left behind, after the restored transactions were committed. */
  protected recover(_recovery: Recovery<Pending>): void | Promise<void> {}
  /** Whether a snapshot must end a transaction though no record came since the last one. */
  protected isDue(): boolean {
    return false;
  }
  /** What the checkpoint must hold besides: plain data, as of now. Called in each snapshot, after the transaction was ended. */
  protected keep(): Promise<unknown> | undefined {
    return undefined;
  }

  protected get context(): OperatorContext {
    if (this.#context === undefined) throw new MillraceError('ASSERTION', 'A writer has no context before it is opened');
    return this.#context;
  }

  bind(_out: Emit<never>, context: OperatorContext): Emit<T> {
    this.#context = context;
    return (value, timestamp) => {
      this.#current ??= this.begin();
      this.write(this.#current, value, timestamp);
    };
  }

  async open(context: OperatorContext): Promise<void> {
    this.#context = context;
    await this.prepare(context);
    const states = (context.restored ?? []) as readonly WriterState<Pending>[];
    const pending = states.flatMap((state) => state.pending).sort((a, b) => a.checkpointId - b.checkpointId);
    const committed = pending.map(({ transaction }) => transaction);
    await tryAll(committed.map((transaction) => () => this.commit(transaction)));
    const { subtaskIndex, parallelism } = context.task;
    const isOwn = states.every((state) => state.subtaskIndex === subtaskIndex && state.parallelism === parallelism);
    await this.recover({
      committed,
      kept: states.flatMap(({ kept }) => (kept === undefined ? [] : [kept])),
      isComplete: context.restoredCheckpointId === undefined || (states.length === 1 && isOwn),
    });
  }

  snapshot({ checkpointId }: OperatorSnapshotContext): Promise<WriterState<Pending>> {
    this.#seal(checkpointId);
    return this.#state([...this.#sealed], this.keep());
  }

  checkpointCompleted(checkpointId: CheckpointId): Promise<void> {
    return this.#commitUpTo(checkpointId);
  }

  finish(): void {
    if (this.context.isCheckpointed) return;
    this.#seal(0);
    if (this.#sealed.length > 0) this.context.park(() => true, this.#commitUpTo(Number.MAX_SAFE_INTEGER));
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) await this.abort(current);
  }

  /** Ends the open transaction, if there is one, and starts to pre-commit it. */
  #seal(checkpointId: number): void {
    const current = this.#current ?? (this.isDue() ? this.begin() : undefined);
    if (current === undefined) return;
    this.#current = undefined;
    const transaction = this.preCommit(current);
    transaction.catch((error: unknown) => this.context.fail(error));
    this.#sealed.push({ checkpointId, transaction });
  }

  async #state(sealed: readonly Sealed<Pending>[], keeping: Promise<unknown> | undefined): Promise<WriterState<Pending>> {
    // It may fail before its turn comes below.
    keeping?.catch((error: unknown) => this.context.fail(error));
    const pending: WriterState<Pending>['pending'][number][] = [];
    for (const { checkpointId, transaction } of sealed) pending.push({ checkpointId, transaction: await transaction });
    const { subtaskIndex, parallelism } = this.context.task;
    const kept = await keeping;
    return { formatVersion: 1, subtaskIndex, parallelism, pending, ...(kept === undefined ? {} : { kept }) };
  }

  /** Commits in order, one call after another, however they overlap. */
  #commitUpTo(checkpointId: number): Promise<void> {
    const turn = this.#commits.then(async () => {
      const due = this.#sealed.filter((sealed) => sealed.checkpointId <= checkpointId);
      await tryAll(
        due.map((sealed) => async () => {
          await this.commit(await sealed.transaction);
          this.#sealed = this.#sealed.filter((other) => other !== sealed);
        }),
      );
    });
    this.#commits = turn.catch(() => undefined);
    return turn;
  }
}

/** Runs all, one after another; then throws the first error (TP4). */
async function tryAll(works: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
