/**
 * Checkpoint chunks as files: `<directory>/<job>/<checkpoint>/<attempt>+<name>+<n>`.
 *
 * FC1  A chunk that `write` returned survives a crash of the machine (DF1); one that was being written is not there.
 * FC2  Paths are made of parsed names only (CN1).
 */
import { isFileNotFound } from '../../core/file-errors.js';
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { FileSystem, Random } from '../../core/ports.js';
import type { CheckpointStorage, ChunkHandle, HaStore, LeaderToken } from '../contracts.js';
import { DurableFiles, temporaryPrefix } from '../files/durable-files.js';
import { chunkExists, chunkHandleOf, sha256Of, verifyChunk } from './chunk-integrity.js';
import { formatChunkName, parseChunkName } from './chunk-name.js';

export interface FileCheckpointStorageOptions {
  readonly files: FileSystem;
  readonly random: Random;
  /** Absolute; every TaskManager and the JobManager must reach it. Made when it is not there. */
  readonly directory: string;
  /** Deletes with a token are refused when this says so. */
  readonly fence?: Pick<HaStore, 'check'>;
}

export class FileCheckpointStorage implements CheckpointStorage {
  readonly durability: string;
  private readonly files: FileSystem;
  private readonly durable: DurableFiles;
  private readonly directory: string;
  private readonly fence: Pick<HaStore, 'check'> | undefined;

  constructor(options: FileCheckpointStorageOptions) {
    this.files = options.files;
    this.directory = options.directory;
    this.fence = options.fence;
    this.durable = new DurableFiles({ files: options.files, random: options.random, base: options.directory });
    this.durability = `files in ${options.directory}, synced before each acknowledgement: checkpoints survive a crash of the machine, not the loss of its disk`;
  }

  async write(name: string, bytes: Uint8Array): Promise<ChunkHandle> {
    const place = this.placeOf(name);
    const handle = chunkHandleOf(name, bytes);
    const present = await this.readOrNothing(place.path);
    if (present !== undefined && sha256Of(present) !== handle.sha256) throw chunkExists(name, place.path);
    await this.durable.write(place.directory, place.file, bytes);
    return handle;
  }

  async read(handle: ChunkHandle): Promise<Uint8Array> {
    const { path } = this.placeOf(handle.name);
    return verifyChunk(handle, await this.readOrNothing(path), path);
  }

  async remove(names: readonly string[], token?: LeaderToken): Promise<void> {
    const places = names.map((name) => this.placeOf(name));
    if (token !== undefined) await this.fence?.check(token);
    for (const place of places) await this.files.remove(place.path);
    for (const directory of new Set(places.map((place) => place.directory))) await this.removeIfEmpty(directory);
  }

  async listBefore(job: JobId, before: CheckpointId): Promise<readonly string[]> {
    const names: string[] = [];
    for (const checkpoint of await this.listOrNothing(this.jobDirectory(job))) {
      if (!/^\d+$/.test(checkpoint) || Number(checkpoint) >= before) continue;
      for (const file of await this.listOrNothing(`${this.jobDirectory(job)}/${checkpoint}`)) {
        const name = chunkNameOf(job, Number(checkpoint) as CheckpointId, file);
        if (name !== undefined) names.push(name);
      }
    }
    return names;
  }

  async removeJob(job: JobId): Promise<void> {
    this.durable.forget(this.jobDirectory(job));
    await this.files.remove(this.jobDirectory(job));
  }

  async close(): Promise<void> {}

  private jobDirectory(job: JobId): string {
    return `${this.directory}/${parseChunkName(`${job}/0/any/any/0`).jobId}`;
  }

  private placeOf(name: string): { readonly directory: string; readonly file: string; readonly path: string } {
    const { jobId, checkpointId, writer, name: subject, index } = parseChunkName(name);
    const directory = `${this.directory}/${jobId}/${checkpointId}`;
    const file = `${writer}+${subject}+${index}`;
    return { directory, file, path: `${directory}/${file}` };
  }

  private async readOrNothing(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.files.readFile(path);
    } catch (error) {
      if (isFileNotFound(error)) return undefined;
      throw error;
    }
  }

  private async listOrNothing(path: string): Promise<readonly string[]> {
    try {
      return await this.files.list(path);
    } catch (error) {
      if (isFileNotFound(error)) return [];
      throw error;
    }
  }

  /** Also takes what a writer that died left behind. */
  private async removeIfEmpty(directory: string): Promise<void> {
    const left = await this.listOrNothing(directory);
    if (!left.every((name) => name.startsWith(temporaryPrefix))) return;
    this.durable.forget(directory);
    await this.files.remove(directory);
  }
}

function chunkNameOf(jobId: JobId, checkpointId: CheckpointId, file: string): string | undefined {
  const match = /^([^+]+)\+([^+]+)\+(\d+)$/.exec(file);
  if (match === null) return undefined;
  return formatChunkName({ jobId, checkpointId, writer: match[1] as string, name: match[2] as string, index: Number(match[3]) });
}
