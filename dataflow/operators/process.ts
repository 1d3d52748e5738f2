import type { CheckpointId } from '../../core/ids.js';
import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import type { Collector, ProcessFunction, ProcessSetup, Results } from '../functions.js';
import { createCollector, createProcessCall, type ProcessCell } from '../fusion/process-call.js';
import { madeFunction } from './made-function.js';
import { processContextOf } from './process-context.js';
import type { ResultPump } from './result-pump.js';
import { runtimeContextOf } from './runtime-context.js';
import { failFunction } from './user-error.js';

/** Runs a process function: any number of results, side outputs, a last word at the end of input. */
export function processOperator<In, Out>(setup: ProcessSetup<In, Out>): Operator<In, Out> {
  return new ProcessOperator(setup);
}

class ProcessOperator<In, Out> implements Operator<In, Out> {
  readonly #setup: ProcessSetup<In, Out>;
  readonly #cell: ProcessCell<ProcessFunction<In, Out>> = { now: noTimestamp };
  #pump!: ResultPump<In, Out>;
  #collector!: Collector<Out>;
  #operatorName = '';

  constructor(setup: ProcessSetup<In, Out>) {
    this.#setup = setup;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    const cell = this.#cell;
    const collector = createCollector(out, cell);
    const processContext = processContextOf(cell, context);
    this.#operatorName = context.operatorName;
    this.#collector = collector;
    const { accept, pump } = createProcessCall<In, Out>({
      cell,
      out,
      context,
      process: (value) => cell.run?.processElement(value, processContext, collector),
      code: 'cell.run.processElement(value, processContext, collector)',
      uses: { processContext, collector },
    });
    this.#pump = pump;
    return accept;
  }

  open(context: OperatorContext): void | Promise<void> {
    const runtime = runtimeContextOf(context);
    const run = madeFunction(this.#setup, runtime, ['processElement']);
    this.#cell.run = run;
    return run.open?.(runtime);
  }

  endInput(): void {
    this.#lastWord((run) => run.endInput?.(this.#collector));
  }

  finish(): void {
    this.#lastWord((run) => run.finish?.(this.#collector));
  }

  prepareSnapshot(id: CheckpointId): void | Promise<void> {
    return this.#cell.run?.snapshotState?.(id);
  }

  checkpointCompleted(id: CheckpointId): void | Promise<void> {
    return this.#cell.run?.notifyCheckpointComplete?.(id);
  }

  checkpointAborted(id: CheckpointId): void | Promise<void> {
    return this.#cell.run?.notifyCheckpointAborted?.(id);
  }

  close(): void | Promise<void> {
    this.#pump?.close();
    return this.#cell.run?.close?.();
  }

  #lastWord(call: (run: ProcessFunction<In, Out>) => Results<Out>): void {
    const { run } = this.#cell;
    if (run === undefined) return;
    this.#cell.now = noTimestamp;
    let results: Results<Out>;
    try {
      results = call(run);
    } catch (error) {
      failFunction(this.#operatorName, error);
    }
    this.#pump.take(results, noTimestamp);
  }
}
