/**
 * Where a cluster keeps what survives it, as its configuration says. The settings are plain data, because slot threads
 * open the checkpoint storage for themselves.
 */
import { join, resolve } from 'node:path';
import type { Configuration } from '../core/configuration/configuration.js';
import { options } from '../core/configuration/options.js';
import { MillraceError } from '../core/errors.js';
import type { CorePorts, FileSystem } from '../core/ports.js';
import { FileBlobStore } from '../storage/blobs/file-blob-store.js';
import { FileCheckpointStorage } from '../storage/checkpoints/file-checkpoint-storage.js';
import type { BlobStore, CheckpointStorage, HaStore } from '../storage/contracts.js';
import { FileHaStore } from '../storage/ha/file-ha-store.js';
import { NodeFileSystem } from './adapters/node-file-system.js';

/** Where checkpoint bytes are written. */
export interface CheckpointStorageSettings {
  readonly kind: 'filesystem';
  /** Absolute. */
  readonly directory: string;
}

/** Everything a JobManager keeps. */
export interface Stores {
  readonly ha: HaStore;
  readonly checkpoints: CheckpointStorage;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/** Throws `CONFIGURATION_INVALID` for combinations that separate processes cannot share. */
export function checkpointStorageSettings(configuration: Configuration): CheckpointStorageSettings {
  const directory = configuration.get(options.checkpointDirectory);
  const kind = configuration.get(options.checkpointStorage) ?? (directory === undefined ? configuration.get(options.highAvailabilityType) : 'filesystem');
  if (kind === 'filesystem') return { kind, directory: resolve(directory ?? join(storageDirectory(configuration), 'checkpoints')) };
  throw notShared(options.checkpointStorage.key, kind);
}

export function openCheckpointStorage(settings: CheckpointStorageSettings, { files, random }: Pick<CorePorts, 'random'> & { readonly files: FileSystem }, fence?: HaStore): CheckpointStorage {
  return new FileCheckpointStorage({ files, random, directory: settings.directory, ...(fence === undefined ? {} : { fence }) });
}

export function openStores(configuration: Configuration, ports: CorePorts): Promise<Stores> {
  const files = new NodeFileSystem();
  const kind = configuration.get(options.highAvailabilityType);
  if (kind !== 'filesystem') throw notShared(options.highAvailabilityType.key, kind);
  const directory = join(storageDirectory(configuration), configuration.get(options.highAvailabilityClusterId) ?? configuration.get(options.clusterId));
  const ha = new FileHaStore({ ...ports, files, directory: join(directory, 'ha') });
  const checkpoints = openCheckpointStorage(checkpointStorageSettings(configuration), { ...ports, files }, ha);
  const blobs = new FileBlobStore({ ...ports, files, directory: join(directory, 'blobs') });
  return Promise.resolve({
    ha,
    checkpoints,
    blobs,
    close: async () => void (await Promise.all([ha.close(), checkpoints.close(), blobs.close()])),
  });
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
