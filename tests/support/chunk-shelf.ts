import type { ChunkHandle } from '../../storage/contracts.js';
import { chunkHandleOf, verifyChunk } from '../../storage/checkpoints/chunk-integrity.js';
import type { ChunkReader, ChunkWriter } from '../../storage/state/contracts.js';

/** Chunks by name, for tests of state backends. */
export class ChunkShelf {
  readonly chunks = new Map<string, Uint8Array>();

  readonly write: ChunkWriter = async (bytes) => {
    const name = `job/1/attempt/state/${this.chunks.size}`;
    this.chunks.set(name, bytes.slice());
    return chunkHandleOf(name, bytes);
  };

  readonly read: ChunkReader = async (handle: ChunkHandle) => verifyChunk(handle, this.chunks.get(handle.name), 'test');
}
