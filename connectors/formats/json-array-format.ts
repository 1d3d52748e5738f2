/**
 * A file that is one JSON array, read element by element, so that its size does not matter.
 *
 * JA1  A position lies right behind an element: what follows is a comma or the closing bracket.
 * JA2  An element that is delimited but does not parse is malformed; where delimiters are wrong, the file is broken.
 */
import type { DecodeOutcome, FileFormat, FormatFile, RecordDecoder } from './format.js';
import { isDamaged } from './line-decoder.js';
import { countLineFeeds } from './line-feeds.js';

/** The elements of one top-level array. One split a file. The type is a promise of the caller. */
export function jsonArray<T = unknown>(): FileFormat<T> {
  return {
    name: 'json-array',
    data: { format: 'json-array' },
    isSplittable: false,
    open: (file: FormatFile) => new JsonArrayDecoder<T>(file),
  };
}

const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

class JsonArrayDecoder<T> implements RecordDecoder<T> {
  readonly dataOffset: number;
  readonly dataLine = 1;
  readonly endsItself = true;
  declare value: T;
  reason = '';
  consumedBytes = 0;
  leadingBytes = 0;
  consumedLines = 0;

  /** Whether the opening bracket comes next. */
  #isAtBeginning: boolean;

  constructor(file: FormatFile) {
    this.dataOffset = file.markBytes;
    this.#isAtBeginning = !file.isContinued;
  }

  next(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome {
    const first = skipSpace(bytes, at);
    this.leadingBytes = first - at;
    if (first === bytes.length) return isEndOfFile ? this.#broken('the file ends before the array does') : 'starved';
    const byte = bytes[first];
    if (this.#isAtBeginning ? byte !== openBracket : byte !== comma) {
      if (!this.#isAtBeginning && byte === closeBracket) return this.#close(bytes, first + 1, isEndOfFile);
      return this.#broken(this.#isAtBeginning ? 'the file does not begin with "["' : `"," or "]" expected, found ${show(byte)}`);
    }
    const start = skipSpace(bytes, first + 1);
    this.leadingBytes = start - at;
    if (start < bytes.length && bytes[start] === closeBracket && this.#isAtBeginning) return this.#close(bytes, start + 1, isEndOfFile);
    const end = start < bytes.length ? endOfElement(bytes, start, isEndOfFile) : -1;
    if (end === -1) return isEndOfFile ? this.#broken('the file ends before the array does') : 'starved';
    if (end === start) return this.#broken(`a value expected, found ${show(bytes[start])}`);
    return this.#element(bytes, at, start, end);
  }

  #element(bytes: Buffer, at: number, start: number, end: number): DecodeOutcome {
    this.#isAtBeginning = false;
    this.consumedBytes = end - at;
    this.consumedLines = countLineFeeds(bytes.subarray(at, end));
    const text = bytes.toString('utf8', start, end);
    if (isDamaged(text, bytes, start, end)) {
      this.reason = 'the element is not valid UTF-8';
      return 'malformed';
    }
    try {
      this.value = JSON.parse(text) as T;
      return 'record';
    } catch (error) {
      this.reason = error instanceof Error ? error.message : String(error);
      return 'malformed';
    }
  }

  #close(bytes: Buffer, from: number, isEndOfFile: boolean): DecodeOutcome {
    const rest = skipSpace(bytes, from);
    this.leadingBytes += rest - from + 1;
    if (rest < bytes.length) return this.#broken(`text after the array: ${show(bytes[rest])}`);
    return isEndOfFile ? 'ended' : 'starved';
  }

  #broken(reason: string): DecodeOutcome {
    this.reason = reason;
    return 'broken';
  }
}

/** Index behind the value that begins at `start`; -1 when its end is not in sight. */
function endOfElement(bytes: Buffer, start: number, isEndOfFile: boolean): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfString(bytes, at);
      if (at === -1) return -1;
      if (depth === 0) return at;
      continue;
    }
    if (byte === openBrace || byte === openBracket) depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at;
      depth--;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === comma || isSpace(byte))) return at;
    at++;
  }
  return isEndOfFile && depth === 0 ? at : -1;
}

/** Index behind the closing quote of the string that begins at `start`; -1 when it is not in sight. */
function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  for (;;) {
    const end = bytes.indexOf(quote, at);
    if (end === -1) return -1;
    let backslashes = 0;
    while (bytes[end - 1 - backslashes] === backslash && end - 1 - backslashes > start) backslashes++;
    if (backslashes % 2 === 0) return end + 1;
    at = end + 1;
  }
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const show = (byte: number | undefined): string => JSON.stringify(String.fromCharCode(byte ?? 0));
