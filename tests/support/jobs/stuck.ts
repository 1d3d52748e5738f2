/** A function that never gives its thread back. */
import { defineJob } from '../../../index.js';

export default defineJob('stuck', (env) => {
  env
    .fromSequence(1, 10)
    .map((value) => {
      for (;;) if (value === 0) break;
      return value;
    })
    .print();
});
