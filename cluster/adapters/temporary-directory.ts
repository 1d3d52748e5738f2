/** Directories that do not outlive their process, unless it is killed with SIGKILL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made = new Set<string>();

/** A new directory, removed when the process exits at the latest; in that of the operating system, or in `parent`. */
export function makeTemporaryDirectory(prefix: string, parent: string = tmpdir()): string {
  const directory = mkdtempSync(join(parent, prefix));
  if (made.size === 0) process.on('exit', removeAll);
  made.add(directory);
  return directory;
}

/** For whoever removed it before. */
export function forgetTemporaryDirectory(directory: string): void {
  made.delete(directory);
  if (made.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
  for (const directory of made) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}
