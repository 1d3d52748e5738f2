/**
 * Part of `npm install` in a checkout: makes `npx millrace` run this checkout's own command. npm links the commands of
 * dependencies, but not a package's own, and would otherwise install it into its cache first.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../node_modules/.bin/', import.meta.url));
if (existsSync(folder) && process.platform !== 'win32') {
  // A file of two lines, not a link: the compiled target is not executable after each clean build.
  writeFileSync(join(folder, 'millrace'), "#!/usr/bin/env node\nimport('../../dist/cluster/cli/main.js');\n", { mode: 0o755 });
}
