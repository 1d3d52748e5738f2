/** NDJSON: one JSON value a line; lines of white space hold no record. */
import type { FileFormat, FormatFile } from './format.js';
import { LineDecoder, type LineOutcome } from './line-decoder.js';

/**
 * One JSON value a line. Splittable. The type is a promise of the caller: values are parsed, not checked against it.
 */
export function ndjson<T = unknown>(): FileFormat<T> {
  return { name: 'ndjson', data: { format: 'ndjson' }, isSplittable: true, open: (file: FormatFile) => new NdjsonDecoder<T>(file) };
}

class NdjsonDecoder<T> extends LineDecoder<T> {
  declare value: T;

  protected decode(text: string): LineOutcome {
    if (text.trim() === '') return 'skipped';
    try {
      this.value = JSON.parse(text) as T;
      return 'record';
    } catch (error) {
      this.reason = error instanceof Error ? error.message : String(error);
      return 'malformed';
    }
  }
}
