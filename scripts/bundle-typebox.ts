/** Part of `npm run build`: TypeBox as the one file `dist/vendor/typebox.cjs`; `bus/protocol/typebox.ts` says why. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const packageFolder = dirname(dirname(createRequire(join(root, 'package.json')).resolve('typebox')));
const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
const license = readFileSync(join(packageFolder, 'license'), 'utf8').replaceAll('*/', '* /');

await build({
  stdin: {
    contents: "export { default as Type } from 'typebox'; export { Compile } from 'typebox/compile';",
    resolveDir: root,
  },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  outfile: join(root, 'dist', 'vendor', 'typebox.cjs'),
  banner: { js: `/*! TypeBox ${version}\n${license}\n*/` },
  logLevel: 'warning',
});
