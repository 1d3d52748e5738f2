/** Lines of text: every line is a record, also an empty one. */
import type { FileFormat, FormatFile } from './format.js';
import { LineDecoder, type LineOutcome } from './line-decoder.js';

/** One string a line, without its line end. Splittable. */
export function textLines(): FileFormat<string> {
  return { name: 'text', data: { format: 'text' }, isSplittable: true, open: (file: FormatFile) => new TextDecoder(file) };
}

class TextDecoder extends LineDecoder<string> {
  value = '';

  protected decode(text: string): LineOutcome {
    this.value = text;
    return 'record';
  }
}
