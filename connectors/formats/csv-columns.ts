/**
 * From the fields of a CSV row to a typed object.
 *
 * CC1  A row has exactly as many fields as the header (or the given columns), else it is malformed.
 * CC2  A column's type says what its text may be; `?` at the end of a type lets an empty field mean null.
 */
import { MillraceError } from '../../core/errors.js';

export type CsvBaseType = 'string' | 'number' | 'integer' | 'boolean';
/** `?`: an empty field is null. */
export type CsvColumnType = CsvBaseType | `${CsvBaseType}?`;
/** Column name → type. The order matters only for files without a header. */
export type CsvColumns = Readonly<Record<string, CsvColumnType>>;

type ValueOf<Type extends string> = Type extends `${infer Base}?`
  ? ValueOf<Base> | null
  : Type extends 'string'
    ? string
    : Type extends 'boolean'
      ? boolean
      : number;

/** The object a row becomes. */
export type CsvRow<Columns extends CsvColumns> = { -readonly [Name in keyof Columns]: ValueOf<Columns[Name]> };

interface Column {
  readonly name: string;
  readonly index: number;
  readonly type: CsvBaseType;
  readonly isNullable: boolean;
}

/** Makes rows of the wanted columns of one file. */
export class CsvRowMaker {
  readonly fieldCount: number;
  /** Whether the field at an index is wanted. */
  readonly isWanted: readonly boolean[];
  readonly #columns: readonly Column[];
  /** What is wrong with the row that `make` answered undefined for. */
  reason = '';

  constructor(columns: readonly Column[], fieldCount: number) {
    this.#columns = columns;
    this.fieldCount = fieldCount;
    this.isWanted = Array.from({ length: fieldCount }, (_, index) => columns.some((column) => column.index === index));
  }

  /** The row, or undefined with a `reason`. Fields that are not wanted may be anything. */
  make(fields: readonly string[]): Record<string, unknown> | undefined {
    if (fields.length !== this.fieldCount) {
      this.reason = `${fields.length} fields where ${this.fieldCount} are expected`;
      return undefined;
    }
    const row: Record<string, unknown> = {};
    for (const column of this.#columns) {
      const text = fields[column.index] as string;
      const value = text === '' && column.isNullable ? null : convert(text, column.type);
      if (value === undefined) {
        this.reason = `column ${JSON.stringify(column.name)}: ${JSON.stringify(text)} is not ${article[column.type]}`;
        return undefined;
      }
      row[column.name] = value;
    }
    return row;
  }
}

/** Plans rows of a file. `header` is its first row; undefined: the columns stand in the order they were given. */
export function planCsvRows(path: string, header: readonly string[] | undefined, columns: CsvColumns | undefined): CsvRowMaker {
  const names = header ?? Object.keys(columns ?? {});
  const wanted = columns === undefined ? names.map((name) => [name, 'string'] as const) : Object.entries(columns);
  const planned = wanted.map(([name, type]): Column => {
    const index = names.indexOf(name);
    if (index === -1)
      throw csvError(
        path,
        `there is no column ${JSON.stringify(name)}: the header has ${names.map((known) => JSON.stringify(known)).join(', ')}`,
      );
    const isNullable = type.endsWith('?');
    return { name, index, type: (isNullable ? type.slice(0, -1) : type) as CsvBaseType, isNullable };
  });
  const twice = names.find((name, index) => names.indexOf(name) !== index && planned.some((column) => column.name === name));
  if (twice !== undefined) throw csvError(path, `the header names the column ${JSON.stringify(twice)} twice`);
  return new CsvRowMaker(planned, names.length);
}

export function csvError(path: string, message: string): MillraceError {
  return new MillraceError('SOURCE_MALFORMED', `${path}: ${message}`, { domain: 'user', recovery: 'fail-job' });
}

const article: Record<CsvBaseType, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
};

/** Decimal numbers as people and programs write them; no hex, no `Infinity`. */
const numberPattern = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

function convert(text: string, type: CsvBaseType): string | number | boolean | undefined {
  switch (type) {
    case 'string':
      return text;
    case 'number':
      return numberPattern.test(text) ? Number(text) : undefined;
    case 'integer': {
      const value = numberPattern.test(text) ? Number(text) : Number.NaN;
      return Number.isSafeInteger(value) ? value : undefined;
    }
    case 'boolean':
      return toBoolean(text.trim().toLowerCase());
  }
}

function toBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}
