/**
 * Blobs as files, named by the SHA-256 of their content. Written whole and durable (DF1), verified on every read.
 */
import { isFileNotFound } from '../../core/file-errors.js';
import type { FileSystem, Random } from '../../core/ports.js';
import type { BlobStore } from '../contracts.js';
import { DurableFiles } from '../files/durable-files.js';
import { checkBlob, checkBlobName } from './blob-integrity.js';

export interface FileBlobStoreOptions {
  readonly files: FileSystem;
  readonly random: Random;
  /** Absolute; made when it is not there. */
  readonly directory: string;
}

export class FileBlobStore implements BlobStore {
  private readonly files: FileSystem;
  private readonly directory: string;
  private readonly durable: DurableFiles;

  constructor(options: FileBlobStoreOptions) {
    this.files = options.files;
    this.directory = options.directory;
    this.durable = new DurableFiles({ files: options.files, random: options.random, base: options.directory });
  }

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    checkBlob(sha256, bytes);
    await this.durable.write(this.directory, sha256, bytes);
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    checkBlobName(sha256);
    try {
      const bytes = await this.files.readFile(`${this.directory}/${sha256}`);
      checkBlob(sha256, bytes);
      return bytes;
    } catch (error) {
      if (isFileNotFound(error)) return undefined;
      throw error;
    }
  }

  async remove(sha256: string): Promise<void> {
    checkBlobName(sha256);
    await this.files.remove(`${this.directory}/${sha256}`);
  }

  async close(): Promise<void> {}
}
