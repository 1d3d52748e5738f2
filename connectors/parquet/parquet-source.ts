/**
 * A source of the rows of Parquet files.
 *
 * PS1  A file is one split, read row group by row group in its order; with `rowGroups` each of them is a split.
 * PS2  Only the columns that are wanted are read. Rows are made one by one, as output has room.
 */
import { basename } from 'node:path';
import { MillraceError } from '../../core/errors.js';
import type { FileSystem } from '../../core/ports.js';
import type { Source } from '../../dataflow/contracts.js';
import { batchSource } from '../batch-source.js';
import { absolutePaths, type FilePaths } from '../files/file-paths.js';
import { findFiles } from '../files/file-splits.js';
import { type ParquetColumn, ParquetFile, type RowGroup } from './parquet-file.js';
import { ConnectorOptions } from '../connector-options.js';

export interface ParquetOptions<T> {
  /** The columns that are wanted; default all. */
  readonly columns?: readonly (keyof T & string)[];
  /** Whether parallel readers may share a file, a row group each; default false. Rows of different groups then come in any order. */
  readonly rowGroups?: boolean;
  /**
   * What 64-bit integers become: `number` (default; one that is not exact fails the job), or `bigint`, which JSON does not
   * know.
   */
  readonly integers?: 'number' | 'bigint';
  /** Of the files in a directory, only those whose name ends like this; default `.parquet`. */
  readonly suffix?: string;
  /** Whether directories in a directory are read too; default false. */
  readonly isRecursive?: boolean;
  /** Shown in plans; default: `parquet` and the name of the file. */
  readonly name?: string;
}

interface ParquetSplit {
  readonly path: string;
  /** Null: all of the file. */
  readonly group: RowGroup | null;
}

/**
 * Rows of Parquet files as objects, a field a column; null where there is no value. The type is a promise of the caller.
 * Two row groups of the wanted columns are in memory at a time.
 */
export function parquetSource<T extends object = Record<string, unknown>>(paths: FilePaths, options: ParquetOptions<T> = {}): Source<T> {
  const absolute = absolutePaths(new ConnectorOptions('parquetSource'), paths);
  const { columns, rowGroups = false, integers = 'number', suffix = '.parquet', isRecursive = false } = options;
  const [first = ''] = absolute;
  const name = options.name ?? `parquet ${absolute.length === 1 ? basename(first) || first : `${absolute.length} paths`}`;
  return batchSource<T, ParquetSplit>({
    name,
    data: { paths: absolute, format: 'parquet', columns: columns ?? null, integers, suffix, isRecursive },
    async splits({ files, logger }) {
      const found = await findFiles(files, { paths: absolute, suffix, isRecursive }, name);
      if (found.length === 0) logger.log('warn', 'There are no files to read', { source: name, paths: absolute, suffix });
      const splits: ParquetSplit[] = [];
      for (const { path } of found) splits.push(...(await splitsOf(files, path, { rowGroups, name })));
      return splits;
    },
    async *read({ split, skip, files }) {
      const file = await ParquetFile.open(files, split.path, name);
      try {
        const wanted = await wantedColumns(file, columns, name);
        let left = skip;
        for (const group of split.group === null ? file.rowGroups() : [split.group]) {
          // Groups that were emitted whole are not read again.
          if (left < group.rows)
            yield rowsOf<T>(await file.read(group, wanted), { rows: group.rows, skip: left, integers, path: split.path, name });
          left = Math.max(0, left - group.rows);
        }
      } finally {
        await file.close();
      }
    },
  });
}

async function splitsOf(
  files: FileSystem,
  path: string,
  { rowGroups, name }: { rowGroups: boolean; name: string },
): Promise<ParquetSplit[]> {
  if (!rowGroups) return [{ path, group: null }];
  const file = await ParquetFile.open(files, path, name);
  try {
    return file.rowGroups().map((group) => ({ path, group }));
  } finally {
    await file.close();
  }
}

async function wantedColumns(file: ParquetFile, columns: readonly string[] | undefined, where: string): Promise<readonly string[]> {
  const found = await file.columns();
  for (const column of columns ?? []) {
    if (found.includes(column)) continue;
    throw new MillraceError(
      'PARQUET_NO_COLUMN',
      `${file.path} has no column ${JSON.stringify(column)}; it has ${found.map((one) => JSON.stringify(one)).join(', ')}`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where,
      },
    );
  }
  return columns ?? found;
}

interface RowsOptions {
  readonly rows: number;
  readonly skip: number;
  readonly integers: 'number' | 'bigint';
  readonly path: string;
  readonly name: string;
}

/** PS2. */
function* rowsOf<T>(columns: ReadonlyMap<string, ParquetColumn>, { rows, skip, integers, path, name }: RowsOptions): Iterable<T> {
  const fields = [...columns].map(([field, values]) => ({ field, values }));
  for (let row = skip; row < rows; row++) {
    const record: Record<string, unknown> = {};
    for (const { field, values } of fields) {
      const value = values[row] ?? null;
      record[field] = typeof value === 'bigint' && integers === 'number' ? exact(value, { field, path, name }) : value;
    }
    yield record as T;
  }
}

function exact(value: bigint, { field, path, name }: { field: string; path: string; name: string }): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new MillraceError('PARQUET_INTEGER', `${path}: ${value} in the column ${JSON.stringify(field)} is not exact as a number`, {
    domain: 'user',
    recovery: 'fail-job',
    where: name,
    hint: "Read it with { integers: 'bigint' }.",
  });
}
