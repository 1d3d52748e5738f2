import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import type { FileSystem } from '../../core/ports.js';
import { FileBlobStore } from '../../storage/blobs/file-blob-store.js';
import { FileCheckpointStorage } from '../../storage/checkpoints/file-checkpoint-storage.js';
import { FileHaStore } from '../../storage/ha/file-ha-store.js';
import { blobStoreContract } from '../../testing/contracts/blob-store.js';
import { checkpointStorageContract } from '../../testing/contracts/checkpoint-storage.js';
import { haStoreContract } from '../../testing/contracts/ha-store.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { countingRandom } from '../support/counting-random.js';
import { runContract } from '../support/run-contract.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const directory = temporaryDirectory('file-adapters');

interface Disk {
  readonly label: string;
  make(): { readonly files: FileSystem; readonly root: string };
  overwrite(files: FileSystem, path: string, bytes: Uint8Array): Promise<void>;
}

const disks: readonly Disk[] = [
  {
    label: 'a real disk',
    make: () => ({ files: new NodeFileSystem(), root: mkdtempSync(`${directory}/case-`) }),
    overwrite: (_, path, bytes) => writeFile(path, bytes),
  },
  {
    label: 'a disk in memory',
    make: () => ({ files: new MemoryFileSystem(), root: '/state' }),
    overwrite: async (files, path, bytes) => {
      const handle = await files.openWrite(path, { exclusive: false });
      await handle.append(bytes);
      await handle.close();
    },
  },
];

const random = countingRandom();

for (const disk of disks) {
  runContract(`checkpoint storage in files on ${disk.label}`, checkpointStorageContract, async () => {
    const { files, root } = disk.make();
    const ha = () => new FileHaStore({ files, random, clock: new ManualClock(), directory: `${root}/ha` });
    const fence = ha();
    return {
      fixture: {
        open: async () => new FileCheckpointStorage({ files, random, directory: `${root}/checkpoints`, fence }),
        ha: async () => fence,
        damage: (name, bytes) => {
          const [job, checkpoint, ...rest] = name.split('/');
          return disk.overwrite(files, `${root}/checkpoints/${job}/${checkpoint}/${rest.join('+')}`, bytes);
        },
      },
    };
  });

  runContract(`HA store in files on ${disk.label}`, haStoreContract, async () => {
    const { files, root } = disk.make();
    const clock = new ManualClock();
    const opened: FileHaStore[] = [];
    return {
      fixture: {
        open: async () => {
          const store = new FileHaStore({ files, random, clock, directory: `${root}/ha`, linesPerPartMax: 4 });
          opened.push(store);
          return store;
        },
        clock,
        leaseMs: 1_000,
        elapse: async (ms) => clock.advance(ms),
      },
      dispose: async () => {
        for (const store of opened) await store.close();
      },
    };
  });

  runContract(`blob store in files on ${disk.label}`, blobStoreContract, async () => {
    const { files, root } = disk.make();
    return { fixture: { open: async () => new FileBlobStore({ files, random, directory: `${root}/blobs` }) } };
  });
}
