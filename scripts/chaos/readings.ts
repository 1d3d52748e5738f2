/** Input for the chaos job, and what must come out of it, computed without Millrace. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';

export interface Reading {
  readonly id: number;
  readonly key: string;
  readonly amount: number;
}

const keys = 37;

export const groupOf = (key: string): string => key.slice(-1);

/** Writes `records` readings as NDJSON. */
export function writeReadings(path: string, records: number, random: SeededRandom): void {
  const lines: string[] = [];
  for (let id = 1; id <= records; id++) {
    lines.push(JSON.stringify({ id, key: `key-${random.between(1, keys)}`, amount: random.between(-500, 500) } satisfies Reading));
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** The sorted lines that the readings in the file at `path` make. */
export function expectedLines(path: string): string[] {
  const counts = new Map<string, number>();
  const sums = new Map<string, number>();
  const lines: string[] = [];
  const groups = new Map<string, number>();
  const put = (key: string, text: string): void => {
    lines.push(text);
    groups.set(groupOf(key), (groups.get(groupOf(key)) ?? 0) + 1);
  };
  for (const text of readFileSync(path, 'utf8').trimEnd().split('\n')) {
    const { id, key, amount } = JSON.parse(text) as Reading;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    sums.set(key, (sums.get(key) ?? 0) + amount);
    put(key, `record ${id} of ${key}`);
    put(key, `${key} has ${counts.get(key)}`);
  }
  for (const [key, count] of counts) put(key, `${key} ends with ${count} records of ${sums.get(key)}`);
  for (const [group, count] of groups) lines.push(`group ${group} ends with ${count} lines`);
  return lines.sort();
}
