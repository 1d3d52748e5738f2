/**
 * Sources that read files: a format, the paths, and what to do with malformed rows.
 *
 * Each file is one split, read by one reader in its order: then what the order of a file says (event time that only goes
 * forward but for late records) holds. Ranges of a file, read in parallel, give that up, so they are only made when asked.
 */
import { basename } from 'node:path';
import { limits } from '../../core/limits.js';
import type { MillraceError } from '../../core/errors.js';
import type { Duration } from '../../core/quantities.js';
import type { Source } from '../../dataflow/contracts.js';
import type { FileFormat } from '../formats/format.js';
import { csv, type CsvOptions } from '../formats/csv-format.js';
import type { CsvColumns, CsvRow } from '../formats/csv-columns.js';
import { jsonArray } from '../formats/json-array-format.js';
import { ndjson } from '../formats/ndjson-format.js';
import { textLines } from '../formats/text-format.js';
import { checkedMalformedPolicy, type MalformedPolicy } from '../malformed-row.js';
import { absolutePaths, type FilePaths } from './file-paths.js';
import { FileReader } from './file-reader.js';
import { chooseSplitBytes, findFiles, splitFile, wholeFile } from './file-splits.js';
import { ConnectorOptions } from '../connector-options.js';

export interface FileSourceOptions {
  /** Shown in plans; default: the format and the name of the file. */
  readonly name?: string;
  /** Default `fail`. */
  readonly malformed?: MalformedPolicy;
  /** Of the files in a directory, only those whose name ends like this. */
  readonly suffix?: string;
  /** Whether directories in a directory are read too; default false. */
  readonly isRecursive?: boolean;
  /**
   * Whether parallel readers may share a file, in byte ranges; default false. Records of different ranges then come in any
   * order, each range with its own event time: right for files without late records. The format must be splittable.
   */
  readonly ranges?: boolean;
  /** Asks for ranges of so many bytes; by default their size is chosen from that of the file and the parallelism. */
  readonly splitBytes?: number;
  /**
   * Makes the source unbounded: the paths are looked through again so long after the last time, and each file that has
   * come is read once, as a split of its own. Rename whole files in; what is added to a file later is not read.
   */
  readonly monitorContinuously?: Duration;
  /** A longer record is an error; default 8 MiB. */
  readonly recordBytesMax?: number;
  /** Bytes read at a time; default 256 KiB. */
  readonly blockBytes?: number;
}

/** Looking through a directory costs a call for each file. */
const discoveryIntervalMsMin = 10;

/** Reads files of any format; directories are read file by file. A missing file fails the job and names the path. */
export function fileSource<T>(paths: FilePaths, format: FileFormat<T>, options?: FileSourceOptions): Source<T> {
  return sourceOf(new ConnectorOptions('fileSource'), paths, format, options);
}

function sourceOf<T>(given: ConnectorOptions, paths: FilePaths, format: FileFormat<T>, options: FileSourceOptions = {}): Source<T> {
  const absolute = absolutePaths(given, paths);
  const {
    suffix = '',
    isRecursive = false,
    splitBytes,
    ranges = splitBytes !== undefined,
    recordBytesMax = limits.sourceRecordBytesMax,
    blockBytes = limits.sourceBlockBytes,
    monitorContinuously,
  } = options;
  const malformed = checkedMalformedPolicy(given, options.malformed);
  for (const [option, value] of Object.entries({ splitBytes: splitBytes ?? 1, recordBytesMax, blockBytes }))
    given.wholeNumber(option, value);
  if (ranges && !format.isSplittable) throw notSplittable(given, format.name);
  const discovery =
    monitorContinuously === undefined
      ? undefined
      : { discoveryIntervalMs: given.duration('monitorContinuously', monitorContinuously, discoveryIntervalMsMin) };
  if (ranges && discovery !== undefined)
    throw given.invalid(
      'ranges and monitorContinuously were both given.',
      'A file that comes while the job runs is read whole: leave ranges out.',
    );
  const [first = ''] = absolute;
  const name = options.name ?? `${format.name} ${absolute.length === 1 ? basename(first) || first : `${absolute.length} paths`}`;
  return {
    name,
    boundedness: discovery === undefined ? 'bounded' : 'unbounded',
    // Files end, so that a subtask need not have all of its files open.
    splitReading: 'one-by-one',
    ...discovery,
    data: {
      paths: absolute,
      format: format.data,
      malformed,
      suffix,
      isRecursive,
      ...(discovery === undefined ? {} : { isMonitored: true }),
    },
    async enumerate({ files, parallelism, logger }) {
      const found = await findFiles(files, { paths: absolute, suffix, isRecursive }, name);
      if (discovery !== undefined) return found.flatMap(wholeFile);
      if (found.length === 0) logger.log('warn', 'There are no files to read', { source: name, paths: absolute, suffix });
      return found.flatMap((file) => splitFile(file, ranges ? (splitBytes ?? chooseSplitBytes(file.sizeBytes, parallelism)) : undefined));
    },
    createReader: (context) => new FileReader({ context, format, malformed, recordBytesMax, blockBytes, sourceName: name }),
  };
}

function notSplittable(given: ConnectorOptions, format: string): MillraceError {
  const hint = 'Read each file whole: leave ranges and splitBytes out.';
  const promise = format === 'csv' ? ' When no record holds a line feed, promise it with isSplittable: true.' : '';
  return given.invalid(`${format} files cannot be read in ranges: a record may hold a line feed.`, hint + promise);
}

/** Lines of text files. */
export function textLinesSource(paths: FilePaths, options?: FileSourceOptions): Source<string> {
  return sourceOf(new ConnectorOptions('textLinesSource'), paths, textLines(), options);
}

/** One JSON value a line. */
export function ndjsonSource<T = unknown>(paths: FilePaths, options?: FileSourceOptions): Source<T> {
  return sourceOf(new ConnectorOptions('ndjsonSource'), paths, ndjson<T>(), options);
}

/** The elements of files that are one JSON array each. */
export function jsonArraySource<T = unknown>(paths: FilePaths, options?: FileSourceOptions): Source<T> {
  return sourceOf(new ConnectorOptions('jsonArraySource'), paths, jsonArray<T>(), options);
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
  return sourceOf<unknown>(new ConnectorOptions('csvSource'), paths, format, options);
}
