/** What a job loads with the package: every slot thread does, so what most of them never use is loaded when it is asked for. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repositoryRoot } from '../support/repository-root.js';

const test = suite('what is loaded with the package');

/** What a compiled module imports or exports from others as it is loaded. */
function requestsOf(path: string): readonly string[] {
  const { staticImports, staticExports } = parseSync(path, readFileSync(path, 'utf8')).module;
  const exported = staticExports.flatMap(({ entries }) => entries.map(({ moduleRequest }) => moduleRequest?.value));
  return [...staticImports.map(({ moduleRequest }) => moduleRequest.value), ...exported].filter(
    (name) => name !== undefined && name !== null,
  );
}

/** Packages that loading a compiled module loads, through its static imports. */
function packagesLoadedBy(entry: string): ReadonlySet<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const specifier of requestsOf(path)) {
      if (specifier.startsWith('node:')) continue;
      if (!specifier.startsWith('.')) packages.add(specifier);
      else visit(join(dirname(path), specifier));
    }
  };
  visit(entry);
  assert.ok(seen.size > 100, `${seen.size} modules were looked at`);
  return packages;
}

const entry = join(repositoryRoot, 'dist/index.js');

test('neither servers are talked to, nor jobs bundled, nor a cluster run by a job that does not ask for it (NC4, RK2)', () => {
  assert.ok(existsSync(entry));
  const loaded = packagesLoadedBy(entry);
  for (const heavy of ['nats', 'ioredis', 'esbuild', 'pino', 'commander', 'xstate']) assert.not(loaded.has(heavy), heavy);
});

test('what runs a cluster does load them: the look finds what there is', () => {
  const loaded = packagesLoadedBy(join(repositoryRoot, 'dist/cluster/cli/main.js'));
  for (const heavy of ['commander', 'nats', 'esbuild', 'pino']) assert.ok(loaded.has(heavy), heavy);
});

test.run();
