/** A job whose user function throws at a record. */
import { defineJob, sequenceSource } from 'millrace';

export default defineJob('failing', (env) => {
  env.setRestartStrategy({ kind: 'none' });
  env
    .fromSource(sequenceSource(1, 1_000))
    .map((value) => {
      if (value === 500) throw new RangeError(`cannot digest ${value}`);
      return value;
    })
    .name('digestion')
    .filter((value) => value < 0)
    .print();
});
