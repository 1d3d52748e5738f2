/** Prints the numbers from 1 to 5000. */
import { defineJob } from '../../../index.js';

export default defineJob('printing', (env) => {
  env.fromSequence(1, 5_000).print();
});
