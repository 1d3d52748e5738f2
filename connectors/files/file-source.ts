/**
 * Sources that read files: a format, the paths, and what to do with malformed rows.
 *
 * A file of a splittable format is read in byte ranges, so that parallel readers share it; any other file is one split.
 */
import { basename, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '../../core/limits.js';
import type { Source } from '../../dataflow/contracts.js';
import type { FileFormat } from '../formats/format.js';
import { csv, type CsvOptions } from '../formats/csv-format.js';
import type { CsvColumns, CsvRow } from '../formats/csv-columns.js';
import { jsonArray } from '../formats/json-array-format.js';
import { ndjson } from '../formats/ndjson-format.js';
import { textLines } from '../formats/text-format.js';
import type { MalformedPolicy } from '../malformed-row.js';
import { FileReader } from './file-reader.js';
import { chooseSplitBytes, findFiles, splitFile } from './file-splits.js';

export interface FileSourceOptions {
  /** Shown in plans; default: the format and the name of the file. */
  readonly name?: string;
  /** Default `fail`. */
  readonly malformed?: MalformedPolicy;
  /** Of the files in a directory, only those whose name ends like this. */
  readonly suffix?: string;
  /** Whether directories in a directory are read too; default false. */
  readonly isRecursive?: boolean;
  /** Bytes of a range of a splittable file; by default chosen from size and parallelism. */
  readonly splitBytes?: number;
  /** A longer record is an error; default 8 MiB. */
  readonly recordBytesMax?: number;
  /** Bytes read at a time; default 256 KiB. */
  readonly blockBytes?: number;
}

/** One or several files or directories: absolute paths or `file:` URLs. */
export type FilePaths = string | URL | readonly (string | URL)[];

/** Reads files of any format; directories are read file by file. A missing file fails the job and names the path. */
export function fileSource<T>(paths: FilePaths, format: FileFormat<T>, options: FileSourceOptions = {}): Source<T> {
  const absolute = toPaths(paths);
  const {
    malformed = 'fail',
    suffix = '',
    isRecursive = false,
    splitBytes,
    recordBytesMax = limits.sourceRecordBytesMax,
    blockBytes = limits.sourceBlockBytes,
  } = options;
  for (const [option, value] of Object.entries({ splitBytes: splitBytes ?? 1, recordBytesMax, blockBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${option}: ${value} is not a whole number above 0`);
  }
  const [first = ''] = absolute;
  const name = options.name ?? `${format.name} ${absolute.length === 1 ? basename(first) || first : `${absolute.length} paths`}`;
  return {
    name,
    boundedness: 'bounded',
    data: { paths: absolute, format: format.data, malformed, suffix, isRecursive },
    async enumerate({ files, parallelism, logger }) {
      const found = await findFiles(files, { paths: absolute, suffix, isRecursive }, name);
      if (found.length === 0) logger.log('warn', 'There are no files to read', { source: name, paths: absolute, suffix });
      return found.flatMap((file) =>
        splitFile(file, format.isSplittable ? (splitBytes ?? chooseSplitBytes(file.sizeBytes, parallelism)) : undefined),
      );
    },
    createReader: (context) => new FileReader({ context, format, malformed, recordBytesMax, blockBytes, sourceName: name }),
  };
}

/** Lines of text files. */
export function textLinesSource(paths: FilePaths, options?: FileSourceOptions): Source<string> {
  return fileSource(paths, textLines(), options);
}

/** One JSON value a line. */
export function ndjsonSource<T = unknown>(paths: FilePaths, options?: FileSourceOptions): Source<T> {
  return fileSource(paths, ndjson<T>(), options);
}

/** The elements of files that are one JSON array each. */
export function jsonArraySource<T = unknown>(paths: FilePaths, options?: FileSourceOptions): Source<T> {
  return fileSource(paths, jsonArray<T>(), options);
}

/** Rows of CSV files as objects; with `columns` they are typed. */
export function csvSource(
  paths: FilePaths,
  options?: FileSourceOptions & Omit<CsvOptions<CsvColumns>, 'columns'>,
): Source<Record<string, string>>;
export function csvSource<const Columns extends CsvColumns>(
  paths: FilePaths,
  options: FileSourceOptions & CsvOptions<Columns> & { readonly columns: Columns },
): Source<CsvRow<Columns>>;
export function csvSource(paths: FilePaths, options: FileSourceOptions & CsvOptions<CsvColumns> = {}): Source<unknown> {
  const format = options.columns === undefined ? csv(options) : csv({ ...options, columns: options.columns });
  return fileSource<unknown>(paths, format, options);
}

function toPaths(paths: FilePaths): readonly string[] {
  const list = typeof paths === 'string' || paths instanceof URL ? [paths] : paths;
  if (list.length === 0) throw new TypeError('A file source needs at least one path');
  return list.map((entry) => {
    const path = entry instanceof URL || entry.startsWith('file:') ? fileURLToPath(entry) : entry;
    if (!isAbsolute(path)) {
      throw new TypeError(
        `${JSON.stringify(path)} is not an absolute path. A job may run on other machines and in other folders: hand the path to the job as a parameter`,
      );
    }
    return path;
  });
}
