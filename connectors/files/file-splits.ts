/**
 * Which files a file source reads, and the splits it reads them in.
 *
 * FS1  Splits of a file cover its bytes once, in order; the range [start, end) owns the records that begin inside it.
 * FS2  Splits depend only on the files, their sizes and the options, so that a second enumeration finds the same.
 * FS3  A file that is found while the job runs is known by its path alone: should it grow, it is not found again.
 */
import { limits } from '../../core/limits.js';
import { MillraceError } from '../../core/errors.js';
import type { FileStat, FileSystem } from '../../core/ports.js';
import type { Split } from '../../dataflow/contracts.js';

/** A byte range of one file: what a split of a file source holds. */
export interface FileRange {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

export interface FileSelection {
  readonly paths: readonly string[];
  /** Of the files in a directory, only those whose name ends like this. */
  readonly suffix: string;
  /** Whether directories in a directory are read too. */
  readonly isRecursive: boolean;
}

export interface FoundFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * The files of a selection, in the order of its paths and sorted within a directory. Names in directories that begin
 * with `.` or `_` are bookkeeping of programs (ours too) and not read.
 */
export async function findFiles(files: FileSystem, selection: FileSelection, sourceName: string): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  const visit = async (path: string, stat: FileStat, depth: number): Promise<void> => {
    if (stat.kind === 'file') found.push({ path, sizeBytes: stat.sizeBytes });
    if (stat.kind !== 'directory' || (depth > 0 && !selection.isRecursive)) return;
    for (const name of await files.list(path)) {
      if (name.startsWith('.') || name.startsWith('_')) continue;
      const child = path.endsWith('/') ? `${path}${name}` : `${path}/${name}`;
      const childStat = await files.stat(child);
      if (childStat === undefined || (childStat.kind === 'file' && !name.endsWith(selection.suffix))) continue;
      await visit(child, childStat, depth + 1);
    }
  };
  for (const path of selection.paths) {
    const stat = await files.stat(path);
    if (stat === undefined) throw unreadable(path, `There is no file or directory ${path}`, sourceName);
    if (stat.kind === 'other') throw unreadable(path, `${path} is neither a file nor a directory`, sourceName);
    await visit(path, stat, 0);
  }
  return found;
}

/** Bytes a split should have: an even share for every reader, several times over, within the limits. */
export function chooseSplitBytes(sizeBytes: number, parallelism: number): number {
  const share = Math.ceil(sizeBytes / (limits.splitsPerReader * parallelism));
  return Math.min(Math.max(share, limits.splitBytesMin), limits.splitBytesMax);
}

/** Cuts a file into ranges of `splitBytes`; one range when it is undefined, none when the file is empty. */
export function splitFile(file: FoundFile, splitBytes: number | undefined): readonly Split[] {
  const step = splitBytes ?? file.sizeBytes;
  const splits: Split[] = [];
  for (let start = 0; start < file.sizeBytes; start += step) {
    const end = Math.min(start + step, file.sizeBytes);
    const data: FileRange = { path: file.path, start, end };
    const whole = splitBytes === undefined ? {} : { orderedIn: file.path };
    splits.push({ id: `${file.path}:${start}-${end}`, data, ...whole });
  }
  return splits;
}

/** One split for a file, once it holds anything (FS3). */
export function wholeFile({ path, sizeBytes }: FoundFile): readonly Split[] {
  return sizeBytes === 0 ? [] : [{ id: path, data: { path, start: 0, end: sizeBytes } satisfies FileRange }];
}

function unreadable(path: string, message: string, sourceName: string): MillraceError {
  return new MillraceError('FILE_NOT_FOUND', message, {
    domain: 'user',
    recovery: 'fail-job',
    where: sourceName,
    hint: `Check the path ${path}; every TaskManager must be able to read it.`,
  });
}
