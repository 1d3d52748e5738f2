/**
 * Exports that nobody wants: no file imports the name, and its own file mentions it nowhere else.
 *
 * DE1  Names are compared, not what they stand for: a name that two files export counts as wanted when one is imported. So a
 *      report is never wrong, though some dead exports are not found.
 * DE2  What the public entry points export with `export *` comes from files that name each export, so it counts as imported.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** `path: name` of each; sources alone are looked at, imports of tests and examples count too. */
export function deadExports(files: readonly SourceFile[]): readonly string[] {
  const imported = new Set(files.flatMap(({ text }) => [...importedNames(text)]));
  return files
    .filter(({ path }) => !/^(tests|examples)\//.test(path))
    .flatMap(({ path, text }) =>
      exportedNames(text)
        .filter((name) => !imported.has(name) && text.match(new RegExp(`(?<![\\w$])${name}(?![\\w$])`, 'g'))?.length === 1)
        .map((name) => `${path}: nobody imports ${name}`),
    );
}

/** The TypeScript files under `root`, without what is built or installed. */
export function sourceFiles(root: string): readonly SourceFile[] {
  return readdirSync(root, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.startsWith('.'))
    .flatMap((entry) => {
      if (!entry.isDirectory()) return entry.name.endsWith('.ts') ? [entry.name] : [];
      return readdirSync(join(root, entry.name), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .map((path) => join(entry.name, path));
    })
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function exportedNames(text: string): readonly string[] {
  const declaration = /^export (?:declare )?(?:abstract )?(?:async )?(?:const|class|interface|type|function\*?) (\w+)/gm;
  return [...text.matchAll(declaration)].map(([, name]) => name as string);
}

function* importedNames(text: string): Iterable<string> {
  for (const [, names] of text.matchAll(/(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from/g)) {
    for (const name of (names as string).split(',')) {
      yield name
        .trim()
        .replace(/^type /, '')
        .replace(/ as .*$/, '');
    }
  }
  // Of a module that is loaded when it is needed: the names it is asked for stand somewhere in the file.
  if (/await import\(|import \* as/.test(text)) for (const [, name] of text.matchAll(/\.(\w+)/g)) yield name as string;
}
