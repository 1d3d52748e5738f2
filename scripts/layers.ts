/** `npm run layers`: says where an import goes against the layers of the architecture. */
import { fileURLToPath } from 'node:url';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { checkLayers } from './layers/check-layers.js';

endWithReader();

const report = await checkLayers(fileURLToPath(new URL('../../', import.meta.url)));
for (const violation of report.violations) console.log(violation);
console.log(`${report.files} files, ${report.imports} imports, ${report.violations.length} violations`);
process.exitCode = report.violations.length > 0 ? 1 : 0;
