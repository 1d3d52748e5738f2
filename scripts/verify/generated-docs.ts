/**
 * Documents that a program writes. They are committed, so that people can read them on the web; `npm run verify`
 * writes them again into a temporary directory and fails when a byte differs.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One generated file or folder. */
export interface GeneratedDocument {
  /** Path below the repository. */
  readonly path: string;
  /** Compiled script below `dist/` that writes it to the path after `--out`. */
  readonly script: string;
  /** What a person runs to refresh it. */
  readonly command: string;
}

/** Every generated document; whoever adds a generator adds a line. */
export const generatedDocuments: readonly GeneratedDocument[] = [
  { path: 'docs/state-machines', script: 'scripts/visualise.js', command: 'npm run visualise' },
  { path: 'docs/protocol.md', script: 'scripts/generate-protocol-docs.js', command: 'npm run docs:protocol' },
  { path: 'docs/configuration.md', script: 'scripts/generate-configuration-docs.js', command: 'npm run docs:configuration' },
  { path: 'docs/api', script: 'scripts/generate-api-docs.js', command: 'npm run docs:api' },
];

/** Differences between what is committed and what `generate` writes now, as sentences; empty when there are none. */
export async function staleness(
  root: string,
  document: GeneratedDocument,
  generate: (document: GeneratedDocument, out: string) => Promise<void>,
): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-docs-'));
  try {
    const out = join(directory, 'out');
    await generate(document, out);
    const fresh = filesOf(out);
    const committed = filesOf(join(root, document.path));
    if (fresh.size === 0) return [`${document.script} wrote nothing`];
    const names = [...new Set([...fresh.keys(), ...committed.keys()])].sort();
    return names
      .filter((name) => fresh.get(name) !== committed.get(name))
      .map((name) => `${join(document.path, name)} is ${committed.has(name) ? 'stale' : 'missing'}. Run: ${document.command}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function filesOf(path: string): ReadonlyMap<string, string> {
  if (!existsSync(path)) return new Map();
  if (statSync(path).isFile()) return new Map([['', readFileSync(path, 'utf8')]]);
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile());
  return new Map(names.map((name) => [name, readFileSync(join(path, name), 'utf8')]));
}
