import { noTimestamp, type Operator } from '../contracts.js';
import type { Collector, OutputTag, ProcessContext, ProcessFunction, ProcessSetup } from '../functions.js';
import { ResultPump } from './result-pump.js';
import { runtimeContextOf, shownTimestamp, sideOutputsOf } from './runtime-context.js';

/** Runs a process function: any number of results, side outputs, a last word at the end of input. */
export function processOperator<In, Out>(setup: ProcessSetup<In, Out>): Operator<In, Out> {
  let run: ProcessFunction<In, Out>;
  let pump: ResultPump<Out> | undefined;
  let collector: Collector<Out>;
  let now = noTimestamp;
  return {
    bind: (out, context) => {
      const results = new ResultPump(out, context);
      pump = results;
      collector = { collect: (value) => out(value, now) };
      const toSide = sideOutputsOf(context);
      const processContext: ProcessContext = {
        timestamp: () => shownTimestamp(now),
        time: { currentProcessingTime: () => context.clock.now(), currentWatermark: () => context.currentWatermark() },
        output: <T>(tag: OutputTag<T>, value: T) => toSide(tag.id, value, now),
      };
      return (value, timestamp) => {
        now = timestamp;
        results.take(run.processElement(value, processContext, collector), timestamp);
      };
    },
    open: (context) => {
      const runtime = runtimeContextOf(context);
      run = typeof setup === 'function' ? setup(runtime) : setup;
      return run.open?.(runtime);
    },
    finish: () => {
      now = noTimestamp;
      pump?.take(run.finish?.(collector), noTimestamp);
    },
    close: () => {
      pump?.close();
      return run?.close?.();
    },
  };
}
