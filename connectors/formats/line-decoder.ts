/**
 * Cuts lines: `\n` or `\r\n` ends one, and so does the end of the file. No line follows a final line feed.
 */
import { isUtf8 } from 'node:buffer';
import type { DecodeOutcome, FormatFile, RecordDecoder } from './format.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** What became of the text of a line: the same outcomes, less those a line cannot have. */
export type LineOutcome = Extract<DecodeOutcome, 'record' | 'malformed' | 'skipped'>;

/** A decoder of one record a line. A subclass makes the value of a line's text. */
export abstract class LineDecoder<T> implements RecordDecoder<T> {
  readonly dataOffset: number;
  readonly dataLine = 1;
  readonly endsItself = false;
  abstract value: T;
  reason = '';
  consumedBytes = 0;
  leadingBytes = 0;
  consumedLines = 0;

  constructor(file: FormatFile) {
    this.dataOffset = file.markBytes;
  }

  protected abstract decode(text: string): LineOutcome;

  next(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome {
    let end = bytes.indexOf(lineFeed, at);
    if (end === -1) {
      if (!isEndOfFile) return 'starved';
      if (at >= bytes.length) return 'ended';
      end = bytes.length;
      this.consumedBytes = end - at;
      this.consumedLines = 0;
    } else {
      this.consumedBytes = end - at + 1;
      this.consumedLines = 1;
    }
    if (end > at && bytes[end - 1] === carriageReturn) end--;
    const text = bytes.toString('utf8', at, end);
    if (isDamaged(text, bytes, at, end)) {
      this.reason = 'the line is not valid UTF-8';
      return 'malformed';
    }
    return this.decode(text);
  }
}

/** Whether decoding replaced bytes that are not UTF-8; the check costs nothing for text without U+FFFD. */
export function isDamaged(text: string, bytes: Buffer, from: number, to: number): boolean {
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(from, to));
}
