/** Where a cluster keeps what survives it, as its configuration says. */
import { join, resolve } from 'node:path';
import type { Configuration } from '../core/configuration/configuration.js';
import { options } from '../core/configuration/options.js';
import { MillraceError } from '../core/errors.js';
import type { CorePorts } from '../core/ports.js';
import { FileBlobStore } from '../storage/blobs/file-blob-store.js';
import { FileCheckpointStorage } from '../storage/checkpoints/file-checkpoint-storage.js';
import type { BlobStore, CheckpointStorage, HaStore } from '../storage/contracts.js';
import { FileHaStore } from '../storage/ha/file-ha-store.js';
import { openRedisLeaderStorage, openRedisStorage, type RedisStorageOptions } from '../storage/redis/open-redis-storage.js';
import { NodeFileSystem } from './adapters/node-file-system.js';
import type { SlotStorageSettings } from './slot-settings.js';

export interface StorePorts extends CorePorts {
  /** The store is gone for good: the process cannot be of use any more. */
  readonly onLost: (error: MillraceError) => void;
}

/** Everything a JobManager keeps. */
export interface Stores {
  readonly ha: HaStore;
  readonly checkpoints: CheckpointStorage;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/** Where the slots of a TaskManager write, and what its main thread has open for them. */
export interface TaskManagerStorage {
  readonly slots: SlotStorageSettings;
  readonly chunks?: CheckpointStorage;
  close(): Promise<void>;
}

/** Throws `CONFIGURATION_INVALID` for what separate processes cannot share, or the store's own error naming its address. */
export async function openStores(configuration: Configuration, ports: StorePorts): Promise<Stores> {
  const kind = configuration.get(options.highAvailabilityType);
  const place = checkpointPlace(configuration);
  const files = new NodeFileSystem();
  if (kind === 'redis') {
    const redis = await openRedisLeaderStorage(redisOptions(configuration, ports));
    const checkpoints =
      place.kind === 'redis'
        ? redis.checkpoints
        : new FileCheckpointStorage({ ...ports, files, directory: place.directory, fence: redis.ha });
    return { ha: redis.ha, checkpoints, blobs: redis.blobs, close: () => redis.close() };
  }
  if (kind !== 'filesystem') throw notShared(options.highAvailabilityType.key, kind);
  const directory = join(
    storageDirectory(configuration),
    configuration.get(options.highAvailabilityClusterId) ?? configuration.get(options.clusterId),
  );
  const ha = new FileHaStore({ ...ports, files, directory: join(directory, 'ha') });
  const blobs = new FileBlobStore({ ...ports, files, directory: join(directory, 'blobs') });
  if (place.kind === 'redis') {
    const redis = await openRedisStorage(redisOptions(configuration, ports));
    return { ha, checkpoints: redis.checkpoints, blobs, close: async () => void (await Promise.all([ha.close(), redis.close()])) };
  }
  const checkpoints = new FileCheckpointStorage({ ...ports, files, directory: place.directory, fence: ha });
  return { ha, checkpoints, blobs, close: async () => void (await Promise.all([ha.close(), checkpoints.close(), blobs.close()])) };
}

export async function openTaskManagerStorage(configuration: Configuration, ports: StorePorts): Promise<TaskManagerStorage> {
  const place = checkpointPlace(configuration);
  if (place.kind === 'filesystem') return { slots: place, close: () => Promise.resolve() };
  const redis = await openRedisStorage(redisOptions(configuration, ports));
  return { slots: { kind: 'main-thread' }, chunks: redis.checkpoints, close: () => redis.close() };
}

type CheckpointPlace = { readonly kind: 'redis' } | { readonly kind: 'filesystem'; readonly directory: string };

function checkpointPlace(configuration: Configuration): CheckpointPlace {
  const directory = configuration.get(options.checkpointDirectory);
  const kind =
    configuration.get(options.checkpointStorage) ??
    (directory === undefined ? configuration.get(options.highAvailabilityType) : 'filesystem');
  if (kind === 'redis') return { kind };
  if (kind === 'filesystem') return { kind, directory: resolve(directory ?? join(storageDirectory(configuration), 'checkpoints')) };
  throw notShared(options.checkpointStorage.key, kind);
}

function redisOptions(configuration: Configuration, { clock, logger, onLost }: StorePorts): RedisStorageOptions {
  const url = new URL(configuration.get(options.redisUrl));
  const user = configuration.get(options.redisUser);
  const password = configuration.get(options.redisPassword);
  const database = configuration.get(options.redisDatabase);
  if (user !== undefined) url.username = user;
  if (password !== undefined) url.password = password;
  if (database !== 0) url.pathname = `/${database}`;
  const giveUpAfterMs = configuration.get(options.redisGiveUpAfter);
  return {
    url: url.href,
    name: 'millrace',
    clock,
    logger,
    onLost,
    prefix: configuration.get(options.redisKeyPrefix),
    cluster: configuration.get(options.highAvailabilityClusterId) ?? configuration.get(options.clusterId),
    leaseTimeoutMs: configuration.get(options.leaseRenewInterval),
    ...(giveUpAfterMs === undefined ? {} : { giveUpAfterMs }),
  };
}

function storageDirectory(configuration: Configuration): string {
  return resolve(configuration.get(options.highAvailabilityStorageDir) ?? '.');
}

function notShared(key: string, kind: string): MillraceError {
  return new MillraceError('CONFIGURATION_INVALID', `"${key}" is ${kind}, which separate processes cannot share`, {
    domain: 'user',
    recovery: 'crash',
    hint: `Set it to redis (with redis.url), or to filesystem (with ${options.highAvailabilityStorageDir.key}).`,
  });
}
