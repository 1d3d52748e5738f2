/**
 * Everything a process keeps in Redis, over one connection for data and, for processes that may lead, one for the lease.
 */
import type { MillraceError } from '../../core/errors.js';
import type { Clock, Logger } from '../../core/ports.js';
import { RedisBlobStore } from '../blobs/redis-blob-store.js';
import { RedisCheckpointStorage } from '../checkpoints/redis-checkpoint-storage.js';
import type { BlobStore, CheckpointStorage, HaStore } from '../contracts.js';
import { RedisHaStore } from '../ha/redis-ha-store.js';
import { RedisClient } from './redis-client.js';
import { RedisKeys } from './redis-keys.js';

export interface RedisStorageOptions {
  readonly url: string;
  /** Name of the process, for `CLIENT LIST`. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Key prefix; default `millrace`. */
  readonly prefix?: string;
  /** Cluster id; default `default`. */
  readonly cluster?: string;
  /** How long to try to connect before failing; undefined: for ever. */
  readonly giveUpAfterMs?: number;
  /** A connection that worked is gone for good: given up, or refused because the server is not fit any more. */
  readonly onLost?: (error: MillraceError) => void;
  /** How long a request about the lease may take: well below the lease. Default 1000. */
  readonly leaseTimeoutMs?: number;
}

export interface RedisStorage {
  readonly checkpoints: CheckpointStorage;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

const leaseTimeoutMsDefault = 1_000;

/** For a TaskManager: chunks and blobs. */
export async function openRedisStorage(options: RedisStorageOptions): Promise<RedisStorage> {
  const client = await connect(options, 'data', { kind: 'patient' });
  return storageOver(client, new RedisKeys(options));
}

/** For a JobManager: also leadership and records. Says what survives. */
export async function openRedisLeaderStorage(options: RedisStorageOptions): Promise<RedisStorage & { readonly ha: HaStore }> {
  const records = await connect(options, 'data', { kind: 'patient' });
  const keys = new RedisKeys(options);
  const { durability, isDurable } = records.serverFacts;
  options.logger.log(isDurable ? 'info' : 'warn', durability);
  let lease: RedisClient;
  try {
    lease = await connect(options, 'lease', { kind: 'prompt', commandTimeoutMs: options.leaseTimeoutMs ?? leaseTimeoutMsDefault });
  } catch (error) {
    await records.close();
    throw error;
  }
  const ha = new RedisHaStore({ records, lease, keys, clock: options.clock });
  const storage = storageOver(records, keys);
  return {
    ...storage,
    ha,
    close: async () => {
      await ha.close();
      await storage.close();
    },
  };
}

function storageOver(client: RedisClient, keys: RedisKeys): RedisStorage {
  const checkpoints = new RedisCheckpointStorage({ client, keys });
  const blobs = new RedisBlobStore({ client, keys });
  return {
    checkpoints,
    blobs,
    close: async () => {
      await checkpoints.close();
      await blobs.close();
    },
  };
}

function connect(
  options: RedisStorageOptions,
  purpose: string,
  mode: { readonly kind: 'patient' } | { readonly kind: 'prompt'; readonly commandTimeoutMs: number },
): Promise<RedisClient> {
  return RedisClient.connect({
    url: options.url,
    name: `${options.name}-${purpose}`,
    clock: options.clock,
    logger: options.logger,
    mode,
    ...(options.giveUpAfterMs === undefined ? {} : { giveUpAfterMs: options.giveUpAfterMs }),
    ...(options.onLost === undefined ? {} : { onLost: options.onLost }),
  });
}
