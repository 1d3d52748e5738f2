/**
 * Rows of an answer: read from an output folder, and compared as multisets.
 *
 * RW1  Numbers that may have a fraction are compared to 1e-9 of their size; everything else exactly.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Row = Readonly<Record<string, unknown>>;

/** The rows of all committed files below a folder; each with the values of the `name=value` folders it lies in. */
export function rowsIn(directory: string): Row[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter(({ name }) => isOutput(name))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (!entry.isDirectory()) return linesIn(path).map((line) => JSON.parse(line) as Row);
      const inside = rowsIn(path);
      return inside.map((row) => ({ ...row, ...partitionsOf(entry.name) }));
    });
}

/** The values that the `name=value` folders of a path stand for. */
export function partitionsOf(path: string): Row {
  return Object.fromEntries([...path.matchAll(/(?<=^|\/)(\w+)=([^/]*)/g)].map(([, name, value]) => [name, value]));
}

const isOutput = (name: string): boolean => !/^[._]|\.inprogress|\.(tmp|pending)$/.test(name);

function linesIn(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new Error(`the last line of ${path} does not end`);
  return text.slice(0, -1).split('\n');
}

const shown = 3;

/** What differs between the rows there are and those there should be; undefined when nothing does. */
export function differenceOf(query: string, actual: readonly Row[], expected: readonly Row[]): string | undefined {
  const surplus = new Map<string, number>();
  for (const row of comparable(query, actual)) surplus.set(row, (surplus.get(row) ?? 0) + 1);
  for (const row of comparable(query, expected)) surplus.set(row, (surplus.get(row) ?? 0) - 1);
  const missing = [...surplus].filter(([, times]) => times < 0);
  const unexpected = [...surplus].filter(([, times]) => times > 0);
  if (missing.length + unexpected.length === 0) return undefined;
  const told = (what: string, rows: typeof missing): string =>
    `${rows.length} rows ${what}${rows
      .slice(0, shown)
      .map(([row, times]) => `\n  ${Math.abs(times)} × ${row}`)
      .join('')}`;
  return `${actual.length} rows, expected ${expected.length}; ${told('missing', missing)}; ${told('too many', unexpected)}`;
}

/** Rows as texts that are the same when the rows are. */
export function comparable(query: string, rows: readonly Row[]): readonly string[] {
  const wanted = query === 'q12' ? bidsPerBidder(rows) : rows;
  const isFractional = query === 'q1' || query === 'q14';
  return wanted.map((row) => {
    const fields = Object.keys(row).sort();
    return JSON.stringify(fields.map((field) => [field, isFractional && field === 'price' ? thousandths(row[field]) : row[field]]));
  });
}

/** Prices in euros have three decimals. */
function thousandths(value: unknown): unknown {
  if (typeof value !== 'number') return value;
  const rounded = Math.round(value * 1_000);
  return Math.abs(value * 1_000 - rounded) <= 1e-9 * rounded ? rounded : value;
}

/** Of q12 only the sums are defined; of its windows that they are windows. */
function bidsPerBidder(rows: readonly Row[]): readonly Row[] {
  const sums = new Map<unknown, number>();
  for (const { bidder, bid_count, starttime, endtime } of rows) {
    const isWindow = Number(starttime) % 10_000 === 0 && Number(endtime) === Number(starttime) + 10_000;
    if (starttime !== undefined && !isWindow) return [{ notAWindow: [starttime, endtime] }];
    sums.set(bidder, (sums.get(bidder) ?? 0) + Number(bid_count));
  }
  return [...sums].map(([bidder, bid_count]) => ({ bidder, bid_count }));
}
