/**
 * CSV (RFC 4180): a header, quoted fields, `""` for a quote in one, line feeds inside quotes.
 *
 * CF1  Rows are cut by a scan that knows quotes; with `isSplittable` every line feed ends a row instead.
 * CF2  Rows without a quote are cut into fields here; the others are parsed by csv-parse, a batch at a time. Should a
 *      batch not give one record a row, its rows are parsed one by one, so that the malformed one is named.
 */
import { parse } from 'csv-parse/sync';
import { limits } from '../../core/limits.js';
import { type CsvColumns, type CsvRow, type CsvRowMaker, csvError, planCsvRows } from './csv-columns.js';
import { cutCsvFields, endOfCsvRow } from './csv-cut.js';
import type { DecodeOutcome, FileFormat, FormatFile, RecordDecoder } from './format.js';
import { isDamaged } from './line-decoder.js';
import { countLineFeeds } from './line-feeds.js';
import { ConnectorOptions, shown } from '../connector-options.js';

export interface CsvOptions<Columns extends CsvColumns> {
  /** The wanted columns and their types; without it every column of the header, as strings. */
  readonly columns?: Columns;
  /** Whether the first row names the columns; default true. Without a header, `columns` names all of them in order. */
  readonly header?: boolean;
  /** One character; default a comma. */
  readonly delimiter?: string;
  /** Promises that no quoted field holds a line feed, so that files may be read in `ranges`; default false. */
  readonly isSplittable?: boolean;
}

/** Rows of CSV files as objects. */
export function csv(options?: Omit<CsvOptions<CsvColumns>, 'columns'>): FileFormat<Record<string, string>>;
export function csv<const Columns extends CsvColumns>(
  options: CsvOptions<Columns> & { readonly columns: Columns },
): FileFormat<CsvRow<Columns>>;
export function csv(options: CsvOptions<CsvColumns> = {}): FileFormat<unknown> {
  const { columns, header = true, delimiter = ',', isSplittable = false } = options;
  const given = new ConnectorOptions('csv');
  if (!header && columns === undefined)
    throw given.invalid('CSV without a header was given no columns.', 'Give columns: the names of all columns in order.');
  if (delimiter.length !== 1 || delimiter === '"' || delimiter === '\n' || delimiter === '\r' || delimiter.charCodeAt(0) > 0x7f) {
    throw given.invalid(`${shown(delimiter)} cannot delimit CSV.`, 'Use one ASCII character that is neither a quote nor a line end.');
  }
  if (columns !== undefined && Object.hasOwn(columns, '__proto__'))
    throw given.invalid(
      '"__proto__" cannot be a column.',
      'Give the column another name: without a header, columns are known by their order.',
    );
  const settings: CsvSettings = { columns, header, delimiter, isSplittable };
  return {
    name: 'csv',
    data: { format: 'csv', columns: columns === undefined ? null : Object.entries(columns), header, delimiter, isSplittable },
    isSplittable,
    open: (file) => openCsv(file, settings),
  };
}

interface CsvSettings {
  readonly columns: CsvColumns | undefined;
  readonly header: boolean;
  readonly delimiter: string;
  readonly isSplittable: boolean;
}

async function openCsv(file: FormatFile, settings: CsvSettings): Promise<CsvDecoder> {
  if (!settings.header)
    return new CsvDecoder(settings, planCsvRows(file.path, undefined, settings.columns), { offset: file.markBytes, line: 1 });
  const { bytes, end, isEndOfFile } = await readFirstRow(file, settings.delimiter.charCodeAt(0));
  if (end === file.markBytes && isEndOfFile) throw csvError(file.path, 'the file is empty: a header was expected');
  const row = bytes.subarray(file.markBytes, end);
  const header = parseRows(row, settings.delimiter)?.[0];
  if (header === undefined) throw csvError(file.path, 'the header is not valid CSV');
  return new CsvDecoder(settings, planCsvRows(file.path, header, settings.columns), { offset: end, line: 1 + countLineFeeds(row) });
}

async function readFirstRow(file: FormatFile, delimiter: number): Promise<{ bytes: Buffer; end: number; isEndOfFile: boolean }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const block = Buffer.allocUnsafe(limits.sourceTailBytes);
    const count = await file.handle.read(block, bytes.length);
    bytes = Buffer.concat([bytes, block.subarray(0, count)]);
    const end = endOfCsvRow(bytes, file.markBytes, count === 0, delimiter);
    if (end !== -1) return { bytes, end, isEndOfFile: count === 0 };
    if (count === 0) throw csvError(file.path, 'a quote of the header is never closed');
    if (bytes.length > file.recordBytesMax) throw csvError(file.path, `the header is longer than ${file.recordBytesMax} bytes`);
  }
}

class CsvDecoder implements RecordDecoder<unknown> {
  readonly dataOffset: number;
  readonly dataLine: number;
  readonly endsItself = false;
  value: unknown;
  reason = '';
  consumedBytes = 0;
  leadingBytes = 0;
  consumedLines = 0;
  readonly #settings: CsvSettings;
  readonly #rows: CsvRowMaker;
  /** Rows parsed ahead: what they are, and how many bytes and line feeds each took. */
  #ahead: (readonly string[] | Problem)[] = [];
  #bytesAhead: number[] = [];
  #linesAhead: number[] = [];
  #index = 0;

  constructor(settings: CsvSettings, rows: CsvRowMaker, data: { readonly offset: number; readonly line: number }) {
    this.#settings = settings;
    this.#rows = rows;
    this.dataOffset = data.offset;
    this.dataLine = data.line;
  }

