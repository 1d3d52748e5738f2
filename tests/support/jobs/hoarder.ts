/** Keeps everything it sees, a kilobyte a record, until the slot runs out of memory; slowly enough for a busy machine to notice in time. */
import { sequenceSource } from '../../../connectors/sequence-source.js';
import { defineJob, throttled } from '../../../index.js';

export default defineJob('hoarder', (env) => {
  const isBuffers = env.parameters.boolean('buffers', false);
  env.setRestartStrategy({ kind: 'none' });
  const kept: unknown[] = [];
  env
    .fromSource(throttled(sequenceSource(1, 1_000_000), { recordsPerSecond: 20_000 }))
    .map((value) => kept.push(isBuffers ? new Uint8Array(1_024) : new Array<number>(128).fill(value)))
    .filter(() => false)
    .print();
});
