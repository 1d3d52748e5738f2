/** A generator as fast as it goes → a sink in a slot of its own that takes `--perSecond` records. Goes on until it is cancelled. */
import { defineJob, type Emit, type Operator } from 'millrace';
import { generatorSource } from './generator-source.js';
import { makeWideVisit } from './keyed-functions.js';
import { machineMs } from './pace.js';

/** Sleeps, as a function that waits for something does: it takes no processor time, and holds its thread. */
class SlowWriter<T> implements Operator<T, never> {
  readonly #everyMs: number;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #next = 0;

  constructor(perSecond: number) {
    this.#everyMs = 1_000 / perSecond;
  }

  bind(): Emit<T> {
    return () => {
      const now = machineMs();
      if (now < this.#next) Atomics.wait(this.#cell, 0, 0, this.#next - now);
      this.#next = Math.max(now, this.#next) + this.#everyMs;
    };
  }
}

export default defineJob('bench-slow-sink', (env) => {
  const perSecond = env.parameters.integer('perSecond', 1_000);
  env.setParallelism(1).enableCheckpointing('1 s');
  env
    .fromSource(generatorSource({ records: Number.MAX_SAFE_INTEGER, warmUp: 0, make: makeWideVisit }))
    .slotSharingGroup('source')
    .rebalance()
    .sinkTo({ name: 'slow', data: null, createWriter: () => new SlowWriter(perSecond) })
    .slotSharingGroup('sink');
});
