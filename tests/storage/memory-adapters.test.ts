import { blobStoreContract } from '../../testing/contracts/blob-store.js';
import { checkpointStorageContract } from '../../testing/contracts/checkpoint-storage.js';
import { haStoreContract } from '../../testing/contracts/ha-store.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { runContract } from '../support/run-contract.js';

runContract('checkpoint storage in memory', checkpointStorageContract, async () => {
  const chunks = new Map<string, Uint8Array>();
  const world = createMemoryHaWorld();
  return {
    fixture: {
      open: async () => new MemoryCheckpointStorage({ chunks, fence: world.records }),
      ha: async () => new MemoryHaStore({ clock: new ManualClock(), world }),
      damage: async (name, bytes) => void chunks.set(name, bytes),
    },
  };
});

runContract('HA store in memory', haStoreContract, async () => {
  const clock = new ManualClock();
  const world = createMemoryHaWorld();
  return {
    fixture: { open: async () => new MemoryHaStore({ clock, world }), clock, leaseMs: 1_000, elapse: async (ms) => clock.advance(ms) },
  };
});

runContract('blob store in memory', blobStoreContract, async () => {
  const blobs = new Map<string, Uint8Array>();
  return { fixture: { open: async () => new MemoryBlobStore(blobs) } };
});
