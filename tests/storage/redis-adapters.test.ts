import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock as clock } from '../../cluster/adapters/system-clock.js';
import type { JobId } from '../../core/ids.js';
import { RedisBlobStore } from '../../storage/blobs/redis-blob-store.js';
import { RedisCheckpointStorage } from '../../storage/checkpoints/redis-checkpoint-storage.js';
import { RedisHaStore } from '../../storage/ha/redis-ha-store.js';
import type { RedisArgument, RedisConnection } from '../../storage/redis/redis-client.js';
import { RedisClient } from '../../storage/redis/redis-client.js';
import { RedisKeys } from '../../storage/redis/redis-keys.js';
import type { RedisScript } from '../../storage/redis/redis-script.js';
import { nextCheckpointId } from '../../storage/redis/scripts/next-checkpoint-id.js';
import { blobStoreContract } from '../../testing/contracts/blob-store.js';
import { checkpointStorageContract } from '../../testing/contracts/checkpoint-storage.js';
import { haStoreContract } from '../../testing/contracts/ha-store.js';
import { silentLogger } from '../support/silent-logger.js';
import { runContract } from '../support/run-contract.js';
import { sharedRedisUrl } from '../support/servers.js';

const prefix = `test-${process.pid}-${Math.random().toString(36).slice(2)}`;
let clusters = 0;
const newKeys = () => new RedisKeys({ prefix, cluster: `c${(clusters += 1)}` });

const open = (mode: 'patient' | 'prompt') =>
  RedisClient.connect({
    url: sharedRedisUrl(),
    name: 'test',
    clock,
    logger: silentLogger,
    mode: mode === 'patient' ? { kind: 'patient' } : { kind: 'prompt', commandTimeoutMs: 2_000 },
  });

/** Runs every script twice, as a client does that lost the reply of the first; but for the one that may skip an id. */
class Doubling implements RedisConnection {
  readonly inner: RedisConnection;
  runs = 0;
  constructor(inner: RedisConnection) {
    this.inner = inner;
  }
  get shown() {
    return this.inner.shown;
  }
  get serverFacts() {
    return this.inner.serverFacts;
  }
  command(name: string, ...parameters: RedisArgument[]) {
    return this.inner.command(name, ...parameters);
  }
  async run(script: RedisScript, keys: readonly string[], parameters: readonly RedisArgument[]) {
    if (script !== nextCheckpointId) await this.inner.run(script, keys, parameters);
    this.runs += 1;
    return this.inner.run(script, keys, parameters);
  }
  share() {
    return this;
  }
  async close() {}
}

const plain = { patient: await open('patient'), prompt: await open('prompt') };
plain.patient.share();
plain.prompt.share();
const variants = [
  { label: 'in Redis', patient: plain.patient, prompt: plain.prompt },
  { label: 'in Redis, each script run twice', patient: new Doubling(plain.patient), prompt: new Doubling(plain.prompt) },
] as const;

/** Closes what a case opened: each adapter holds a share of its connection. */
function closing<Adapter extends { close(): Promise<void> }>(): { opened<T extends Adapter>(adapter: T): T; dispose(): Promise<void> } {
  const adapters: Adapter[] = [];
  return {
    opened: (adapter) => {
      adapters.push(adapter);
      return adapter;
    },
    dispose: async () => {
      for (const adapter of adapters) await adapter.close();
    },
  };
}

for (const { label, patient, prompt } of variants) {
  runContract(`checkpoint storage ${label}`, checkpointStorageContract, async () => {
    const keys = newKeys();
    const { opened, dispose } = closing();
    return {
      fixture: {
        open: async () => opened(new RedisCheckpointStorage({ client: patient, keys })),
        ha: async () => opened(new RedisHaStore({ records: patient, lease: prompt, keys, clock })),
        damage: async (name, bytes) => void (await patient.command('SET', keys.chunk(name), bytes)),
      },
      dispose,
    };
  });

  runContract(`HA store ${label}`, haStoreContract, async () => {
    const keys = newKeys();
    const { opened, dispose } = closing();
    return {
      fixture: {
        open: async () => opened(new RedisHaStore({ records: patient, lease: prompt, keys, clock })),
        clock,
        // In real time, beside other tests: 0.4 of it is what a renewal may be late.
        leaseMs: 600,
        elapse: (ms) => new Promise((resolve) => void clock.setTimer(ms, () => resolve())),
      },
      dispose,
    };
  });

  runContract(`blob store ${label}`, blobStoreContract, async () => {
    const keys = newKeys();
    const { opened, dispose } = closing();
    return { fixture: { open: async () => opened(new RedisBlobStore({ client: patient, keys })) }, dispose };
  });
}

const test = suite('Redis');
const { opened, dispose } = closing();

test('an id that was given out by a script run twice is skipped, never repeated (LS2)', async () => {
  const keys = newKeys();
  const store = opened(new RedisHaStore({ records: plain.patient, lease: plain.prompt, keys, clock }));
  const answer = await store.acquire('a', 60_000);
  assert.is(answer.kind, 'granted');
  if (answer.kind !== 'granted') return;
  const job = 'job' as JobId;
  await store.nextCheckpointId(answer.token, job);
  await plain.patient.run(nextCheckpointId, [keys.leaderToken, keys.checkpointIds], [answer.token.epoch, answer.token.holder, job]);
  assert.is(await store.nextCheckpointId(answer.token, job), 3);
});

test('clusters that share a Redis see nothing of each other (RK1)', async () => {
  const [left, right] = [newKeys(), newKeys()];
  const store = (keys: RedisKeys) => opened(new RedisHaStore({ records: plain.patient, lease: plain.prompt, keys, clock }));
  assert.is((await store(left).acquire('a', 60_000)).kind, 'granted');
  assert.is((await store(right).acquire('b', 60_000)).kind, 'granted');
  assert.throws(() => new RedisKeys({ cluster: 'a}b' }), 'cannot be part of a Redis key');
});

test('the lease expires in Redis itself, without anybody asking', async () => {
  const keys = newKeys();
  const store = opened(new RedisHaStore({ records: plain.patient, lease: plain.prompt, keys, clock }));
  await store.acquire('a', 60_000);
  const left = Number(await plain.patient.command('PTTL', keys.leaderLease));
  assert.ok(left > 50_000 && left <= 60_000, `${left} ms left`);
});

test.after(async () => {
  await dispose();
  const keys = (await plain.patient.command('KEYS', `{${prefix}.*`)) as Buffer[];
  for (const key of keys) await plain.patient.command('UNLINK', String(key));
  await plain.patient.close();
  await plain.prompt.close();
});

test.run();
