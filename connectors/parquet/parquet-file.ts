/**
 * A Parquet file, read through the file system of the task by hyparquet.
 *
 * PF1  What cannot be read as Parquet is an error that names the file; what the disk says passes as it is.
 * PF2  The library is loaded when a file is opened: a job without one does not wait for it.
 */
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { FileHandle, FileSystem } from '../../core/ports.js';

/** Rows of a file that are stored together. */
export interface RowGroup {
  readonly firstRow: number;
  readonly rows: number;
}

/** Values of one column, one a row. */
export type ParquetColumn = ArrayLike<unknown>;

export class ParquetFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #buffer: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #where: string;

  /** Close it. Rejects with `PARQUET_UNREADABLE` (PF1). */
  static async open(files: FileSystem, path: string, where: string): Promise<ParquetFile> {
    const { parquetMetadataAsync } = await import('hyparquet');
    const handle = await files.openRead(path);
    try {
      const byteLength = (await files.stat(path))?.sizeBytes ?? 0;
      const buffer = bufferOf(handle, path, byteLength);
      const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
        throw unreadable(path, where, error);
      });
      return new ParquetFile({ path, handle, buffer, metadata, where });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(parts: { path: string; handle: FileHandle; buffer: AsyncBuffer; metadata: FileMetaData; where: string }) {
    this.path = parts.path;
    this.#handle = parts.handle;
    this.#buffer = parts.buffer;
    this.#metadata = parts.metadata;
    this.#where = parts.where;
  }

  /** In the order of the file, without empty ones. */
  rowGroups(): readonly RowGroup[] {
    const groups: RowGroup[] = [];
    let firstRow = 0;
    for (const { num_rows } of this.#metadata.row_groups) {
      const rows = Number(num_rows);
      if (rows > 0) groups.push({ firstRow, rows });
      firstRow += rows;
    }
    return groups;
  }

  /** Names of the columns, in the order of the file; nested ones by their outermost name. */
  async columns(): Promise<readonly string[]> {
    const { parquetSchema } = await import('hyparquet');
    return parquetSchema(this.#metadata).children.map(({ element }) => element.name);
  }

  /** The columns of a row group, decoded; their bytes are read at once. */
  async read({ firstRow, rows }: RowGroup, columns: readonly string[]): Promise<ReadonlyMap<string, ParquetColumn>> {
    const { parquetRead } = await import('hyparquet');
    const { compressors } = await import('hyparquet-compressors');
    const chunks = new Map<string, Chunk[]>(columns.map((column) => [column, []]));
    try {
      await parquetRead({
        file: this.#buffer,
        metadata: this.#metadata,
        compressors,
        columns: [...columns],
        rowStart: firstRow,
        rowEnd: firstRow + rows,
        onChunk: ({ columnName, columnData, rowStart }) => chunks.get(columnName)?.push({ rowStart, values: columnData }),
      });
    } catch (error) {
      throw unreadable(this.path, this.#where, error);
    }
    return new Map([...chunks].map(([column, parts]) => [column, this.#whole(column, parts, rows)]));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  #whole(column: string, parts: Chunk[], rows: number): ParquetColumn {
    const [first] = parts;
    if (first !== undefined && first.values.length === rows) return first.values;
    const values = parts.sort((left, right) => left.rowStart - right.rowStart).flatMap((part) => Array.from(part.values));
    if (values.length === rows) return values;
    throw unreadable(this.path, this.#where, new Error(`the column ${column} has ${values.length} of ${rows} values`));
  }
}

interface Chunk {
  readonly rowStart: number;
  readonly values: ParquetColumn;
}

function bufferOf(handle: FileHandle, path: string, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    slice: async (start, end = byteLength) => {
      const from = start < 0 ? Math.max(0, byteLength + start) : start;
      const bytes = new Uint8Array(Math.max(0, (end < 0 ? byteLength + end : end) - from));
      for (let read = 0; read < bytes.length;) {
        const count = await handle.read(bytes.subarray(read), from + read);
        if (count === 0) throw new Error(`${path} ends at byte ${from + read}`);
        read += count;
      }
      return bytes.buffer;
    },
  };
}

function unreadable(path: string, where: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  return new MillraceError('PARQUET_UNREADABLE', `${path} cannot be read as Parquet: ${toErrorRecord(cause).message}`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Check that the file is whole. Compression is uncompressed, Snappy, Gzip, Brotli, Zstandard or LZ4.',
  });
}
