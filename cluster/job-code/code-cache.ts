/**
 * Job code on the disk of this machine, one file a hash, beside a link to the running runtime.
 *
 * JC1  A bundle that imports `millrace` gets the very instance that runs it. Installations of Millrace that share a
 *      cache directory have a folder each in it: an error of another copy is not an instance of ours.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { systemFileError } from '../adapters/node-file-system.js';

/** Root of the package: the folder of package.json, two above `dist/cluster/job-code`'s parent. */
const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));

export class CodeCache {
  readonly #directory: string;
  #ready: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = join(directory, hash(Buffer.from(packageRoot)).slice(0, 16));
  }

  /** URL of the cached module; undefined when it is absent or was altered. */
  async find(sha256: string): Promise<string | undefined> {
    const path = this.#path(sha256);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined || hash(bytes) !== sha256) return undefined;
    return pathToFileURL(path).href;
  }

  /** Stores verified bytes; several processes may do so at once. Throws `DISK_FULL` or `FILE_ACCESS` with the path. */
  async put(sha256: string, bytes: Uint8Array): Promise<string> {
    const path = this.#path(sha256);
    const temporary = `${path}.${process.pid}.${performance.now()}.tmp`;
    try {
      await (this.#ready ??= this.#prepare());
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      this.#ready = undefined;
      await rm(temporary, { force: true }).catch(() => undefined);
      throw systemFileError(path, error);
    }
    return pathToFileURL(path).href;
  }

  #path(sha256: string): string {
    return join(this.#directory, `${sha256}.mjs`);
  }

  async #prepare(): Promise<void> {
    const modules = join(this.#directory, 'node_modules');
    await mkdir(modules, { recursive: true });
    await symlink(packageRoot, join(modules, 'millrace'), 'dir').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
