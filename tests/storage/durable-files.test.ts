import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckpointId, JobId } from '../../core/ids.js';
import { FileBlobStore } from '../../storage/blobs/file-blob-store.js';
import { FileCheckpointStorage } from '../../storage/checkpoints/file-checkpoint-storage.js';
import { sha256Of } from '../../storage/checkpoints/chunk-integrity.js';
import type { ChunkHandle } from '../../storage/contracts.js';
import { temporaryPrefix } from '../../storage/files/durable-files.js';
import { rejectsWith } from '../../testing/contracts/contract.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { countingRandom } from '../support/counting-random.js';

const test = suite('chunks and blobs in files');
const job = 'job' as JobId;
const all = 1_000 as CheckpointId;

test('after a loss of power every acknowledged chunk is whole, and every other one whole or not there (FC1, DF1, DF2)', async () => {
  let acknowledged = 0;
  let interrupted = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, isPartial) => {
      const files = new MemoryFileSystem();
      const dice = countingRandom(seed);
      const told: ChunkHandle[] = [];
      const contents = new Map<string, Uint8Array>();
      for (let life = 0; life < 4; life += 1) {
        const storage = new FileCheckpointStorage({ files: files.mount(), random: countingRandom(), directory: '/state/checkpoints' });
        for (const handle of told) assert.equal(await storage.read(handle), contents.get(handle.name));
        for (const name of await storage.listBefore(job, all)) {
          const bytes = contents.get(name) ?? assert.unreachable(`${name} was never written`);
          await storage.read({ name, bytes: (bytes as unknown as Uint8Array).length, sha256: sha256Of(bytes as unknown as Uint8Array) });
        }
        const writing = Array.from({ length: 3 }, async (_, index) => {
          const name = `job/${life}/attempt/state/${index}`;
          const bytes = new Uint8Array(1 + Math.floor(dice.next() * 50)).fill(life * 10 + index + 1);
          contents.set(name, bytes);
          told.push(await storage.write(name, bytes));
          acknowledged += 1;
        });
        for (let turns = Math.floor(dice.next() * 60); turns > 0; turns -= 1) await Promise.resolve();
        files.crash(isPartial ? dice : undefined);
        for (const outcome of await Promise.allSettled(writing)) if (outcome.status === 'rejected') interrupted += 1;
      }
    }),
    { numRuns: 100, seed: 3 },
  );
  assert.ok(acknowledged > 50 && interrupted > 50, `${acknowledged} acknowledged, ${interrupted} interrupted`);
});

test('a blob that was put survives a loss of power', async () => {
  const files = new MemoryFileSystem();
  const bytes = new TextEncoder().encode('code');
  await new FileBlobStore({ files: files.mount(), random: countingRandom(), directory: '/state/blobs' }).put(sha256Of(bytes), bytes);
  files.crash();
  const store = new FileBlobStore({ files: files.mount(), random: countingRandom(), directory: '/state/blobs' });
  assert.equal(await store.get(sha256Of(bytes)), bytes);
});

test('a full disk fails the write with its path and leaves no temporary file', async () => {
  const files = new MemoryFileSystem({ capacityBytes: 100 });
  const storage = new FileCheckpointStorage({ files, random: countingRandom(), directory: '/checkpoints' });
  const kept = await storage.write('job/1/attempt/state/0', new Uint8Array(60));
  const error = await rejectsWith('DISK_FULL', storage.write('job/1/attempt/state/1', new Uint8Array(60)));
  assert.match(error.message, '/checkpoints/job/1/');
  assert.is((await storage.read(kept)).length, 60);
  assert.equal(await files.list('/checkpoints/job/1'), ['attempt+state+0']);
  await storage.write('job/1/attempt/state/2', new Uint8Array(40));
});

test('what a writer that died left behind goes with the last chunk of its checkpoint', async () => {
  const files = new MemoryFileSystem();
  const storage = new FileCheckpointStorage({ files, random: countingRandom(), directory: '/checkpoints' });
  const { name } = await storage.write('job/1/attempt/state/0', new Uint8Array(1));
  await (await files.openWrite(`/checkpoints/job/1/${temporaryPrefix}dead`, { exclusive: true })).close();
  assert.equal(await storage.listBefore(job, all), [name]);
  await storage.remove([name]);
  assert.equal(await files.list('/checkpoints/job'), []);
  await storage.write('job/1/attempt/state/0', new Uint8Array(1));
});

test.run();
