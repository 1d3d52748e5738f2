/** The first time it runs it throws where no task can catch it: in a timer of its own. */
import { existsSync, writeFileSync } from 'node:fs';
import { sequenceSource } from '../../../connectors/sequence-source.js';
import { defineJob, throttled } from '../../../index.js';

export default defineJob('stray-error', (env) => {
  const marker = env.parameters.string('marker');
  env.enableCheckpointing(100);
  env
    .fromSource(throttled(sequenceSource(1, 500), { recordsPerSecond: 500 }))
    .map((value) => {
      if (value === 100 && !existsSync(marker)) {
        writeFileSync(marker, '');
        setTimeout(() => {
          throw new Error('stray');
        }, 0);
      }
      return value;
    })
    .filter(() => false)
    .print();
});
