/** Paths as users give them to a source of files. */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One or several files or directories: absolute paths or `file:` URLs. */
export type FilePaths = string | URL | readonly (string | URL)[];

/** The paths, absolute; others are refused with a TypeError, so that such a job does not build. */
export function absolutePaths(paths: FilePaths): readonly string[] {
  const list = typeof paths === 'string' || paths instanceof URL ? [paths] : paths;
  if (list.length === 0) throw new TypeError('A file source needs at least one path');
  return list.map((entry) => {
    const path = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry;
    if (!isAbsolute(path)) {
      throw new TypeError(
        `${JSON.stringify(path)} is not an absolute path. A job may run on other machines and in other folders: hand the path to the job as a parameter`,
      );
    }
    return path;
  });
}
