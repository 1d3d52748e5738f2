/**
 * The directories of the partitions of a file sink.
 *
 * PD1  A directory that is `ready` survives a power cut, with all that lead to it.
 * PD2  Files of a directory survive one once it was synced: `sync` before a checkpoint is acknowledged.
 */
import { limits } from '../../../core/limits.js';
import type { FileSystem } from '../../../core/ports.js';
import type { PartNames } from './part-names.js';

export class PartitionDirectories {
  readonly #files: FileSystem;
  readonly #root: string;
  readonly #known = new Map<string, Promise<void>>();

  /** `root` is there. */
  constructor(files: FileSystem, root: string) {
    this.#files = files;
    this.#root = root;
  }

  /** Resolves when the directory of a partition is there (PD1); '' is the root. */
  ready(partition: string): Promise<void> {
    const known = this.#known.get(partition);
    if (known !== undefined) return known;
    if (this.#known.size >= limits.sinkDirectoriesKnownMax) this.#known.clear();
    const made = partition === '' ? Promise.resolve() : this.#make(partition);
    this.#known.set(partition, made);
    // Each file that waits for it fails of it; nobody may.
    made.catch(() => undefined);
    return made;
  }

  /** Another writer may just have made a part of the way without having synced it yet, so all of it is synced. */
  async #make(partition: string): Promise<void> {
    await this.#files.makeDirectory(this.#path(partition));
    const names = partition.split('/');
    for (let depth = 0; depth < names.length; depth += 1) await this.#files.syncDirectory(this.#path(names.slice(0, depth).join('/')));
  }

  /** PD2, for the directories of these files (paths below the root). */
  async sync(names: readonly string[]): Promise<void> {
    for (const directory of directoriesOf(names)) await this.#files.syncDirectory(this.#path(directory));
  }

  /** Removes what older attempts were writing, but for the paths in `needed` (FK4). */
  async sweep(names: PartNames, needed: ReadonlySet<string>): Promise<void> {
    const directories = [this.#root];
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      for (const name of await this.#files.list(directory)) {
        const path = directory === '/' ? `/${name}` : `${directory}/${name}`;
        if (names.isAbandoned(name)) {
          if (!needed.has(path)) await this.#files.remove(path);
        } else if (!/^[._]/.test(name) && !names.isFinal(name) && (await this.#files.stat(path))?.kind === 'directory') {
          directories.push(path);
        }
      }
    }
  }

  #path(partition: string): string {
    if (partition === '') return this.#root;
    return this.#root === '/' ? `/${partition}` : `${this.#root}/${partition}`;
  }
}

/** The different directories of files, '' for the root. */
export function directoriesOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf('/')))));
}
