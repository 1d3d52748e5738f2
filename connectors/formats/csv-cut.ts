/** Where CSV rows end, and their fields when no quote is in them. Nothing here copies but the fields. */
import { isDamaged } from './line-decoder.js';

const quote = 0x22;
const lineFeed = 0x0a;

/**
 * Index behind the row that begins at `start`, its line end included; -1 when that is not in sight, or when the file
 * ends inside quotes. A quote opens only at the beginning of a field, as RFC 4180 has it: in `5" pipe` it is text (which
 * the parser then refuses), and must not swallow the lines that follow.
 */
export function endOfCsvRow(bytes: Buffer, start: number, isEndOfFile: boolean, delimiter: number): number {
  let lineEnd = bytes.indexOf(lineFeed, start);
  let fieldStart = start;
  for (;;) {
    const limit = lineEnd === -1 ? bytes.length : lineEnd;
    const open = nextOpeningQuote(bytes, fieldStart, limit, start, delimiter);
    if (open === -1) {
      if (lineEnd !== -1) return lineEnd + 1;
      return isEndOfFile ? bytes.length : -1;
    }
    const close = closingQuote(bytes, open + 1);
    if (close === -1) return -1;
    fieldStart = close + 1;
    if (lineEnd !== -1 && lineEnd < fieldStart) lineEnd = bytes.indexOf(lineFeed, fieldStart);
  }
}

/** Index of the first quote in [from, limit) that begins a field; -1: none. */
function nextOpeningQuote(bytes: Buffer, from: number, limit: number, rowStart: number, delimiter: number): number {
  for (let at = from; at < limit; at++) {
    if (bytes[at] === quote && (at === rowStart || bytes[at - 1] === delimiter)) return at;
  }
  return -1;
}

/** Index of the quote that closes a field whose text begins at `from`; `""` is a quote in the text. -1: not in sight. */
function closingQuote(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const found = bytes.indexOf(quote, at);
    if (found === -1) return -1;
    if (bytes[found + 1] !== quote) return found;
    at = found + 2;
  }
}

/** The fields of a row without quotes; those nobody wants are left empty. Undefined: a field is not valid UTF-8. */
export function cutCsvFields(
  bytes: Buffer,
  from: number,
  to: number,
  delimiter: number,
  isWanted: readonly boolean[],
): readonly string[] | undefined {
  const fields: string[] = [];
  let start = from;
  for (let at = from; at <= to; at++) {
    if (at < to && bytes[at] !== delimiter) continue;
    if (isWanted[fields.length] === true) {
      const text = bytes.toString('utf8', start, at);
      if (isDamaged(text, bytes, start, at)) return undefined;
      fields.push(text);
    } else fields.push('');
    start = at + 1;
  }
  return fields;
}
