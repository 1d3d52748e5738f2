/** Rows as files: JSON to compare with and to draw from. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Row } from './benchmark.js';
import { figure } from './figures.js';

/** Where and when rows were taken. */
export interface Machine {
  readonly takenAt: string;
  readonly commit: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Processes waiting for a core in the last minute, before the first benchmark: above the cores, figures are worth little. */
  readonly loadBefore: number;
}

export interface Results {
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

export function describeMachine(loadBefore: number): Machine {
  return {
    takenAt: new Date().toISOString(),
    commit: commitOf(),
    node: process.version,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore,
  };
}

export async function writeResults(path: string, results: Results): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await writeFormatted(path, JSON.stringify(results, undefined, 2));
}

export function readResults(path: string): Results {
  return JSON.parse(readFileSync(path, 'utf8')) as Results;
}

/** A row for people. */
export function rowText({ name, value, unit, ratio, min, max, runs, baseline, target }: Row): string {
  const parts = [`${name}: ${figure(value)} ${unit}`, `(${figure(min)} to ${figure(max)}, ${runs} ${runs === 1 ? 'run' : 'runs'})`];
  if (ratio !== undefined) parts.push(`= ${ratio.toFixed(2)} of ${baseline?.name} (${figure(baseline?.value ?? 0)})`);
  if (target !== undefined) parts.push(`[${target.isMet ? 'meets' : 'MISSES'} ${target.text}]`);
  return parts.join(' ');
}

/** Each row against the row of the same name in earlier results. */
export function comparison(now: readonly Row[], before: readonly Row[]): readonly string[] {
  const known = new Map(before.map((row) => [row.name, row]));
  return now.map((row) => {
    const earlier = known.get(row.name);
    if (earlier === undefined) return `${row.name}: new`;
    return `${row.name}: ${figure(earlier.value)} → ${figure(row.value)} ${row.unit} (× ${(row.value / earlier.value).toFixed(2)})`;
  });
}

/** As `npm run format` would leave it, so that figures just taken do not fail the check. */
export async function writeFormatted(path: string, text: string): Promise<void> {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'an unknown commit';
  }
}
