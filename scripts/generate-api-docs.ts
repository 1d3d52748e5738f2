/**
 * `npm run docs:api [-- --out DIRECTORY]`: the API reference, one page an entry point of the package, from the declarations
 * in `dist/`. `npm run verify` fails when a committed page is stale.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { exportedDeclarations, headOf } from './api-reference/declarations.js';
import { referencePage } from './api-reference/page.js';

endWithReader();

/** Page → what users import, and the module behind it. */
const entries = [
  { file: 'millrace.md', entry: 'millrace', module: 'index' },
  { file: 'testing.md', entry: 'millrace/testing', module: 'testing/index' },
  { file: 'contracts.md', entry: 'millrace/contracts', module: 'testing/contracts' },
];

const { values } = parseArgs({ options: { out: { type: 'string', default: join('docs', 'api') } } });
const root = fileURLToPath(new URL('../', import.meta.url));
mkdirSync(values.out, { recursive: true });
let count = 0;
for (const { file, entry, module } of entries) {
  const declarations = exportedDeclarations(root, module);
  count += declarations.length;
  writeFileSync(join(values.out, file), referencePage({ entry, declarations, headOf: (one) => headOf(root, one) }));
}
console.log(`${count} names described in ${values.out}`);
