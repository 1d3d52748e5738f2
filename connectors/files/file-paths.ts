/** Paths as users give them to a source of files. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectorOptions } from '../connector-options.js';

/** One or several files or directories: absolute paths or `file:` URLs. */
export type FilePaths = string | URL | readonly (string | URL)[];

/** The paths, absolute; others are refused (CO1). */
export function absolutePaths(given: ConnectorOptions, paths: FilePaths): readonly string[] {
  const list = typeof paths === 'string' || paths instanceof URL ? [paths] : paths;
  if (list.length === 0) throw given.invalid('No path was given.', 'Give at least one file or directory.');
  return list.map((entry) => {
    const path = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry;
    if (!isAbsolute(path)) {
      throw given.invalid(
        `${JSON.stringify(path)} is not an absolute path.`,
        'A job may run on other machines and in other folders: hand the path to the job as a parameter.',
      );
    }
    return path;
  });
}
