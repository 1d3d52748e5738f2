/**
 * Where the tasks of a harness keep chunks of state.
 *
 * HC1  A name is written once: chunks are immutable.
 * HC2  What is read is what was written, or the reading task hears that it is not.
 */
import { assert } from '../core/errors.js';
import type { ChunkStore } from '../dataflow/task-runtime.js';
import { chunkHandleOf, verifyChunk } from '../storage/checkpoints/chunk-integrity.js';
import type { ChunkHandle } from '../storage/contracts.js';

/** Chunks in `kept`; `later` is how long a task waits for its answers. */
export function harnessChunks(kept: Map<string, Uint8Array>, later: <T>(value: () => T) => Promise<T>): ChunkStore {
  const write = (name: string, bytes: Uint8Array): ChunkHandle => {
    assert(!kept.has(name), `Chunk ${name} was written twice.`);
    kept.set(name, bytes);
    return chunkHandleOf(name, bytes);
  };
  return {
    write: (name, bytes) => {
      const copy = bytes.slice();
      return later(() => write(name, copy));
    },
    read: (handle) => later(() => verifyChunk(handle, kept.get(handle.name), 'harness')),
  };
}
