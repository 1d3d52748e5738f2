/**
 * A source of one's own, over a library that reads Parquet: `batchSource` asks for two functions. (Millrace has a source of
 * Parquet files, `parquetSource`; this one shows how such a thing is made.)
 *
 * `splits` lists what there is to read (here: row groups); readers take one after the other, as they get free. `read`
 * yields the records of one, leaving out as many as were emitted before a failure. All that a split needs stands in its
 * plain data. The library decodes columns; a generator makes records of them one by one, as they are wanted.
 */
import { parquetMetadataAsync, parquetRead, type AsyncBuffer } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { batchSource, type BatchRead, type EnumeratorContext, type Source } from 'millrace';

/** A flight, as far as the examples look at it. */
export interface Flight {
  readonly origin: string;
  /** Minutes; negative when it came early. */
  readonly delay: number;
}

interface RowGroup {
  readonly firstRow: number;
  readonly rows: number;
}

/** The flights of a Parquet file with the columns `origin` and `delay`; one split a row group. */
export function flightsSource(path: string): Source<Flight> {
  return batchSource<Flight, RowGroup>({
    name: 'flights',
    data: { path },
    async splits(context) {
      const { buffer, close } = await openBuffer(context, path);
      const metadata = await parquetMetadataAsync(buffer).finally(close);
      let firstRow = 0;
      return metadata.row_groups.map(({ num_rows }) => {
        const group = { firstRow, rows: Number(num_rows) };
        firstRow += group.rows;
        return group;
      });
    },
    async *read(request) {
      yield flightsOf(await readColumns(request, path, ['origin', 'delay']), request.skip);
    },
  });
}

type Columns = Readonly<Record<string, ArrayLike<unknown>>>;

async function readColumns({ files, split }: BatchRead<RowGroup>, path: string, names: string[]): Promise<Columns> {
  const columns: Record<string, ArrayLike<unknown>> = {};
  const { buffer, close } = await openBuffer({ files }, path);
  const rows = { rowStart: split.firstRow, rowEnd: split.firstRow + split.rows };
  await parquetRead({
    file: buffer,
    compressors,
    columns: names,
    ...rows,
    onChunk: ({ columnName, columnData }) => (columns[columnName] = columnData),
  }).finally(close);
  return columns;
}

function* flightsOf({ origin, delay }: Columns, skip: number): Iterable<Flight> {
  if (origin === undefined || delay === undefined) throw new Error('the file has no columns origin and delay');
  for (let row = skip; row < origin.length; row++) yield { origin: origin[row] as string, delay: Number(delay[row]) };
}

/** The file as the library wants it, read through the file system of the task. */
async function openBuffer(
  { files }: Pick<EnumeratorContext, 'files'>,
  path: string,
): Promise<{ buffer: AsyncBuffer; close: () => Promise<void> }> {
  const handle = await files.openRead(path);
  const byteLength = (await files.stat(path))?.sizeBytes ?? 0;
  const slice = async (start: number, end: number = byteLength): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array((start < 0 ? byteLength : end) - (start < 0 ? byteLength + start : start));
    for (let read = 0; read < bytes.length;) {
      const count = await handle.read(bytes.subarray(read), (start < 0 ? byteLength + start : start) + read);
      if (count === 0) throw new Error(`${path} ends too early`);
      read += count;
    }
    return bytes.buffer;
  };
  return { buffer: { byteLength, slice }, close: () => handle.close() };
}
