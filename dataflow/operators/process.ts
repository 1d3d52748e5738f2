import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import type { Collector, ProcessFunction, ProcessSetup, Results } from '../functions.js';
import { createCollector, createProcessCall } from '../fusion/process-call.js';
import { FunctionOperator } from './function-operator.js';
import { processContextOf } from './process-context.js';
import type { ResultPump } from './result-pump.js';
import { runtimeContextOf } from './runtime-context.js';

/** Runs a process function: any number of results, side outputs, a last word at the end of input. */
export function processOperator<In, Out>(setup: ProcessSetup<In, Out>): Operator<In, Out> {
  return new ProcessOperator(setup);
}

class ProcessOperator<In, Out> extends FunctionOperator<ProcessFunction<In, Out>> implements Operator<In, Out> {
  readonly #setup: ProcessSetup<In, Out>;
  #pump!: ResultPump<In, Out>;
  #collector!: Collector<Out>;

  constructor(setup: ProcessSetup<In, Out>) {
    super();
    this.#setup = setup;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    const { cell } = this;
    const collector = createCollector(out, cell);
    const processContext = processContextOf(cell, context);
    this.operatorName = context.operatorName;
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
    return this.openFunction(this.#setup, runtimeContextOf(context), ['processElement']);
  }

  endInput(): void {
    this.#lastWord((run) => run.endInput?.(this.#collector));
  }

  finish(): void {
    this.#lastWord((run) => run.finish?.(this.#collector));
  }

  override close(): void | Promise<void> {
    this.#pump?.close();
    return super.close();
  }

  #lastWord(call: (run: ProcessFunction<In, Out>) => Results<Out>): void {
    this.#pump.take(this.call(noTimestamp, call), noTimestamp);
  }
}
