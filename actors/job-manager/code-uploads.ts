/**
 * Job code on its way in, and out again: chunks in any order, repeated or not, until the whole has the hash it was announced with.
 * At most `uploadsMax` unfinished uploads are held; the oldest gives way, its client will start again.
 */
import { createHash } from 'node:crypto';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { chunkBytesOf, chunksMax } from '../runtime/code-chunks.js';
import type { BlobStore } from '../../storage/contracts.js';

const uploadsMax = 8;

interface Upload {
  readonly count: number;
  readonly chunks: Map<number, Uint8Array>;
}

export interface Chunk {
  readonly sha256: string;
  readonly index: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export class CodeUploads {
  readonly #blobs: BlobStore;
  readonly #chunkBytes: number;
  readonly #uploads = new Map<string, Upload>();

  constructor(options: { readonly blobs: BlobStore; readonly payloadBytesMax: number }) {
    this.#blobs = options.blobs;
    this.#chunkBytes = chunkBytesOf(options.payloadBytesMax);
  }

  /** One chunk of code that is stored as a whole. */
  async fetch({ sha256, index }: MessageBody<'blob.fetch-chunk'>): Promise<MessageReply<'blob.fetch-chunk'>> {
    const blob = await this.#blobs.get(sha256);
    const size = this.#chunkBytes;
    const count = blob === undefined ? 0 : Math.max(1, Math.ceil(blob.length / size));
    if (blob === undefined || index >= count) return { kind: 'unknown' };
    return { kind: 'chunk', bytes: blob.subarray(index * size, (index + 1) * size), count };
  }

  /** Takes a chunk; resolves to whether the whole is stored. */
  async add({ sha256, index, count, bytes }: Chunk): Promise<boolean> {
    if (count < 1 || count > chunksMax || index >= count || bytes.length > limits.blobChunkBytes) {
      throw new MillraceError('BLOB_CHUNK_INVALID', `chunk ${index} of ${count} with ${bytes.length} bytes is not acceptable`, {
        domain: 'user',
        recovery: 'fail-job',
        hint: `Job code may have ${limits.blobBytesMax} bytes, in up to ${chunksMax} chunks of at most ${limits.blobChunkBytes}.`,
      });
    }
    const upload = this.#upload(sha256, count);
    upload.chunks.set(index, bytes.slice());
    if (upload.chunks.size < count) return false;
    const whole = Buffer.concat(Array.from({ length: count }, (_, at) => upload.chunks.get(at) as Uint8Array));
    this.#uploads.delete(sha256);
    if (createHash('sha256').update(whole).digest('hex') !== sha256) {
      throw new MillraceError('BLOB_CORRUPT', `the uploaded code does not have the hash ${sha256}`, {
        domain: 'external',
        recovery: 'retry',
      });
    }
    await this.#blobs.put(sha256, whole);
    return true;
  }

  #upload(sha256: string, count: number): Upload {
    const known = this.#uploads.get(sha256);
    if (known?.count === count) return known;
    const upload = { count, chunks: new Map<number, Uint8Array>() };
    this.#uploads.set(sha256, upload);
    const [oldest] = this.#uploads.keys();
    if (this.#uploads.size > uploadsMax && oldest !== undefined) this.#uploads.delete(oldest);
    return upload;
  }
}
