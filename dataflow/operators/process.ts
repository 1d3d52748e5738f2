import { noTimestamp, type Emit, type Operator, type OperatorContext } from '../contracts.js';
import type { Collector, OutputTag, ProcessContext, ProcessFunction, ProcessSetup, Results } from '../functions.js';
import { ResultPump } from './result-pump.js';
import { runtimeContextOf, shownTimestamp, sideOutputsOf } from './runtime-context.js';
import { failFunction } from './user-error.js';

/** Runs a process function: any number of results, side outputs, a last word at the end of input. */
export function processOperator<In, Out>(setup: ProcessSetup<In, Out>): Operator<In, Out> {
  return new ProcessOperator(setup);
}

class ProcessOperator<In, Out> implements Operator<In, Out> {
  readonly #setup: ProcessSetup<In, Out>;
  #run!: ProcessFunction<In, Out>;
  #pump!: ResultPump<In, Out>;
  #collector!: Collector<Out>;
  #operatorName = '';
  /** Of the record being processed. */
  #now = noTimestamp;

  constructor(setup: ProcessSetup<In, Out>) {
    this.#setup = setup;
  }

  bind(out: Emit<Out>, context: OperatorContext): Emit<In> {
    this.#operatorName = context.operatorName;
    this.#collector = { collect: (value) => void out(value, this.#now) };
    const toSide = sideOutputsOf(context);
    const processContext: ProcessContext = {
      timestamp: () => shownTimestamp(this.#now),
      time: { currentProcessingTime: () => context.clock.now(), currentWatermark: () => context.currentWatermark() },
      output: <T>(tag: OutputTag<T>, value: T) => toSide(tag.id, value, this.#now),
    };
    const process: Emit<In> = (value, timestamp) => {
      this.#now = timestamp;
      let results: Results<Out>;
      try {
        results = this.#run.processElement(value, processContext, this.#collector);
      } catch (error) {
        failFunction(this.#operatorName, error);
      }
      this.#pump.take(results, timestamp);
    };
    this.#pump = new ResultPump({ out, context, process, onResume: (timestamp) => void (this.#now = timestamp) });
    return this.#pump.accept;
  }

  open(context: OperatorContext): void | Promise<void> {
    const runtime = runtimeContextOf(context);
    this.#run = typeof this.#setup === 'function' ? this.#setup(runtime) : this.#setup;
    return this.#run.open?.(runtime);
  }

  finish(): void {
    this.#now = noTimestamp;
    let results: Results<Out>;
    try {
      results = this.#run.finish?.(this.#collector);
    } catch (error) {
      failFunction(this.#operatorName, error);
    }
    this.#pump.take(results, noTimestamp);
  }

  close(): void | Promise<void> {
    this.#pump?.close();
    return this.#run?.close?.();
  }
}
