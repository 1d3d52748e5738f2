/** Blobs in Redis, by the SHA-256 of their content; verified when written and when read. */
import type { BlobStore } from '../contracts.js';
import type { RedisConnection } from '../redis/redis-client.js';
import type { RedisKeys } from '../redis/redis-keys.js';
import { checkBlob, checkBlobName } from './blob-integrity.js';

export interface RedisBlobStoreOptions {
  /** Patient. */
  readonly client: RedisConnection;
  readonly keys: RedisKeys;
}

export class RedisBlobStore implements BlobStore {
  private readonly client: RedisConnection;
  private readonly keys: RedisKeys;

  constructor(options: RedisBlobStoreOptions) {
    this.client = options.client.share();
    this.keys = options.keys;
  }

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    checkBlob(sha256, bytes);
    await this.client.command('SET', this.keys.blob(sha256), bytes);
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    checkBlobName(sha256);
    const found = (await this.client.command('GET', this.keys.blob(sha256))) as Buffer | null;
    if (found === null) return undefined;
    const bytes = new Uint8Array(found);
    checkBlob(sha256, bytes);
    return bytes;
  }

  async remove(sha256: string): Promise<void> {
    checkBlobName(sha256);
    await this.client.command('UNLINK', this.keys.blob(sha256));
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
