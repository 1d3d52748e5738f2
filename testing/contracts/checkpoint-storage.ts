/** The contract of {@link CheckpointStorage}. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { CheckpointStorage, HaStore } from '../../storage/contracts.js';
import { rejectsWith, type Contract } from './contract.js';

export interface CheckpointStorageFixture {
  /** A storage as another process would open it, on what the others wrote. */
  open(): Promise<CheckpointStorage>;
  /** The HA store whose leaders fence the deletes of this storage. */
  ha(): Promise<HaStore>;
  /** Replaces the bytes of a chunk behind the storage's back. */
  damage(name: string, bytes: Uint8Array): Promise<void>;
}

const job = 'job-1' as JobId;
const other = 'job-2' as JobId;
const before = (id: number) => id as CheckpointId;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const name = (checkpoint: number, index = 0, of: JobId = job) => `${of}/${checkpoint}/v1_0_1_0/state/${index}`;

export const checkpointStorageContract: Contract<CheckpointStorageFixture> = [
  {
    name: 'what is written is read back, by any process, with length and hash in its handle',
    async run({ open }) {
      const writer = await open();
      const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251);
      const handle = await writer.write(name(1), bytes);
      assert.deepEqual(handle, { name: name(1), bytes: 300_000, sha256: createHash('sha256').update(bytes).digest('hex') });
      assert.deepEqual(Buffer.from(await (await open()).read(handle)), Buffer.from(bytes));
    },
  },
  {
    name: 'an empty chunk, and one of 5 MiB, survive',
    async run({ open }) {
      const storage = await open();
      for (const [index, length] of [0, 5 * 1024 * 1024].entries()) {
        const handle = await storage.write(name(1, index), new Uint8Array(length).fill(7));
        const read = await storage.read(handle);
        assert.equal(read.length, length);
        assert.ok(read.every((byte) => byte === 7));
      }
    },
  },
  {
    name: 'the writer may change its buffer afterwards, and a reader what it read',
    async run({ open }) {
      const storage = await open();
      const bytes = bytesOf('as written');
      const handle = await storage.write(name(1), bytes);
      bytes.fill(0);
      (await storage.read(handle)).fill(1);
      assert.equal(new TextDecoder().decode(await storage.read(handle)), 'as written');
    },
  },
  {
    name: 'writing the same bytes again is the same chunk; other bytes under its name are refused',
    async run({ open }) {
      const storage = await open();
      const first = await storage.write(name(1), bytesOf('one'));
      assert.deepEqual(await (await open()).write(name(1), bytesOf('one')), first);
      await rejectsWith('CHUNK_EXISTS', storage.write(name(1), bytesOf('two')));
      assert.equal(new TextDecoder().decode(await storage.read(first)), 'one');
    },
  },
  {
    name: 'a missing chunk is CHUNK_MISSING; one that changed, in length or content, is CHUNK_CORRUPT',
    async run({ open, damage }) {
      const storage = await open();
      const handle = await storage.write(name(1), bytesOf('content'));
      await rejectsWith('CHUNK_MISSING', storage.read({ ...handle, name: name(2) }));
      await damage(handle.name, bytesOf('Content'));
      await rejectsWith('CHUNK_CORRUPT', storage.read(handle));
      await damage(handle.name, bytesOf('cont'));
      await rejectsWith('CHUNK_CORRUPT', storage.read(handle));
    },
  },
  {
    name: 'names that could leave the store are refused, on every way in',
    async run({ open }) {
      const storage = await open();
      const hostile = [
        '../1/a/b/0',
        'job/1/../b/0',
        '/etc/passwd',
        'job/1/a/b',
        'job/x/a/b/0',
        'job/1/a/b/-1',
        'job/1/a\0/b/0',
        'job/1/a b/c/0',
        'job/01/a/b/0',
        '',
      ];
      for (const bad of hostile) {
        await rejectsWith('CHUNK_NAME_INVALID', storage.write(bad, bytesOf('x')));
        await rejectsWith('CHUNK_NAME_INVALID', storage.read({ name: bad, bytes: 1, sha256: '0'.repeat(64) }));
        await rejectsWith('CHUNK_NAME_INVALID', storage.remove([bad]));
      }
    },
  },
  {
    name: 'removed chunks are gone, the others stay, and missing ones are no error',
    async run({ open }) {
      const storage = await open();
      const kept = await storage.write(name(1, 0), bytesOf('kept'));
      const removed = await storage.write(name(1, 1), bytesOf('removed'));
      await storage.remove([removed.name, name(9)]);
      await storage.remove([removed.name]);
      await storage.remove([]);
      await rejectsWith('CHUNK_MISSING', storage.read(removed));
      assert.equal((await storage.read(kept)).length, 4);
      assert.deepEqual(await storage.listBefore(job, before(2)), [kept.name]);
    },
  },
  {
    name: 'a name is free again after its chunk was removed',
    async run({ open }) {
      const storage = await open();
      await storage.write(name(1), bytesOf('one'));
      await storage.remove([name(1)]);
      const handle = await storage.write(name(1), bytesOf('two'));
      assert.equal(new TextDecoder().decode(await storage.read(handle)), 'two');
    },
  },
  {
    name: 'listBefore names exactly the chunks of the job with a lower checkpoint id, compared as numbers',
    async run({ open }) {
      const storage = await open();
      for (const id of [2, 9, 10, 11]) await storage.write(name(id), bytesOf(`checkpoint ${id}`));
      await storage.write(name(2, 1), bytesOf('second chunk'));
      await storage.write(name(3, 0, other), bytesOf('of another job'));
      const listed = await (await open()).listBefore(job, before(10));
      assert.deepEqual([...listed].sort(), [name(2), name(2, 1), name(9)].sort());
      assert.deepEqual(await storage.listBefore(job, before(2)), []);
      assert.deepEqual(await storage.listBefore('nobody' as JobId, before(10)), []);
    },
  },
  {
    name: 'removeJob removes everything of the job and nothing else; again is no error',
    async run({ open }) {
      const storage = await open();
      for (const id of [1, 2]) await storage.write(name(id), bytesOf(`checkpoint ${id}`));
      const stays = await storage.write(name(1, 0, other), bytesOf('stays'));
      await storage.removeJob(job);
      await storage.removeJob(job);
      assert.deepEqual(await storage.listBefore(job, before(100)), []);
      assert.equal((await storage.read(stays)).length, 5);
    },
  },
  {
    name: 'a delete with the token of an old leader is refused and deletes nothing; the current leader deletes',
    async run({ open, ha }) {
      const storage = await open();
      const store = await ha();
      const handle = await storage.write(name(1), bytesOf('needed'));
      const first = await store.acquire('jm-a', 60_000);
      const second = await store.acquire('jm-b', 60_000, 'jm-a');
      assert.ok(first.kind === 'granted' && second.kind === 'granted');
      await rejectsWith('FENCED', storage.remove([handle.name], first.token));
      assert.equal((await storage.read(handle)).length, 6);
      await storage.remove([handle.name], second.token);
      await rejectsWith('CHUNK_MISSING', storage.read(handle));
    },
  },
  {
    name: 'writers do not disturb one another',
    async run({ open }) {
      const storages = await Promise.all([open(), open()]);
      const handles = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (storages[index % 2] as CheckpointStorage).write(name(1, index), bytesOf(`chunk ${index}`)),
        ),
      );
      for (const [index, handle] of handles.entries()) {
        assert.equal(new TextDecoder().decode(await (storages[0] as CheckpointStorage).read(handle)), `chunk ${index}`);
      }
    },
  },
  {
    name: 'it says what its chunks survive',
    async run({ open }) {
      assert.ok((await open()).durability.length > 10);
    },
  },
];
