/**
 * The layer check: imports flow one way.
 *
 * - L1 every source folder has a rule, and every import of every file stands in it, type-only and dynamic ones too.
 * - L2 a check that looked at no file has failed.
 * - L3 published folders import only `dependencies` of package.json; no folder imports an undeclared package.
 * - L4 no published module awaits at its top level: on Node 22 and 24 the whole process aborts when a thread is terminated
 *   while it loads such a module.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix, sep } from 'node:path';
import { loadOf, type ImportOfFile } from './imports.js';
import { describeRule, layerRules, type LayerRule } from './rules.js';

export interface LayerReport {
  readonly files: number;
  readonly imports: number;
  /** `file:line: what is wrong`, sorted by file. */
  readonly violations: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Checks every TypeScript file below `root`. */
export async function checkLayers(root: string): Promise<LayerReport> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const violations: string[] = [];
  let imports = 0;
  const files = sourceFiles(root);
  for (const file of files) {
    const layer = file.split('/')[0] as string;
    const rule = layerRules[layer];
    if (rule === undefined) {
      violations.push(`${file}:1: the folder ${layer} has no rule in scripts/layers/rules.ts (L1)`);
      continue;
    }
    const load = await loadOf(file, readFileSync(join(root, file), 'utf8'));
    if (rule.everything !== 'with development dependencies' && layer !== 'examples') {
      for (const line of load.awaits)
        violations.push(`${file}:${line}: await at the top level of a module that slot threads may load (L4)`);
    }
    for (const each of load.imports) {
      imports += 1;
      const wrong = violation(file, layer, rule, each, manifest);
      if (wrong !== undefined) violations.push(`${file}:${each.line}: ${wrong}`);
    }
  }
  if (files.length === 0) violations.push(`${root}: no TypeScript file was found, so nothing was checked (L2)`);
  return { files: files.length, imports, violations };
}

function sourceFiles(root: string): readonly string[] {
  const skipped = new Set(['node_modules', 'dist', 'docs']);
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name.startsWith('.') || skipped.has(entry.name) ? [] : below(path);
      return /\.[cm]?tsx?$/.test(entry.name) ? [path] : [];
    });
  return below('').sort();
}

function violation(file: string, layer: string, rule: LayerRule, imported: ImportOfFile, manifest: Manifest): string | undefined {
  const { specifier, isTypeOnly } = imported;
  if (isBuiltin(specifier)) return undefined;
  if (!specifier.startsWith('.')) return packageViolation(layer, rule, specifier, manifest);
  const target = posix.join(dirname(file).split(sep).join('/'), specifier).replace(/\.js$/, '');
  const isWithin = (prefixes: readonly string[] | undefined): boolean =>
    (prefixes ?? []).some((prefix) => target === prefix || target.startsWith(`${prefix}/`));
  if (rule.everything !== undefined || isWithin([layer]) || isWithin(rule.values)) return undefined;
  if (isWithin(rule.types)) {
    return isTypeOnly ? undefined : `${target} may be imported here with "import type" only: ${describeRule(layer, rule)} (L1)`;
  }
  return `${isTypeOnly ? 'type import' : 'import'} of ${target}: ${describeRule(layer, rule)} (L1)`;
}

function packageViolation(layer: string, rule: LayerRule, specifier: string, manifest: Manifest): string | undefined {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const isOwn = name === manifest.name;
  const isRuntime = manifest.dependencies?.[name] !== undefined;
  if (!isOwn && !isRuntime && manifest.devDependencies?.[name] === undefined) return `${name} is not declared in package.json (L3)`;
  if (rule.everything === 'with development dependencies' || rule.packages?.includes('*') === true) return undefined;
  if (!isOwn && !isRuntime) return `${name} is a development dependency, users do not have it (L3)`;
  if (rule.everything !== undefined || rule.packages?.includes(name) === true) return undefined;
  return `import of the package ${name}: ${describeRule(layer, rule)} (L1)`;
}
