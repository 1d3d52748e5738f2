/** Paced generator → keyBy(page) → count per key → how long each record took from when it was due to its count. */
import { defineJob, type Emit, type KeyedProcessFunction, type KeyedRuntimeContext, type Operator } from 'millrace';
import { LatencyHistogram } from '../harness/latency-histogram.js';
import { mark } from '../harness/forms.js';
import { makeTimedVisit, type TimedVisit } from './keyed-functions.js';
import { machineMs } from './pace.js';
import { pacedSource } from './paced-source.js';

function countPerKey(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, TimedVisit, number> {
  const visits = runtime.valueState<number>('visits');
  return {
    processElement: ({ due, visits: more }, _context, out) => {
      visits.update((visits.value() ?? 0) + more);
      out.collect(due);
    },
  };
}

class LatencyWriter implements Operator<number, never> {
  readonly #latencies = new LatencyHistogram();
  #counted = 0;

  bind(): Emit<number> {
    return (due) => {
      this.#counted += 1;
      if (due > 0) this.#latencies.add(machineMs() - due);
    };
  }

  finish(): void {
    mark('end', this.#counted, this.#latencies.buckets());
  }
}

export default defineJob('bench-latency', (env) => {
  const records = env.parameters.integer('records', 1_000_000);
  const warmUp = env.parameters.integer('warmUp', 0);
  const perSecond = env.parameters.integer('perSecond', 0);
  const checkpointMs = env.parameters.integer('checkpointMs', 0);
  if (checkpointMs > 0) env.enableCheckpointing(`${checkpointMs} ms`);
  env.setParallelism(2).setBufferTimeout(`${env.parameters.integer('bufferTimeoutMs', 5)} ms`);
  env
    .fromSource(pacedSource({ records, warmUp, perSecond, make: makeTimedVisit }))
    .keyBy((visit) => visit.page)
    .process(countPerKey)
    .sinkTo({ name: 'latency', data: null, createWriter: () => new LatencyWriter() });
});
