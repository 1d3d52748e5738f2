/** Which compiled test files there are, and which of them need servers or the machine for themselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

export interface TestFile {
  /** Absolute path of the compiled file. */
  readonly path: string;
  /** Path below the repository without extension, as people type it: `tests/core/ids.test`. */
  readonly name: string;
  /** Whether it, or a test aid that it imports, uses nats-server or redis-server. */
  readonly needsServers: boolean;
  /** `heavy`: it starts clusters of processes, one such file at a time. `alone`: it keeps every core busy, nothing beside it. */
  readonly weight: 'light' | 'heavy' | 'alone';
}

const weightOfFolder: Readonly<Record<string, TestFile['weight']>> = {
  chaos: 'heavy',
  'end-to-end': 'heavy',
  package: 'heavy',
  simulator: 'alone',
};

/**
 * The test files below `<root>/dist/tests` whose name contains any of `filters` (all, without filters), sorted.
 * A compiled file whose source is gone is a leftover of an earlier build and does not count.
 */
export function findTestFiles(root: string, filters: readonly string[]): readonly TestFile[] {
  const compiled = join(root, 'dist');
  const tests = join(compiled, 'tests');
  if (!existsSync(tests)) return [];
  const wanted = filters.map((filter) => filter.replace(/\.(ts|js)$/, '').replace(/^(\.\/)?(dist\/)?/, ''));
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(tests, name))
    .map((path) => ({ path, name: relative(compiled, path).replace(/\.js$/, '').split(sep).join('/') }))
    .filter(({ name }) => existsSync(join(root, `${name}.ts`)))
    .filter(({ name }) => wanted.length === 0 || wanted.some((filter) => name.includes(filter)))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ path, name }) => ({
      path,
      name,
      needsServers: mentionsServers(path, tests, new Set()),
      weight: weightOfFolder[name.split('/')[1] as string] ?? 'light',
    }));
}

/** Follows relative imports within the tests folder. */
function mentionsServers(path: string, within: string, seen: Set<string>): boolean {
  if (seen.has(path) || !path.startsWith(within) || !existsSync(path)) return false;
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  if (text.includes('MILLRACE_TEST_')) return true;
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)];
  return imports.some((match) => mentionsServers(resolve(dirname(path), match[1] as string), within, seen));
}