  next(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome {
    if (this.#index === this.#ahead.length) {
      this.#parseAhead(bytes, at, isEndOfFile);
      if (this.#ahead.length === 0) return this.#nothingAhead(bytes, at, isEndOfFile);
    }
    const index = this.#index++;
    this.consumedBytes = this.#bytesAhead[index] as number;
    this.consumedLines = this.#linesAhead[index] as number;
    const fields = this.#ahead[index] as readonly string[] | Problem;
    if (fields instanceof Problem) {
      if (fields.reason === '') return 'skipped';
      this.reason = fields.reason;
      return 'malformed';
    }
    const row = this.#rows.make(fields);
    if (row === undefined) {
      this.reason = this.#rows.reason;
      return 'malformed';
    }
    this.value = row;
    return 'record';
  }

  #nothingAhead(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome {
    if (!isEndOfFile) return 'starved';
    if (at >= bytes.length) return 'ended';
    this.consumedBytes = bytes.length - at;
    this.consumedLines = countLineFeeds(bytes.subarray(at));
    this.reason = 'a quote is opened and never closed';
    return 'malformed';
  }

  #parseAhead(bytes: Buffer, from: number, isEndOfFile: boolean): void {
    this.#index = 0;
    this.#ahead = [];
    this.#bytesAhead = [];
    this.#linesAhead = [];
    const ends: number[] = [];
    const delimiter = this.#settings.delimiter.charCodeAt(0);
    let at = from;
    let nextQuote = this.#settings.isSplittable ? bytes.length : indexOrEnd(bytes, from);
    while (at < bytes.length && at - from < limits.csvBatchBytes) {
      if (nextQuote < at) nextQuote = indexOrEnd(bytes, at);
      let end = endOfLine(bytes, at, isEndOfFile);
      if (nextQuote < (end === -1 ? bytes.length : end)) end = endOfCsvRow(bytes, at, isEndOfFile, delimiter);
      if (end === -1) break;
      ends.push(end);
      this.#bytesAhead.push(end - at);
      at = end;
    }
    if (ends.length === 0) return;
    const batch = bytes.subarray(from, at);
    if (!batch.includes(quote)) this.#cut(bytes, from, ends);
    else this.#parse(bytes, from, ends);
  }

  /** CF2: no quote in sight. */
  #cut(bytes: Buffer, from: number, ends: readonly number[]): void {
    const delimiter = this.#settings.delimiter.charCodeAt(0);
    let at = from;
    for (const end of ends) {
      const textEnd = trimLineEnd(bytes, at, end);
      this.#linesAhead.push(bytes[end - 1] === lineFeed ? 1 : 0);
      this.#ahead.push(textEnd === at ? blank : (cutCsvFields(bytes, at, textEnd, delimiter, this.#rows.isWanted) ?? notUtf8));
      at = end;
    }
  }

  #parse(bytes: Buffer, from: number, ends: readonly number[]): void {
    const rows: Buffer[] = [];
    let at = from;
    for (const end of ends) {
      rows.push(bytes.subarray(at, end));
      at = end;
    }
    const batch = bytes.subarray(from, at);
    const filled = rows.filter((row) => trimLineEnd(row, 0, row.length) > 0);
    const text = batch.toString('utf8');
    const parsed = isDamaged(text, batch, 0, batch.length) ? undefined : parseRows(Buffer.concat(filled), this.#settings.delimiter);
    const isWhole = parsed !== undefined && parsed.length === filled.length;
    let index = 0;
    for (const row of rows) {
      this.#linesAhead.push(countLineFeeds(row));
      if (trimLineEnd(row, 0, row.length) === 0) this.#ahead.push(blank);
      else this.#ahead.push(isWhole ? (parsed[index++] as string[]) : this.#parseOne(row));
    }
  }

  #parseOne(row: Buffer): readonly string[] | Problem {
    if (isDamaged(row.toString('utf8'), row, 0, row.length)) return notUtf8;
    try {
      const records = parse(row, parseOptions(this.#settings.delimiter)) as string[][];
      return records[0] ?? blank;
    } catch (error) {
      const hint = this.#settings.isSplittable ? ' (a quoted line feed? then isSplittable must be false)' : '';
      return new Problem(`${error instanceof Error ? withoutLine(error.message) : String(error)}${hint}`);
    }
  }
}

/** Stands for a row that gives no record; without a reason it is blank. */
class Problem {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

const blank = new Problem('');
const notUtf8 = new Problem('the row is not valid UTF-8');
const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

const parseOptions = (delimiter: string) => ({
  delimiter,
  record_delimiter: ['\r\n', '\n'],
  relax_column_count: true,
  skip_empty_lines: true,
});

function parseRows(rows: Buffer, delimiter: string): string[][] | undefined {
  try {
    return parse(rows, parseOptions(delimiter)) as string[][];
  } catch {
    return undefined;
  }
}

function endOfLine(bytes: Buffer, at: number, isEndOfFile: boolean): number {
  const end = bytes.indexOf(lineFeed, at);
  if (end !== -1) return end + 1;
  return isEndOfFile ? bytes.length : -1;
}

function indexOrEnd(bytes: Buffer, from: number): number {
  const index = bytes.indexOf(quote, from);
  return index === -1 ? bytes.length : index;
}

/** Where the text of a row ends that reaches to `end` with its line end. */
function trimLineEnd(bytes: Buffer, at: number, end: number): number {
  if (end === at || bytes[end - 1] !== lineFeed) return end;
  return end - 1 > at && bytes[end - 2] === carriageReturn ? end - 2 : end - 1;
}

/** csv-parse counts lines from the start of the batch: that number would mislead. */
const withoutLine = (message: string): string => message.replace(/ (?:at|on) line \d+/g, '');
