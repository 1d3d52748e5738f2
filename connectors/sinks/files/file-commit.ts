/**
 * Committing files: from the hidden name to the final one.
 *
 * FC1  A file of the final name with the right content means that it was committed before.
 * FC2  Neither name being there, and other content under either, is an error, never silence.
 * FC3  All files are tried; then the first error is thrown.
 */
import { createHash } from 'node:crypto';
import { MillraceError } from '../../../core/errors.js';
import { isFileNotFound } from '../../../core/file-errors.js';
import { limits } from '../../../core/limits.js';
import type { FileSystem } from '../../../core/ports.js';
import type { PartFile, SealedFile } from './part-file.js';
import { temporaryOf } from './part-names.js';
import { directoriesOf } from './partition-directories.js';

/** What it takes to commit a file: its final name below the directory of the sink, and what must be in it. */
export interface PendingFile extends SealedFile {
  readonly name: string;
  /** A file that was open in an earlier checkpoint, of which this is a copy: it goes when this one is committed. */
  readonly replaces?: string;
}

export interface CommitTarget {
  readonly files: FileSystem;
  readonly directory: string;
}

export async function commitFiles(target: CommitTarget, pending: readonly PendingFile[]): Promise<void> {
  const failures: unknown[] = [];
  for (const file of pending) {
    try {
      await commitFile(target, file);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  for (const directory of directoriesOf(pending.map(({ name }) => name))) await target.files.syncDirectory(pathOf(target, directory));
}

/** A former attempt may do the same at the same time: a file that is gone under our hands has its final name. */
async function commitFile(target: CommitTarget, pending: PendingFile): Promise<void> {
  const { files } = target;
  const final = pathOf(target, pending.name);
  const temporary = temporaryOf(final);
  const written = await files.stat(temporary);
  if (written !== undefined && written.sizeBytes !== pending.bytes) {
    throw changed(temporary, `has ${written.sizeBytes} bytes instead of ${pending.bytes}`);
  }
  const isRenamed = written !== undefined && (await files.stat(final)) === undefined && (await rename(files, temporary, final));
  if (!isRenamed) {
    await checkFinal(files, final, pending);
    if (written !== undefined) await files.remove(temporary);
  }
  if (pending.replaces !== undefined) await files.remove(temporaryOf(pathOf(target, pending.replaces)));
}

/** False when the file was gone. */
async function rename(files: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await files.rename(from, to);
    return true;
  } catch (error) {
    if (isFileNotFound(error)) return false;
    throw error;
  }
}

async function checkFinal(files: FileSystem, final: string, { bytes, sha256 }: SealedFile): Promise<void> {
  const found = await files.stat(final);
  if (found === undefined) throw lost(temporaryOf(final), final);
  if (found.sizeBytes !== bytes || (await hashOf(files, final)) !== sha256) {
    throw changed(final, 'does not hold what this sink wrote');
  }
}

export interface CopyOptions {
  readonly files: FileSystem;
  readonly from: string;
  readonly to: PartFile;
}

/** Copies what a checkpoint found in a file that was being written, and checks it. */
export async function copyBeginning({ files, from, to }: CopyOptions, { bytes, sha256 }: SealedFile): Promise<void> {
  const found = await files.stat(from);
  if (found === undefined) throw lost(from, 'its final name');
  const hash = createHash('sha256');
  const handle = await files.openRead(from);
  try {
    for (let position = 0; position < bytes;) {
      const block = Buffer.allocUnsafe(Math.min(limits.sourceBlockBytes, bytes - position));
      const count = await handle.read(block, position);
      if (count === 0) throw changed(from, `has ${position} bytes instead of at least ${bytes}`);
      const read = block.subarray(0, count);
      hash.update(read);
      to.append(read);
      await to.drained();
      position += count;
    }
  } finally {
    await handle.close();
  }
  if (hash.digest('hex') !== sha256) throw changed(from, 'does not begin with what this sink wrote');
}

async function hashOf(files: FileSystem, path: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await files.openRead(path);
  try {
    const block = Buffer.allocUnsafe(limits.sourceBlockBytes);
    for (let position = 0; ;) {
      const count = await handle.read(block, position);
      if (count === 0) return hash.digest('hex');
      hash.update(block.subarray(0, count));
      position += count;
    }
  } finally {
    await handle.close();
  }
}

function lost(temporary: string, final: string): MillraceError {
  return new MillraceError('SINK_TRANSACTION_LOST', `Neither ${temporary} nor ${final} is there: committed records are lost`, {
    domain: 'external',
    recovery: 'fail-job',
    hint: 'Files of the latest checkpoint must not be moved or removed while the job may restart.',
  });
}

function changed(path: string, what: string): MillraceError {
  return new MillraceError('SINK_FILE_CHANGED', `${path} ${what}`, { domain: 'external', recovery: 'fail-job' });
}

function pathOf({ directory }: CommitTarget, name: string): string {
  if (name === '') return directory;
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
