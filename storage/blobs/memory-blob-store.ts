/**
 * Blobs in memory, by the SHA-256 of their content. Stores made over the same map share their blobs.
 */
import type { BlobStore } from '../contracts.js';
import { checkBlob, checkBlobName } from './blob-integrity.js';

export class MemoryBlobStore implements BlobStore {
  private readonly blobs: Map<string, Uint8Array>;

  constructor(blobs: Map<string, Uint8Array> = new Map()) {
    this.blobs = blobs;
  }

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    checkBlob(sha256, bytes);
    if (!this.blobs.has(sha256)) this.blobs.set(sha256, bytes.slice());
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    checkBlobName(sha256);
    return this.blobs.get(sha256)?.slice();
  }

  async remove(sha256: string): Promise<void> {
    checkBlobName(sha256);
    this.blobs.delete(sha256);
  }

  async close(): Promise<void> {}
}
