/**
 * Files that are whole or not there, and survive a power cut once the call returned.
 *
 * DF1  A file appears under its name only after its bytes were synced: temporary file in the same directory → sync → rename
 *      → sync of the directory.
 * DF2  A directory's own name is synced, with every name above it, before anything is put into it. Directories above the
 *      base that may not be opened are taken to be durable: we could not have made them.
 */
import { MillraceError } from '../../core/errors.js';
import { isFileNotFound } from '../../core/file-errors.js';
import type { FileSystem, Random } from '../../core/ports.js';

/** Temporary files start with this; whoever lists a directory skips them. */
export const temporaryPrefix = '.tmp-';

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** Makes directories and remembers which names are already durable. One per adapter. */
export class DurableFiles {
  private readonly files: FileSystem;
  private readonly random: Random;
  private readonly base: string;
  private readonly made = new Set<string>();

  /** Everything is written below `base`, an absolute path, which is made when it is not there. */
  constructor(options: { readonly files: FileSystem; readonly random: Random; readonly base: string }) {
    this.files = options.files;
    this.random = options.random;
    this.base = options.base.length > 1 ? options.base.replace(/\/+$/, '') : options.base;
  }

  /** Makes a directory at or below the base (DF2). */
  async makeDirectory(path: string): Promise<void> {
    if (this.made.has(path)) return;
    await this.files.makeDirectory(path);
    for (let below = path; below.length > 1 && !this.made.has(below); below = parentOf(below)) await this.syncNameOf(below);
    this.made.add(path);
  }

  /** Writes a whole file (DF1), replacing one that is there. A directory that was removed meanwhile is made again. */
  async write(directory: string, name: string, bytes: Uint8Array): Promise<void> {
    await this.makeDirectory(directory);
    try {
      await this.writeInto(directory, name, bytes);
    } catch (error) {
      if (!isFileNotFound(error)) throw error;
      this.made.delete(directory);
      await this.makeDirectory(directory);
      await this.writeInto(directory, name, bytes);
    }
  }

  /** Forgets that a directory was made: call it when it is removed. */
  forget(path: string): void {
    for (const known of [...this.made]) if (known === path || known.startsWith(`${path}/`)) this.made.delete(known);
  }

  private async syncNameOf(path: string): Promise<void> {
    try {
      await this.files.syncDirectory(parentOf(path));
    } catch (error) {
      const isAboveBase = path.length < this.base.length;
      const mayNotBeOpened = path === this.base && error instanceof MillraceError && error.code === 'FILE_ACCESS';
      if (!isAboveBase && !mayNotBeOpened) throw error;
    }
  }

  private async writeInto(directory: string, name: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${directory}/${temporaryPrefix}${this.random.hex(8)}`;
    try {
      const handle = await this.files.openWrite(temporary, { exclusive: true });
      try {
        await handle.append(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await this.files.rename(temporary, `${directory}/${name}`);
    } catch (error) {
      await this.files.remove(temporary).catch(() => undefined);
      throw error;
    }
    await this.files.syncDirectory(directory);
  }
}
