/** Temporary directories that are gone when the test file's process ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const open = new Set<string>();

/** A new, empty directory outside the checkout. */
export function temporaryDirectory(name = 'test'): string {
  const directory = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
  if (open.size === 0) process.on('exit', removeAll);
  open.add(directory);
  return directory;
}

function removeAll(): void {
  for (const directory of open) rmSync(directory, { recursive: true, force: true });
}
