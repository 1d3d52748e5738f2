/** What stands in the part files of a folder, and how it differs from what should. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All lines of all committed files, sorted. Files that begin with a dot are not committed. */
export function committedLines(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith('part'))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1))
    .sort();
}

export interface LineDifference {
  /** Expected and not there. */
  readonly missing: readonly string[];
  /** Expected, and there more often than expected. */
  readonly duplicated: readonly string[];
  /** There and never expected. */
  readonly unexpected: readonly string[];
}

/** Undefined when both hold the same lines equally often. */
export function differenceOf(actual: readonly string[], expected: readonly string[]): LineDifference | undefined {
  const surplus = new Map<string, number>();
  const known = new Set(expected);
  for (const line of actual) surplus.set(line, (surplus.get(line) ?? 0) + 1);
  for (const line of expected) surplus.set(line, (surplus.get(line) ?? 0) - 1);
  const missing: string[] = [];
  const duplicated: string[] = [];
  const unexpected: string[] = [];
  for (const [line, times] of surplus) {
    if (times < 0) missing.push(line);
    else if (times > 0) (known.has(line) ? duplicated : unexpected).push(line);
  }
  return missing.length + duplicated.length + unexpected.length === 0 ? undefined : { missing, duplicated, unexpected };
}

const shown = 5;

/** A few lines of each kind, and how many there are. */
export function differenceText({ missing, duplicated, unexpected }: LineDifference): string {
  return Object.entries({ missing, duplicated, unexpected })
    .filter(([, lines]) => lines.length > 0)
    .map(([kind, lines]) => `${lines.length} ${kind}: ${lines.slice(0, shown).join('; ')}${lines.length > shown ? '; …' : ''}`)
    .join('\n');
}
