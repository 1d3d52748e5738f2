/** The contract of {@link BlobStore}. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { BlobStore } from '../../storage/contracts.js';
import { rejectsWith, type Contract } from './contract.js';

export interface BlobStoreFixture {
  /** A store as another process would open it, on what the others put. */
  open(): Promise<BlobStore>;
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const code = new TextEncoder().encode('export default 1;');

export const blobStoreContract: Contract<BlobStoreFixture> = [
  {
    name: 'a blob is found by its hash, by any process, and putting it again changes nothing',
    async run({ open }) {
      const store = await open();
      await store.put(hashOf(code), code);
      await store.put(hashOf(code), code);
      assert.deepEqual(Buffer.from((await (await open()).get(hashOf(code))) ?? []), Buffer.from(code));
    },
  },
  {
    name: 'a blob of 3 MiB and an empty one survive',
    async run({ open }) {
      const store = await open();
      for (const length of [3 * 1024 * 1024, 0]) {
        const bytes = new Uint8Array(length).fill(3);
        await store.put(hashOf(bytes), bytes);
        assert.equal((await store.get(hashOf(bytes)))?.length, length);
      }
    },
  },
  {
    name: 'bytes that are not what the name says are refused',
    async run({ open }) {
      const store = await open();
      await rejectsWith('BLOB_CORRUPT', store.put(hashOf(code), new Uint8Array(3)));
      assert.equal(await store.get(hashOf(code)), undefined);
    },
  },
  {
    name: 'a name that is no hash is refused, on every way in',
    async run({ open }) {
      const store = await open();
      for (const bad of ['../x', '', 'A'.repeat(64), `${'a'.repeat(63)}/`]) {
        await rejectsWith('BLOB_NAME_INVALID', store.put(bad, code));
        await rejectsWith('BLOB_NAME_INVALID', store.get(bad));
        await rejectsWith('BLOB_NAME_INVALID', store.remove(bad));
      }
    },
  },
  {
    name: 'a removed blob is gone; removing it again is no error',
    async run({ open }) {
      const store = await open();
      await store.put(hashOf(code), code);
      await store.remove(hashOf(code));
      await store.remove(hashOf(code));
      assert.equal(await store.get(hashOf(code)), undefined);
    },
  },
  {
    name: 'the same blob put by several at once is whole',
    async run({ open }) {
      const bytes = new Uint8Array(200_000).fill(9);
      const stores = await Promise.all([open(), open(), open()]);
      await Promise.all(stores.map((store) => store.put(hashOf(bytes), bytes)));
      assert.equal((await (stores[0] as BlobStore).get(hashOf(bytes)))?.length, bytes.length);
    },
  },
];
