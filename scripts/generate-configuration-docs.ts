/**
 * `npm run docs:configuration [-- --out FILE]`: every configuration key on one page, from its declaration.
 * `npm run verify` fails when the committed page is stale.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { optionGroups } from '../core/configuration/options.js';
import { configurationPage } from './configuration-docs/page.js';

endWithReader();

const { values } = parseArgs({ options: { out: { type: 'string', default: join('docs', 'configuration.md') } } });
mkdirSync(dirname(values.out), { recursive: true });
writeFileSync(values.out, configurationPage(optionGroups));
console.log(`${optionGroups.flatMap((group) => group.options).length} keys described in ${values.out}`);
