/**
 * Checkpoint chunks in Redis: a string each, listed by checkpoint id under their job.
 *
 * RS1  Writing a chunk and listing it is one step: garbage collection sees every chunk there is.
 * RS2  A delete with a token is fenced in the same step (RH1).
 */
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { CheckpointStorage, ChunkHandle, LeaderToken } from '../contracts.js';
import type { RedisConnection } from '../redis/redis-client.js';
import type { RedisKeys } from '../redis/redis-keys.js';
import { expectOk, parseReply } from '../redis/redis-reply.js';
import { removeChunks } from '../redis/scripts/remove-chunks.js';
import { writeChunk } from '../redis/scripts/write-chunk.js';
import { chunkExists, chunkHandleOf, verifyChunk } from './chunk-integrity.js';
import { parseChunkName } from './chunk-name.js';

export interface RedisCheckpointStorageOptions {
  /** Patient. */
  readonly client: RedisConnection;
  readonly keys: RedisKeys;
}

/** Chunks removed by one script: it holds up the server for a fraction of a millisecond. */
const removeBatch = 200;
const nobody: LeaderToken = { epoch: 0 as LeaderToken['epoch'], holder: '' };

export class RedisCheckpointStorage implements CheckpointStorage {
  private readonly client: RedisConnection;
  private readonly keys: RedisKeys;

  constructor(options: RedisCheckpointStorageOptions) {
    this.client = options.client.share();
    this.keys = options.keys;
  }

  /** As the server was when it was last reached. */
  get durability(): string {
    return this.client.serverFacts.durability;
  }

  async write(name: string, bytes: Uint8Array): Promise<ChunkHandle> {
    const { jobId, checkpointId } = parseChunkName(name);
    const handle = chunkHandleOf(name, bytes);
    const reply = await this.client.run(writeChunk, [this.keys.chunk(name), this.keys.chunks(jobId)], [bytes, name, checkpointId]);
    if (parseReply(reply).tag === 'EXISTS') throw chunkExists(name, this.client.shown);
    return handle;
  }

  async read(handle: ChunkHandle): Promise<Uint8Array> {
    parseChunkName(handle.name);
    const found = (await this.client.command('GET', this.keys.chunk(handle.name))) as Buffer | null;
    const bytes = found === null ? undefined : new Uint8Array(found);
    return verifyChunk(handle, bytes, this.client.shown);
  }

  async remove(names: readonly string[], token?: LeaderToken): Promise<void> {
    const byJob = new Map<JobId, string[]>();
    for (const name of names) {
      const { jobId } = parseChunkName(name);
      byJob.set(jobId, [...(byJob.get(jobId) ?? []), name]);
    }
    for (const [job, ofJob] of byJob) {
      for (let start = 0; start < ofJob.length; start += removeBatch)
        await this.removeSome(job, ofJob.slice(start, start + removeBatch), token);
    }
  }

  async listBefore(job: JobId, before: CheckpointId): Promise<readonly string[]> {
    const names = (await this.client.command('ZRANGEBYSCORE', this.keys.chunks(job), '-inf', `(${before}`)) as readonly Buffer[];
    return names.map(String);
  }

  async removeJob(job: JobId): Promise<void> {
    for (;;) {
      const names = (await this.client.command('ZRANGE', this.keys.chunks(job), 0, removeBatch - 1)) as readonly Buffer[];
      if (names.length === 0) return;
      await this.removeSome(job, names.map(String), undefined);
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private async removeSome(job: JobId, names: readonly string[], token: LeaderToken | undefined): Promise<void> {
    const keys = [this.keys.leaderToken, this.keys.chunks(job), ...names.map((name) => this.keys.chunk(name))];
    const reply = await this.client.run(removeChunks, keys, [token?.epoch ?? '', token?.holder ?? '', ...names]);
    expectOk(reply, token ?? nobody);
  }
}
