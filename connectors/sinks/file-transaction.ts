/**
 * One file being written: blocks are appended in the background, in order, and hashed on the way.
 *
 * FT1  After the first failed operation nothing more is written, and `seal` fails with that error.
 * FT2  `queuedBytes` is what was written here and not yet taken by the disk.
 */
import { createHash } from 'node:crypto';
import { limits } from '../../core/limits.js';
import type { FileHandle, FileSystem } from '../../core/ports.js';

export interface FileTransactionOptions {
  readonly files: FileSystem;
  /** Absolute; must not exist. */
  readonly path: string;
  /** Called once, with what the background failed of. */
  readonly onFailure: (error: unknown) => void;
}

/** What was written, for whoever checks it later. */
export interface SealedFile {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export class FileTransaction {
  readonly path: string;
  readonly #options: FileTransactionOptions;
  readonly #hash = createHash('sha256');
  readonly #opening: Promise<FileHandle>;
  #writing: Promise<void>;
  /** The block being filled; made for the first line of it. */
  #block: Buffer | undefined;
  #used = 0;
  #bytes = 0;
  #isFailed = false;
  queuedBytes = 0;

  constructor(options: FileTransactionOptions) {
    this.#options = options;
    this.path = options.path;
    this.#opening = options.files.openWrite(options.path, { exclusive: true });
    this.#writing = this.#opening.then(() => undefined);
    this.#watch();
  }

  write(text: string): void {
    const length = Buffer.byteLength(text);
    if (length > limits.sinkBlockBytes - this.#used) this.#flush();
    if (length > limits.sinkBlockBytes) {
      this.#append(Buffer.from(text));
      return;
    }
    this.#block ??= Buffer.allocUnsafeSlow(limits.sinkBlockBytes);
    this.#used += this.#block.write(text, this.#used);
  }

  /** Resolves when the disk has taken everything; rejects when it has not. */
  drained(): Promise<void> {
    return this.#writing;
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

  /** Closes and removes the file; for a transaction that was not sealed. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    const handle = await this.#opening.catch(() => undefined);
    await handle?.close();
    await this.#options.files.remove(this.path);
  }

  #flush(): void {
    const block = this.#block?.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    if (block !== undefined) this.#append(block);
  }

  #append(block: Buffer): void {
    this.#hash.update(block);
    this.#bytes += block.length;
    this.queuedBytes += block.length;
    this.#writing = this.#writing.then(async () => {
      const handle = await this.#opening;
      await handle.append(block);
      this.queuedBytes -= block.length;
    });
    this.#watch();
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
