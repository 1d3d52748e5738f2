/**
 * What operators around one process function have in common: it is made and opened in its task, told of checkpoints, and called
 * beside its records; what it throws then names the operator.
 */
import type { CheckpointId } from '../../core/ids.js';
import { noTimestamp } from '../contracts.js';
import type { CheckpointedFunction, Results } from '../functions.js';
import type { ProcessCell } from '../fusion/process-call.js';
import { madeFunction } from './made-function.js';
import { failFunction } from './user-error.js';

/** What such a function may have beside the methods that take records. */
interface OpenedFunction extends CheckpointedFunction {
  open?(runtime: never): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** See the head of this file. */
export abstract class FunctionOperator<Run extends OpenedFunction, Cell extends ProcessCell<Run> = ProcessCell<Run>> {
  /** What compiled code of records reads, so no field of the operator. */
  protected readonly cell = { now: noTimestamp } as Cell;
  protected operatorName = '';

  prepareSnapshot(id: CheckpointId): void | Promise<void> {
    return this.cell.run?.snapshotState?.(id);
  }

  checkpointCompleted(id: CheckpointId): void | Promise<void> {
    return this.cell.run?.notifyCheckpointComplete?.(id);
  }

  checkpointAborted(id: CheckpointId): void | Promise<void> {
    return this.cell.run?.notifyCheckpointAborted?.(id);
  }

  close(): void | Promise<void> {
    return this.cell.run?.close?.();
  }

  /** Makes the function, which must have these methods, and opens it. */
  protected openFunction<Runtime>(
    setup: Run | ((runtime: Runtime) => Run),
    runtime: Runtime,
    methods: readonly (keyof Run & string)[],
  ): void | Promise<void> {
    const run = madeFunction(setup, runtime, methods);
    this.cell.run = run;
    return run.open?.(runtime as never);
  }

  /** Calls the function for what is no record: results carry `timestamp`. */
  protected call<Out>(timestamp: number, call: (run: Run) => Results<Out>): Results<Out> {
    const { run } = this.cell;
    if (run === undefined) return undefined;
    this.cell.now = timestamp;
    try {
      return call(run);
    } catch (error) {
      return failFunction(this.operatorName, error);
    }
  }
}
