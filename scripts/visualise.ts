/**
 * `npm run visualise [-- --out DIR]`: every state machine as a picture and a page in `docs/state-machines/`.
 * The output depends on the machines alone; `npm run verify` fails when the committed pages are stale.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { catalogue } from '../state-machines/catalogue.js';
import { chartOf } from './visualise/chart.js';
import { indexPage, machinePage } from './visualise/page.js';
import { drawChart } from './visualise/svg.js';

endWithReader();

const { values } = parseArgs({ options: { out: { type: 'string', default: join('docs', 'state-machines') } } });
rmSync(values.out, { recursive: true, force: true });
mkdirSync(values.out, { recursive: true });
for (const entry of catalogue) {
  const chart = chartOf(entry.machine);
  writeFileSync(join(values.out, `${entry.name}.svg`), drawChart(`State machine ${entry.name}`, chart));
  writeFileSync(join(values.out, `${entry.name}.md`), machinePage(entry, chart));
}
writeFileSync(join(values.out, 'README.md'), indexPage(catalogue));
console.log(`${catalogue.length} machines drawn in ${values.out}`);
