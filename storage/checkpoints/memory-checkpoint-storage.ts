/**
 * Checkpoint chunks in memory, for the simulator and for embedded runs that keep nothing.
 *
 * MC1  Storages made over the same chunks see the same chunks: several simulated processes share one.
 * MC2  Bytes are copied in and out: nobody can change a chunk that was written.
 */
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { CheckpointStorage, ChunkHandle, LeaderToken } from '../contracts.js';
import { assertCurrentToken, type HaRecords } from '../ha/ha-records.js';
import { chunkExists, chunkHandleOf, verifyChunk } from './chunk-integrity.js';
import { parseChunkName } from './chunk-name.js';

export interface MemoryCheckpointStorageOptions {
  /** Chunks by name; share it between the storages of one cluster. */
  readonly chunks?: Map<string, Uint8Array>;
  /** Records of the cluster's HA store: deletes with a token are fenced by them. */
  readonly fence?: HaRecords;
}

export class MemoryCheckpointStorage implements CheckpointStorage {
  readonly durability = 'memory of this process: checkpoints are lost when it ends';
  private readonly chunks: Map<string, Uint8Array>;
  private readonly fence: HaRecords | undefined;

  constructor(options: MemoryCheckpointStorageOptions = {}) {
    this.chunks = options.chunks ?? new Map();
    this.fence = options.fence;
  }

  async write(name: string, bytes: Uint8Array): Promise<ChunkHandle> {
    parseChunkName(name);
    const handle = chunkHandleOf(name, bytes);
    const present = this.chunks.get(name);
    if (present === undefined) this.chunks.set(name, bytes.slice());
    else if (chunkHandleOf(name, present).sha256 !== handle.sha256) throw chunkExists(name, 'checkpoints in memory');
    return handle;
  }

  async read(handle: ChunkHandle): Promise<Uint8Array> {
    parseChunkName(handle.name);
    return verifyChunk(handle, this.chunks.get(handle.name), 'checkpoints in memory').slice();
  }

  async remove(names: readonly string[], token?: LeaderToken): Promise<void> {
    if (token !== undefined && this.fence !== undefined) assertCurrentToken(this.fence, token);
    for (const name of names) parseChunkName(name);
    for (const name of names) this.chunks.delete(name);
  }

  async listBefore(job: JobId, before: CheckpointId): Promise<readonly string[]> {
    return [...this.chunks.keys()].filter((name) => {
      const parts = parseChunkName(name);
      return parts.jobId === job && parts.checkpointId < before;
    });
  }

  async removeJob(job: JobId): Promise<void> {
    for (const name of [...this.chunks.keys()]) {
      if (parseChunkName(name).jobId === job) this.chunks.delete(name);
    }
  }

  async close(): Promise<void> {}
}
