/**
 * One file being written: blocks are appended in the background, in order, and hashed on the way.
 *
 * PF1  After the first failed operation nothing more is written, and `sync` and `seal` fail with that error.
 * PF2  `queue` counts what was written here and not yet taken by the disk, over all files that share it.
 * PF3  What `sync` told stays the beginning of the file, whatever is written later.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../../core/limits.js';
import type { FileHandle, FileSystem } from '../../../core/ports.js';

/** Bytes that files were given and the disk has not taken yet. */
export interface DiskQueue {
  bytes: number;
}

export interface PartFileOptions {
  readonly files: FileSystem;
  /** Absolute; must not exist. */
  readonly path: string;
  /** Settles when the directory of the file is there. */
  readonly directory: Promise<void>;
  readonly queue: DiskQueue;
  /** Called once, with what the background failed of. */
  readonly onFailure: (error: unknown) => void;
}

/** What was written, for whoever checks it later. */
export interface SealedFile {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export class PartFile {
  readonly path: string;
  readonly #options: PartFileOptions;
  readonly #hash = createHash('sha256');
  readonly #opening: Promise<FileHandle>;
  #writing: Promise<void>;
  /** The block being filled; made for the first line of it. */
  #block: Buffer | undefined;
  #used = 0;
  #bytes = 0;
  #isFailed = false;

  constructor(options: PartFileOptions) {
    this.#options = options;
    this.path = options.path;
    this.#opening = options.directory.then(() => options.files.openWrite(options.path, { exclusive: true }));
    this.#writing = this.#opening.then(() => undefined);
    this.#watch();
  }

  /** Bytes written so far, wherever they are. */
  get length(): number {
    return this.#bytes + this.#used;
  }

  write(text: string): void {
    const length = Buffer.byteLength(text);
    if (length > limits.sinkBlockBytes - this.#used) this.#flush();
    if (length > limits.sinkBlockBytes) {
      this.append(Buffer.from(text));
      return;
    }
    this.#block ??= Buffer.allocUnsafeSlow(limits.sinkBlockBytes);
    this.#used += this.#block.write(text, this.#used);
  }

  /** Takes a block as it is; it must not change any more. Not to be mixed with `write`. */
  append(block: Uint8Array): void {
    this.#hash.update(block);
    this.#bytes += block.length;
    this.#options.queue.bytes += block.length;
    this.#writing = this.#writing.then(async () => {
      const handle = await this.#opening;
      await handle.append(block);
      this.#options.queue.bytes -= block.length;
    });
    this.#watch();
  }

  /** Resolves when the disk has taken everything; rejects when it has not. */
  drained(): Promise<void> {
    return this.#writing;
  }

  /** Makes durable what was written up to now (PF3). */
  sync(): Promise<SealedFile> {
    this.#flush();
    const written = { bytes: this.#bytes, sha256: this.#hash.copy().digest('hex') };
    const synced = this.#writing.then(async () => (await this.#opening).sync());
    this.#writing = synced;
    this.#watch();
    return synced.then(() => written);
  }

  /** Writes the rest, syncs and closes the file. */
  async seal(): Promise<SealedFile> {
    this.#flush();
    const handle = await this.#opening;
    try {
      await this.#writing;
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** Lets go of a file that was not sealed, and leaves it as it is. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined);
    const handle = await this.#opening.catch(() => undefined);
    await handle?.close();
  }

  /** Closes and removes a file that was not sealed. */
  async discard(): Promise<void> {
    await this.close();
    await this.#options.files.remove(this.path);
  }

  #flush(): void {
    const block = this.#block?.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    if (block !== undefined) this.append(block);
  }

  /** Failures are told at once, and once: later links of the chain fail of the first. */
  #watch(): void {
    const link = this.#writing;
    link.catch((error: unknown) => {
      if (this.#isFailed) return;
      this.#isFailed = true;
      this.#options.onFailure(error);
    });
  }
}
